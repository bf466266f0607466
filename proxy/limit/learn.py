"""What a provider says of its own limits, and what it makes of ours. Pure.

Rules:

1. It only ever makes ours narrower, and for a while: nothing a provider says lets more through than
   is configured.
2. A 429 holds the buckets that the call needed until `Retry-After`, or until it says that there is
   room again; where it names one of our limits, that one alone. One that says nothing holds
   nothing: its call waits before it is sent again, and how long others should nobody knows.
3. Who says that nothing is left is believed before it says 429. Where little is left, what there is
   is spread over the time until there is more: then no 429 comes.
4. What is said is bounded: after `MAX_HOLD_S` one call asks again.

Sources: RFC 9110 section 10.2.3; draft-ietf-httpapi-ratelimit-headers sections 3, 4 and 7 (where
both are there, Retry-After wins; what is malformed is ignored).
"""

import re
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Final, Literal

from msgspec import Struct

from proxy.terms import Answered, Headers, Kind
from proxy.terms.http import every, first

MAX_HOLD_S: Final = 300.0
_LITTLE: Final = 0.1  # of what the provider allows
_MILLISECONDS: Final = 1e11  # an epoch above it counts them: it would be the year 5138
_NUMBER: Final = re.compile(rb"\d{1,15}(?:\.\d{1,9})?")
_MEMBER: Final = re.compile(rb'"([^"]{0,64})"((?:;[a-z*][a-z0-9_*.-]*=[^,;"]{1,64})+)')
_PARAMETER: Final = re.compile(rb";([rt])=(\d{1,15})(?=;|$)")
_MAX_FIELD: Final = 1024


class RateLimitNames(Struct, frozen=True):
    """Under which names (lower case) a provider tells what is left, and when there is more."""

    limit: bytes | None
    remaining: bytes
    reset: bytes | None
    reset_as: Literal["seconds", "epoch", "date"]


class Heard(Struct, frozen=True):
    """What an answer said."""

    remaining: float
    reset_s: float | None = None
    limit: float | None = None
    name: str | None = None  # of the provider's policy


class Hold(Struct, frozen=True):
    """Let nothing through for so long."""

    seconds: float


class Spread(Struct, frozen=True):
    """Let one through every *interval_s* at most, for so long."""

    interval_s: float
    seconds: float


def hear(headers: Headers, fields: RateLimitNames | None, wall: float) -> Heard | None:
    """Read what is left: from the fields that the profile names, else from the draft's own."""
    if fields is None:
        values = every(headers, b"ratelimit")
        return _hear_draft(values, headers) if values else None
    remaining = _number(first(headers, fields.remaining))
    if remaining is None:
        return None
    limit = _number(first(headers, fields.limit)) if fields.limit is not None else None
    reset = first(headers, fields.reset) if fields.reset is not None else None
    return Heard(remaining, _reset_s(reset, fields.reset_as, wall), limit)


def learn(outcome: Answered, heard: Heard | None) -> Hold | Spread | None:
    """Say what an answer makes of the limits that its call went through."""
    if outcome.kind is Kind.THROTTLED:
        seconds = outcome.retry_after_s
        if seconds is None and heard is not None and not heard.remaining:
            seconds = heard.reset_s
        return None if seconds is None else Hold(min(seconds, MAX_HOLD_S))
    if heard is None or heard.reset_s is None:
        return None
    if heard.remaining < 1:
        return Hold(min(heard.reset_s, MAX_HOLD_S))
    if heard.limit is not None and heard.remaining > _LITTLE * heard.limit:
        return None
    seconds = min(heard.reset_s, MAX_HOLD_S)
    return Spread(seconds / (heard.remaining + 1), seconds)


def _hear_draft(values: Sequence[bytes], headers: Headers) -> Heard | None:
    """Read `RateLimit: "name";r=50;t=30`: of several policies the one with the least left."""
    found: list[Heard] = []
    for value in values:
        for member in _MEMBER.finditer(value[:_MAX_FIELD]):
            said = {name: float(number) for name, number in _PARAMETER.findall(member[2])}
            if b"r" in said:
                name = member[1].decode("ascii", "replace")
                found.append(Heard(said[b"r"], said.get(b"t"), _quota(headers, member[1]), name))
    return min(found, key=lambda heard: heard.remaining, default=None)


def _quota(headers: Headers, name: bytes) -> float | None:
    for value in every(headers, b"ratelimit-policy"):
        found = re.search(rb'"%s"[^,"]{0,200}?;q=(\d{1,15})' % re.escape(name), value[:_MAX_FIELD])
        if found is not None:
            return float(found[1])
    return None


def _reset_s(value: bytes | None, reset_as: str, wall: float) -> float | None:
    if value is None:
        return None
    if reset_as == "date":
        return _until_date(value, wall)
    number = _number(value)
    if number is None or reset_as == "seconds":
        return number
    return max(0.0, (number / 1000 if number > _MILLISECONDS else number) - wall)


def _until_date(value: bytes, wall: float) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(value[:64].decode("latin-1")).timestamp() - wall)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None


def _number(value: bytes | None) -> float | None:
    text = value.strip() if value is not None else b""
    return float(text) if _NUMBER.fullmatch(text) else None
