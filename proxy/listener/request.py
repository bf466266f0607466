"""What a caller sent, judged before a byte of its body is read. Pure."""

import re
from collections.abc import Collection, Sequence
from functools import lru_cache
from ipaddress import IPv6Address
from typing import Final

from msgspec import Struct

from proxy.terms import Headers, Refusal, Refused
from proxy.terms.http import every, first, has_any, list_members
from proxy.terms.units import parse_duration

from .headers import OUR_PREFIX

# RFC 9110 section 9.1 with RFC 5789 (PATCH) and RFC 10008 (QUERY); whatever else is a token of
# RFC 9110 section 5.6.2 that we do not know is answered 501.
_METHODS: Final = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY"})
_REFUSED_METHODS: Final = frozenset({"CONNECT", "TRACE"})
# RFC 3986 section 3.2.2, without userinfo: a name or an address, with or without a port.
_HOST: Final = re.compile(
    rb"(?:(?:[A-Za-z0-9._~!$&'()*+,;=-]|%[0-9A-Fa-f]{2})+|\[(?P<v6>[0-9A-Fa-f:.]+)\])(?::\d{0,5})?"
)
_ABSOLUTE: Final = re.compile(rb"[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*")
_HTTP_1_0: Final = (1, 0)
_VERSIONS: Final = frozenset({_HTTP_1_0, (1, 1)})
_MAX_LENGTH_DIGITS: Final = 19  # of the largest 64-bit number
# With one of these a provider may take any method for another: what looks like a read may pay.
_OVERRIDES: Final = frozenset({b"x-http-method-override", b"x-http-method", b"x-method-override"})
_OUR_WISHES: Final = frozenset({b"paysluice-timeout", b"paysluice-retry", b"paysluice-errors"})
# What most requests have none of: for these one look is enough.
_SELDOM: Final = _OUR_WISHES | _OVERRIDES | {b"expect"}
_ERROR_MODES: Final = frozenset({"envelope", "native", "passthrough"})


class Bounds(Struct, frozen=True):
    """How large a request may be."""

    max_header_bytes: int
    max_body_bytes: int


class Wishes(Struct, frozen=True):
    """What a caller asks of us, in `Paysluice-*` fields."""

    timeout_s: float | None = None
    may_repeat: bool = True
    error_mode: str | None = None


_NO_WISHES: Final = Wishes()


class RequestFacts(Struct, frozen=True):
    """What the head of a request says, once it is known to be sound."""

    target: bytes  # `*` where the request speaks of ourselves
    length: int | None  # None: chunked
    hops_left: int | None  # Max-Forwards of an OPTIONS; 0: it is for us to answer
    expects_continue: bool
    overrides_method: bool
    wishes: Wishes


def judge_head(
    method: str,
    version: tuple[int, int],
    raw_target: bytes,
    headers: Headers,
    bounds: Bounds,
    origins: Collection[bytes] = (),
) -> RequestFacts | Refused:
    """Say what a request asks for, or why it is refused (docs/conformance.md, rows 20 to 35).

    *origins* are ours as the caller reached us, such as `http://127.0.0.1:8080`: absolute-form is
    for them only.
    """
    if sum([len(name) + len(value) for name, value in headers]) > bounds.max_header_bytes:
        return Refused(reason=Refusal.HEADERS_TOO_LARGE)
    hosts = every(headers, b"host")
    target = _origin_form(method, raw_target, origins)
    is_old = version <= _HTTP_1_0
    fault = _host_fault(hosts, is_old=is_old) or _framing_fault(headers, is_old=is_old)
    if version not in _VERSIONS:  # aiohttp lets HTTP/0.9 through, whose caller reads no status
        fault = "the version is HTTP/1.1 or HTTP/1.0"
    if fault is None and method in _REFUSED_METHODS:
        return Refused(reason=Refusal.METHOD_REFUSED)
    if fault is None and method not in _METHODS:
        return Refused(reason=Refusal.METHOD_UNKNOWN)
    if fault is None and target is None:
        fault = "the request target is no path, and names no address of this proxy"
    is_plain = not has_any(headers, _SELDOM)
    wishes = _NO_WISHES if is_plain else _wishes(headers)
    if fault is not None or target is None or isinstance(wishes, str):
        return Refused(reason=Refusal.MALFORMED, hint=fault or str(wishes))
    length = _length(headers)
    if length is not None and length > bounds.max_body_bytes:
        return Refused(reason=Refusal.TOO_LARGE)
    return RequestFacts(
        target=target,
        length=length,
        hops_left=_hops_left(headers) if method == "OPTIONS" else None,
        expects_continue=not (is_plain or is_old)
        and list_members(headers, b"expect") == [b"100-continue"],
        overrides_method=not is_plain and has_any(headers, _OVERRIDES),
        wishes=wishes,
    )


def _origin_form(method: str, target: bytes, origins: Collection[bytes]) -> bytes | None:
    """Give path and query; absolute-form is for ourselves only (RFC 9112 section 3.2.2)."""
    if target.startswith(b"/") or (target == b"*" and method == "OPTIONS"):
        return target
    found = _ABSOLUTE.match(target)
    if found is None or found[0].lower() not in origins:
        return None
    rest = target[found.end() :]
    return rest if rest.startswith(b"/") else b"/" + rest


def _hops_left(headers: Headers) -> int | None:
    """RFC 9110 section 7.6.2; what is no number is nobody's limit."""
    value = (first(headers, b"max-forwards") or b"").strip()
    return int(value) if _is_length(value) else None


def _host_fault(hosts: Sequence[bytes], *, is_old: bool) -> str | None:
    """RFC 9112 section 3.2: exactly one, and a valid one."""
    if (not hosts and is_old) or (len(hosts) == 1 and _is_host(hosts[0])):
        return None
    return "exactly one valid Host header field is needed"


@lru_cache(256)  # callers name few
def _is_host(value: bytes) -> bool:
    found = _HOST.fullmatch(value)
    return found is not None and (found["v6"] is None or _is_ipv6(found["v6"]))


def _is_ipv6(address: bytes) -> bool:
    try:
        IPv6Address(address.decode("ascii"))
    except ValueError:
        return False
    return True


def _framing_fault(headers: Headers, *, is_old: bool) -> str | None:
    """RFC 9112 section 6: one way to tell where a body ends, or none."""
    codings = every(headers, b"transfer-encoding")
    lengths = every(headers, b"content-length")
    if codings:
        if is_old:
            return "Transfer-Encoding is not defined for HTTP/1.0"
        if [value.strip().lower() for value in codings] != [b"chunked"]:
            return "the only transfer coding understood is chunked"
        if lengths:
            return "Transfer-Encoding and Content-Length exclude each other"
    if len(lengths) > 1 or (lengths and not _is_length(lengths[0])):
        return "Content-Length is one whole number"
    return None


def _is_length(value: bytes) -> bool:
    return value.isdigit() and len(value) <= _MAX_LENGTH_DIGITS


def _length(headers: Headers) -> int | None:
    if every(headers, b"transfer-encoding"):
        return None
    return int(first(headers, b"content-length") or 0)


def _wishes(headers: Headers) -> Wishes | str:
    """Read our own request fields, or say what is wrong with one."""
    timeout_s, may_repeat, mode = None, True, None
    for name, raw in headers:
        lower = name.lower()
        if not lower.startswith(OUR_PREFIX):
            continue
        value = raw.decode("latin-1").strip()
        match lower:
            case b"paysluice-timeout":
                timeout_s = _seconds(value)
                if timeout_s is None:
                    return "Paysluice-Timeout is a duration above zero, such as 8s"
            case b"paysluice-retry":
                if value not in {"on", "off"}:
                    return "Paysluice-Retry is on or off"
                may_repeat = value == "on"
            case b"paysluice-errors":
                if value not in _ERROR_MODES:
                    return "Paysluice-Errors is envelope, native or passthrough"
                mode = value
            case _:
                continue
    return Wishes(timeout_s=timeout_s, may_repeat=may_repeat, error_mode=mode)


def _seconds(value: str) -> float | None:
    try:
        seconds = parse_duration(value)
    except ValueError:
        return None
    return seconds if isinstance(seconds, float) and seconds > 0 else None
