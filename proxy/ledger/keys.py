"""Finds the caller's idempotency key and puts it where the provider reads it (contract section 6).

Rules:

1. The caller's key stands in `Idempotency-Key`, as the IETF draft's string or bare, or where the
   provider reads it: a header field, or a top-level member of the JSON body. It is never replaced.
2. A second line of a key field is refused, whatever it holds; so are two places that differ.
3. A key is 1 to 255 printable ASCII characters, or what the provider's rule says. One that does not
   fit is refused, never cut. No hint repeats it.
4. Under the provider's own name the bytes go on as they came. Mapped, the decoded value is sent,
   and `Idempotency-Key` is not: the provider did not ask for it.
5. A body is mapped by writing the member in front of the others; no other byte changes. What is no
   UTF-8 JSON object, is streamed, or is covered by a signature or digest cannot be mapped.
6. A POST or PATCH without a key is given one where that is asked for, the provider honours keys and
   it can be placed. `require` asks the caller, so a key of ours would not satisfy it.
7. A read goes on as it came, with or without a key; only rule 2's second line is refused.

A provider without a rule gets the headers as they came; the key is known, and honoured by nobody.
"""

import json
import re
from functools import lru_cache
from math import inf
from typing import Final, Literal, TypeAlias

from msgspec import Struct

from proxy.terms import BodyStream, Headers, Key, NewId, Refusal, Refused, RouteEffect
from proxy.terms.http import first

MAX_KEY: Final = 255  # what providers store where they say nothing else (Stripe, for one)
_DRAFT: Final = b"idempotency-key"  # draft-ietf-httpapi-idempotency-key-header-07 section 2.1
_PRINTABLE: Final = re.compile(r"[!-~](?:[ -~]*[!-~])?")
# RFC 9651 section 3.3.3, and nothing behind it: the draft defines no parameters.
_STRING: Final = re.compile(rb'"((?:[ !#-\[\]-~]|\\["\\])*)"')
_ESCAPE: Final = re.compile(rb'\\(["\\])')
_GENERATED_FOR: Final = frozenset({"POST", "PATCH"})
# What the name of a field that covers the body contains: RFC 9421, RFC 9530, Content-MD5,
# X-Acme-Signature, X-Amz-Content-Sha256. `Want-Content-Digest` only asks for one.
_COVERING: Final = (b"signature", b"digest", b"hmac", b"content-md5", b"content-sha256")

_TWO: Final = "send one idempotency key, in one place"
_DIFFERENT: Final = "two idempotency keys that differ: send one"
_COVERED: Final = (
    "the idempotency key belongs in the body, and a signature or digest covers the body: "
    "write it there before signing"
)
_NO_PLACE: Final = (
    "the idempotency key belongs in the body, as a member of a JSON object in UTF-8: "
    "this body is none, is too large to be kept, or has null there"
)
_UNSEEN: Final = (
    "a payment needs an idempotency key, and this body is too large to be searched for one"
)

Body: TypeAlias = bytes | BodyStream
_Members: TypeAlias = tuple[tuple[str, object], ...]


class KeyRule(Struct, frozen=True):
    """Where a provider reads the key on this route, and what its promise is worth."""

    place: Literal["header", "body"]
    name: str  # of the header field, or of the body's member
    is_honoured: bool
    covers_failures: bool
    max_length: int = MAX_KEY
    charset: re.Pattern[str] | None = None  # for the whole key
    ttl_s: float | None = None  # how long the provider remembers; None: no end is known
    is_guarded: bool = False  # our ledger lets a payment with such a key through once


_NO_RULE: Final = KeyRule("header", "Idempotency-Key", is_honoured=False, covers_failures=False)


class Keyed(Struct, frozen=True):
    """A request whose key, if it has one, is where the provider reads it."""

    headers: Headers
    body: Body
    key: Key | None
    result: Literal["new", "generated", "missing", "none"]


def apply(
    headers: Headers,
    body: Body,
    *,
    rule: KeyRule | None,
    effect: RouteEffect,
    method: str,
    require: bool,
    generate: bool,
    now: float,
    new_id: NewId,
) -> Keyed | Refused:
    """Give the request with its key in place, or say why it is not sent.

    *headers* are end-to-end fields without framing; *now* is monotonic.
    """
    place = rule or _NO_RULE
    drafts, own = _lines(headers, _header_of(place))
    if len(drafts) > 1 or len(own) > 1:
        return _refuse(_TWO)
    if effect is RouteEffect.READ:
        return Keyed(headers, body, None, "none")
    members = _members_of(body) if place.place == "body" else None
    given = _given(drafts, own, members, place)
    if given:
        placed = _fault_of(given, place) or _place(headers, body, members, place, str(given[0]))
        if isinstance(placed, str):
            return _refuse(placed)
        return Keyed(*placed, _key(str(given[0]), place, now), "new")
    if require and effect is RouteEffect.PAYMENT:
        is_unseen = place.place == "body" and not isinstance(body, bytes)
        return Refused(reason=Refusal.KEY_MISSING, hint=_UNSEEN if is_unseen else None)
    if generate and place.is_honoured and method in _GENERATED_FOR:
        value = new_id()
        placed = _fault_of([value], place) or _place(headers, body, members, place, value)
        if not isinstance(placed, str):  # else the call goes on without: the key was our idea
            return Keyed(*placed, _key(value, place, now, is_generated=True), "generated")
    is_missing = rule is not None and effect is RouteEffect.PAYMENT
    return Keyed(headers, body, None, "missing" if is_missing else "none")


def _refuse(hint: str) -> Refused:
    return Refused(reason=Refusal.MALFORMED, hint=hint)


def _key(value: str, rule: KeyRule, now: float, *, is_generated: bool = False) -> Key:
    return Key(
        value=value,
        is_honoured=rule.is_honoured,
        covers_failures=rule.covers_failures,
        is_generated=is_generated,
        usable_until=inf if rule.ttl_s is None else now + rule.ttl_s,
    )


@lru_cache(256)
def field_of(name: str) -> bytes:
    """Give the *name* of a header field as fields are compared. Rules name few."""
    return name.lower().encode("ascii")


def _header_of(rule: KeyRule) -> bytes:
    return field_of(rule.name) if rule.place == "header" else _DRAFT


def _lines(headers: Headers, field: bytes) -> tuple[list[bytes], list[bytes]]:
    """Give the values of `Idempotency-Key`, and of *field* where that is another."""
    drafts: list[bytes] = []
    own: list[bytes] = []
    for name, value in headers:
        lowered = name.lower()
        if lowered == _DRAFT:
            drafts.append(value)
        elif lowered == field:
            own.append(value)
    return drafts, own


def _given(
    drafts: list[bytes], own: list[bytes], members: _Members | None, rule: KeyRule
) -> list[object]:
    """Give every key the caller sent, decoded; one that cannot be decoded is no string."""
    given: list[object] = [_decode(raw) for raw in drafts]
    given += [raw.decode("latin-1").strip(" \t") for raw in own]
    # An SDK that writes null for what is not set has sent no key.
    return given + [value for value in _values(members, rule.name) if value is not None]


def _values(members: _Members | None, name: str) -> list[object]:
    return [value for member, value in members or () if member == name]


def _decode(raw: bytes) -> str | None:
    raw = raw.strip(b" \t")
    if not raw.startswith(b'"'):
        return raw.decode("latin-1")
    found = _STRING.fullmatch(raw)
    return None if found is None else _ESCAPE.sub(rb"\1", found[1]).decode("ascii")


def _fault_of(given: list[object], rule: KeyRule) -> str | None:
    if not all(isinstance(value, str) and _fits(value, rule) for value in given):
        pattern = f" that match {rule.charset.pattern}" if rule.charset else ""
        return f"an idempotency key is 1 to {rule.max_length} printable ASCII characters{pattern}"
    return _DIFFERENT if len(set(given)) > 1 else None


def _fits(value: str, rule: KeyRule) -> bool:
    return (
        len(value) <= rule.max_length
        and _PRINTABLE.fullmatch(value) is not None
        and (rule.charset is None or rule.charset.fullmatch(value) is not None)
    )


def _place(
    headers: Headers, body: Body, members: _Members | None, rule: KeyRule, value: str
) -> tuple[Headers, Body] | str:
    """Put *value* where the provider reads it, or say why that cannot be."""
    name = _header_of(rule)
    is_there = first(headers, name) is not None
    if rule.place == "header" and is_there and name == _DRAFT:
        return headers, body
    others = tuple(field for field in headers if field[0].lower() != _DRAFT)
    if rule.place == "header":
        mapped = () if is_there else ((rule.name.encode(), value.encode()),)
        return others + mapped, body
    there = _values(members, rule.name)
    if members is None or not isinstance(body, bytes) or there == [None]:
        return _NO_PLACE
    if len(there) > 1:  # readers differ in which of the two counts (RFC 8259 section 4)
        return _TWO
    if there:
        return others, body
    if any(_covers_body(name.lower()) for name, _ in headers):
        return _COVERED
    return others, _splice(body, rule.name, value, is_alone=not members)


def _covers_body(name: bytes) -> bool:
    return not name.startswith(b"want-") and any(word in name for word in _COVERING)


def _members_of(body: Body) -> _Members | None:
    """Give the members of a JSON object, repeats included; None for anything else."""
    if not isinstance(body, bytes):
        return None
    try:
        # As floats, numbers cost no digits limit; they are never written back.
        document = json.loads(body.decode(), object_pairs_hook=tuple, parse_int=float)
    except (ValueError, RecursionError):
        return None
    return document if isinstance(document, tuple) else None


def _splice(body: bytes, name: str, value: str, *, is_alone: bool) -> bytes:
    start = body.index(b"{") + 1
    member = f"{json.dumps(name)}:{json.dumps(value)}{'' if is_alone else ','}"
    return body[:start] + member.encode() + body[start:]
