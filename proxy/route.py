"""Which provider a path means, which of its routes, and what goes on the wire.

Rules:

1. The target is looked at raw, and goes on byte for byte: `base_path` + what follows the mount.
   `/spotflow`, without its slash, means `/spotflow/`.
2. What two readers could read differently is refused (standards item 23): a dot segment, raw or
   percent-encoded, also behind an encoded slash or before a `;`; a backslash; a `#`; a space,
   control or non-ASCII byte. A doubly encoded one is data.
3. The longest mount wins. `/_paysluice/` is ours.
4. A pattern is compared segment by segment, percent-encoding as it stands; `{x}` is any one
   segment that is not empty. Of several that match, the first listed wins. HEAD also matches a
   GET pattern.
5. The config's rules are matched below the mount; the profile's operations against the upstream
   path, whole first and then without each of `prefixes` that it begins with.
6. The config's name and effect beat the operation's; where neither says, the method decides
   (RFC 9110 section 9.2), and a method nobody knows is a payment.
"""

import re
from collections.abc import Iterable
from typing import Final, Protocol, TypeAlias

from msgspec import Struct

from proxy.terms import Refusal, Refused, RouteEffect, effect_of_method

OTHER: Final = "other"  # the label of a route that nobody named
_RESERVED: Final = b"/_paysluice"
_BELOW_RESERVED: Final = _RESERVED + b"/"
_VISIBLE: Final = bytes(byte for byte in range(0x21, 0x7F) if byte not in b"\\#")
# RFC 3986 section 2.3: letters, digits, `-._~` mean the same whether they are encoded or not.
_UNRESERVED: Final = re.compile(rb"%(2[dDeE]|3[0-9]|[46][1-9a-fA-F]|[57][0-9aA]|5[fF]|7[eE])")
_DOTS: Final = frozenset({b".", b".."})
_METHOD: Final = re.compile(r"[A-Z][A-Z_-]*")
_PARAM: Final = re.compile(r"\{[A-Za-z_][A-Za-z0-9_]*\}")
_ENCODED: Final = ((b"%2e", b"."), (b"%2f", b"/"), (b"%3b", b";"), (b"%5c", b"\\"))

Segments: TypeAlias = tuple[bytes | None, ...]  # None: any one segment that is not empty


class RouteRule(Struct, frozen=True):
    """A route by its method and its path."""

    name: str
    method: str
    segments: Segments
    effect: RouteEffect | None = None  # None: whatever the method says


class ProviderRoutes(Struct, frozen=True):
    """Where a provider is mounted, and which routes of it are known."""

    name: str
    mount: bytes  # begins and ends with a slash
    base_path: bytes = b""  # of base_url; a slash at its end is not doubled
    rules: tuple[RouteRule, ...] = ()  # the config's
    operations: tuple[RouteRule, ...] = ()  # the profile's
    prefixes: tuple[bytes, ...] = ()  # `/v1`: what an operation's pattern leaves out


class Matched(Struct, frozen=True):
    """A request that has found its provider."""

    provider: str
    route: str  # for labels and settings: a configured name, an operation's, or `other`
    operation: str  # the profile's name; "" where it knows none
    effect: RouteEffect
    target: bytes  # origin-form, as it goes to the provider


def parse_match(match: str, *, name: str = OTHER, effect: RouteEffect | None = None) -> RouteRule:
    """Read a pattern such as `GET /payments/{id}`.

    Raises:
        ValueError: *match* is no pattern, or one that no request could match.
    """
    method, _, path = match.partition(" ")
    if not _METHOD.fullmatch(method):
        msg = f"{match!r}: a pattern is a method in capitals, a space and a path: GET /payments"
        raise ValueError(msg)
    if "?" in path or path_fault(path.encode()) is not None:
        msg = f"{match!r}: a path begins with / and holds visible ASCII, no query and no `..`"
        raise ValueError(msg)
    segments = tuple(_segment(match, part) for part in path[1:].split("/"))
    return RouteRule(name, method, segments, effect)


class Described(Protocol):
    """A route as a config or a profile describes it."""

    @property
    def name(self) -> str:
        """What it is called."""

    @property
    def match(self) -> str:
        """Its pattern."""

    @property
    def effect(self) -> RouteEffect | None:
        """What it may do; None: whatever the method says."""


def parse_rules(routes: Iterable[Described]) -> tuple[RouteRule, ...]:
    """Read the patterns of *routes*.

    Raises:
        ValueError: one is no pattern.
    """
    return tuple(parse_match(each.match, name=each.name, effect=each.effect) for each in routes)


def _segment(match: str, part: str) -> bytes | None:
    if _PARAM.fullmatch(part):
        return None
    if "{" in part or "}" in part:
        msg = f"{match!r}: a parameter is a whole segment with a name: /payments/{{id}}"
        raise ValueError(msg)
    return part.encode()


class Router:
    """Finds provider and route. Built once from the settings; holds no state."""

    def __init__(self, providers: Iterable[ProviderRoutes]) -> None:
        """Sort the mounts.

        Raises:
            ValueError: Two mounts are the same, or one is not a place of its own.
        """
        tables = [_Table(routes) for routes in providers]
        mounts = {table.mount for table in tables}
        if len(mounts) != len(tables):
            msg = "two providers have the same mount"
            raise ValueError(msg)
        if b"/" in mounts and len(mounts) > 1:
            msg = "a provider is mounted at / only where it is the only one"
            raise ValueError(msg)
        self._by_first: dict[bytes, list[_Table]] = {}
        for table in sorted(tables, key=lambda table: len(table.mount), reverse=True):
            self._by_first.setdefault(_first_segment(table.mount), []).append(table)
        self._at_root = self._by_first.get(b"", [])

    def match(self, method: str, target: bytes) -> Matched | Refused:
        """Find what *target*, the request line's, means."""
        path, _, _ = target.partition(b"?")
        fault = _fault(target, path)
        if fault is not None:
            return Refused(reason=Refusal.MALFORMED, hint=fault)
        if path != _RESERVED and not path.startswith(_BELOW_RESERVED):
            for table in self._by_first.get(_first_segment(path), self._at_root):
                if path.startswith(table.mount) or path == table.bare_mount:
                    return table.match(method, target, path)
        return Refused(reason=Refusal.NO_PROVIDER)


def _first_segment(path: bytes) -> bytes:
    return path[1:].partition(b"/")[0]


class _Table:
    """One provider's patterns, by method and number of segments."""

    __slots__ = (
        "_base",
        "_base_segments",
        "_name",
        "_operations",
        "_prefixes",
        "_rules",
        "bare_mount",
        "mount",
    )

    def __init__(self, routes: ProviderRoutes) -> None:
        mount = routes.mount
        if not mount.endswith(b"/") or path_fault(mount) is not None or b"?" in mount:
            msg = f"{routes.name}: a mount is a path that begins and ends with a slash"
            raise ValueError(msg)
        if mount.startswith(_RESERVED + b"/"):
            msg = f"{routes.name}: /_paysluice/ is ours"
            raise ValueError(msg)
        base = routes.base_path.rstrip(b"/")
        if base and (path_fault(base) is not None or b"?" in base):
            msg = f"{routes.name}: a base path is a path, or empty"
            raise ValueError(msg)
        self.mount = mount
        self.bare_mount = mount[:-1]
        self._name = routes.name
        self._base = base
        self._base_segments = base[1:].split(b"/") if base else ()
        self._rules = _index(routes.rules)
        self._operations = _index(routes.operations)
        self._prefixes = tuple(
            prefix.strip(b"/").split(b"/") for prefix in routes.prefixes if prefix.strip(b"/")
        )

    def match(self, method: str, target: bytes, path: bytes) -> Matched:
        below = len(self.bare_mount)
        rest, rest_path = target[below:], path[below:]
        if not rest_path:
            rest, rest_path = b"/" + rest, b"/"
        segments = rest_path[1:].split(b"/")
        rule = _find(self._rules, method, segments)
        operation = self._operation(method, [*self._base_segments, *segments])
        said = (rule and rule.effect) or (operation and operation.effect)
        return Matched(
            provider=self._name,
            route=rule.name if rule else operation.name if operation else OTHER,
            operation=operation.name if operation else "",
            effect=said or self._least_harmless(method, rest_path),
            target=self._base + rest,
        )

    def _least_harmless(self, method: str, rest_path: bytes) -> RouteEffect:
        """Give the effect where no pattern says one: as harmful as a path that is spelt alike."""
        effect = effect_of_method(method)
        tidy = _tidied(rest_path)
        if tidy == rest_path or effect is RouteEffect.PAYMENT:
            return effect
        segments = tidy[1:].split(b"/")
        alike = (
            _find(self._rules, method, segments),
            self._operation(method, [*self._base_segments, *segments]),
        )
        is_payment = any(each and each.effect is RouteEffect.PAYMENT for each in alike)
        return RouteEffect.PAYMENT if is_payment else effect

    def _operation(self, method: str, segments: list[bytes]) -> RouteRule | None:
        found = _find(self._operations, method, segments)
        for prefix in self._prefixes:
            if found is None and segments[: len(prefix)] == prefix:
                found = _find(self._operations, method, segments[len(prefix) :])
        return found


_Index: TypeAlias = dict[tuple[str, int, bytes | None], list[RouteRule]]


def _index(rules: tuple[RouteRule, ...]) -> _Index:
    """Sort *rules* by method, length and first segment, in their order under each."""
    index: _Index = {}
    for first in {rule.segments[0] for rule in rules} | {None}:
        for rule in rules:
            if rule.segments[0] in (first, None):
                for method in {rule.method, "HEAD"} if rule.method == "GET" else {rule.method}:
                    index.setdefault((method, len(rule.segments), first), []).append(rule)
    return index


def _find(index: _Index, method: str, segments: list[bytes]) -> RouteRule | None:
    length = len(segments)
    first = segments[0] if segments else None
    for rule in index.get((method, length, first)) or index.get((method, length, None)) or ():
        for want, got in zip(rule.segments, segments, strict=True):
            if want != got and (want is not None or not got):
                break
        else:
            return rule
    return None


def _tidied(path: bytes) -> bytes:
    """Give *path* as a provider may read it: no empty segments, no needless percent-encoding."""
    path = _UNRESERVED.sub(lambda found: bytes((int(found[1], 16),)), path)
    return b"/" + b"/".join(segment for segment in path.split(b"/") if segment)


def path_fault(path: bytes) -> str | None:
    """Say why *path*, which has no query, cannot go on the wire; None: it can."""
    return _fault(path, path)


def _fault(target: bytes, path: bytes) -> str | None:
    if not target.startswith(b"/"):
        return "the target of a request begins with a slash"
    if target.translate(None, _VISIBLE):
        return "a target holds visible ASCII only, and neither # nor a backslash"
    if b"%" in path:
        path = path.lower()
        for encoded, plain in _ENCODED:
            path = path.replace(encoded, plain)
        if b"\\" in path:
            return "a path holds no backslash, encoded or not"
    if b"/." in path and any(part.split(b";")[0] in _DOTS for part in path.split(b"/")):
        return "a path holds no dot segment, encoded or not"
    return None
