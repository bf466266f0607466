"""Which header fields cross the proxy, in both directions. Order, repeats and case are kept."""

from functools import lru_cache
from typing import Final

from proxy.terms import Header, Headers, Refusal, Refused
from proxy.terms.http import every, first, has_any, list_members

# The pseudonym in Via (RFC 9110 section 7.6.3); our own coming back is a loop.
PSEUDONYM: Final = b"paysluice"
_BY_US: Final = b" " + PSEUDONYM
# RFC 9110 section 7.6.1 and 11.7; Expect is answered here, HTTP2-Settings speaks of a hop.
HOP_BY_HOP: Final = frozenset(
    {
        b"connection",
        b"proxy-connection",
        b"keep-alive",
        b"te",
        b"transfer-encoding",
        b"upgrade",
        b"trailer",
        b"proxy-authenticate",
        b"proxy-authorization",
        b"http2-settings",
        b"expect",
    }
)
# Framing and the authority are written anew for each hop.
_REWRITTEN: Final = frozenset({b"host", b"content-length"})
# What the pod looks like inside is no business of a provider (RFC 7239 section 8).
_PRIVATE: Final = frozenset(
    {b"forwarded", b"x-real-ip", b"x-client-ip", b"x-cluster-client-ip", b"true-client-ip"}
)
_PRIVATE_PREFIXES: Final = (b"x-forwarded-", b"x-original-forwarded-", b"x-envoy-")
OUR_PREFIX: Final = b"paysluice-"
_NOT_PASSED_ON: Final = (OUR_PREFIX, *_PRIVATE_PREFIXES)
_VIA: Final = b"via"
_MAX_FORWARDS: Final = b"max-forwards"
_NEVER_SENT: Final = HOP_BY_HOP | _REWRITTEN | _PRIVATE | {_VIA}
_CONNECTION: Final = b"connection"
_NAMES_NO_FIELD: Final = frozenset({b"keep-alive", b"Keep-Alive", b"close"})  # as it mostly is
_SELDOM: Final = frozenset({_CONNECTION, _MAX_FORWARDS, _VIA})  # they say what becomes of a field
_NAMES: Final = 256  # callers and providers send the same few, whose fate is looked up once
# Fields that a payment rests on: `Connection` may not take them away (standards item 43).
_NEVER_HOP_BY_HOP: Final = frozenset(
    {b"host", b"authorization", b"cookie", b"traceparent", b"early-data", b"cache-control"}
)
_NEVER_HOP_BY_HOP_PARTS: Final = (
    *(b"content-", b"idempot", b"request-id"),
    *(b"account", b"merchant", b"api-key", b"token", b"signature", b"version"),
)
# RFC 9110 section 5.5: controls become spaces, so that one in a field never costs the answer.
_CONTROLS: Final = frozenset({*range(0x20), 0x7F} - {0x09})
_WITHOUT_CONTROLS: Final = bytes(0x20 if byte in _CONTROLS else byte for byte in range(256))
_DROPPED_FROM_ANSWER: Final = HOP_BY_HOP | {b"content-length"}


def clean(value: bytes) -> bytes:
    """Give *value* with a space for each control character."""
    return value.translate(_WITHOUT_CONTROLS)


def forwarded(
    headers: Headers,
    *,
    key_name: bytes = b"",
    version: bytes = b"1.1",
    hops_left: int | None = None,
) -> Headers | Refused:
    """Give the fields of a request that go on to the provider, `Via` added.

    Args:
        headers: The caller's.
        key_name: The field (lower case) in which the provider reads an idempotency key.
        version: Of HTTP, as the caller spoke it: for `Via`.
        hops_left: What `Max-Forwards` says, where it counts (RFC 9110 section 7.6.2).
    """
    kept = [field for field in headers if _goes_on(field[0])]
    ours = version + _BY_US
    if not has_any(headers, _SELDOM):
        kept.append((b"Via", ours))
        return tuple(kept)
    named = set(list_members(headers, _CONNECTION))
    if any(name == key_name or _is_vital(name) for name in named):
        return Refused(
            reason=Refusal.MALFORMED, hint="Connection names a header field that must go on"
        )
    kept = [field for field in kept if field[0].lower() not in named]
    if hops_left is not None:
        kept = [_one_hop_on(field, hops_left) for field in kept]
    via = every(headers, _VIA)
    if any(_is_ours(member) for value in via for member in value.split(b",")):
        return Refused(reason=Refusal.LOOP)
    before = [value for value in via if value.strip(b" \t,")]
    kept.append((b"Via", b", ".join((*before, ours))))
    return tuple(kept)


def answered(headers: Headers) -> Headers:
    """Give the fields of an answer that go back to the caller, their framing taken off."""
    back = [(name, clean(value)) for name, value in headers if _comes_back(name)]
    connection = first(headers, _CONNECTION)
    if connection is not None and connection not in _NAMES_NO_FIELD:
        named = list_members(headers, _CONNECTION)
        back = [field for field in back if field[0].lower() not in named]
    return tuple(back)


@lru_cache(_NAMES)
def _goes_on(name: bytes) -> bool:
    """Whether a field goes on as it is, wherever nothing else is said of it."""
    name = name.lower()
    return name not in _NEVER_SENT and not name.startswith(_NOT_PASSED_ON)


@lru_cache(_NAMES)
def _comes_back(name: bytes) -> bool:
    """Whether a field of an answer goes to the caller, wherever `Connection` does not name it."""
    name = name.lower()
    return name not in _DROPPED_FROM_ANSWER and not name.startswith(OUR_PREFIX)


def _one_hop_on(field: Header, hops_left: int) -> Header:
    is_bound = field[0].lower() == _MAX_FORWARDS
    return (field[0], b"%d" % (hops_left - 1)) if is_bound else field


def _is_vital(name: bytes) -> bool:
    return name in _NEVER_HOP_BY_HOP or any(part in name for part in _NEVER_HOP_BY_HOP_PARTS)


def _is_ours(member: bytes) -> bool:
    words = member.split()
    return len(words) > 1 and words[1].lower() == PSEUDONYM
