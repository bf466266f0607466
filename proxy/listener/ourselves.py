"""What callers may ask of ourselves, under `/_paysluice/`: what became of a payment.

`GET /_paysluice/outcomes/{id}?wait=30s` answers at once where it is known, else when it is, or when
the wait is over. The id is one that nobody can guess, and only the payment's caller was told it.
"""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias
from urllib.parse import parse_qsl

from msgspec import Struct

from proxy.retry import refused
from proxy.terms import Answer, Answered, Kind, Outcome, Refusal, Refused
from proxy.terms.units import parse_duration

PREFIX: Final = b"/_paysluice/"
MAX_WAIT_S: Final = 60.0
_OUTCOME: Final = re.compile(rb"/_paysluice/outcomes/([0-9A-Za-z_-]{1,64})(?:\?(.*))?")
_READ: Final = frozenset({"GET", "HEAD"})
_JSON: Final = ((b"Content-Type", b"application/json"), (b"Cache-Control", b"no-store"))

# Gives what became of a payment once it is known, or what is known after so many seconds; None
# where nothing is known of such an id.
Ask: TypeAlias = Callable[[str, float], Awaitable[Mapping[str, object] | None]]


class Question(Struct, frozen=True):
    """Somebody wants to know what became of a payment."""

    outcome_id: str
    wait_s: float


def read_question(method: str, target: bytes) -> Question | Refused:
    """Read what is asked under `PREFIX`; there is nothing else to ask."""
    found = _OUTCOME.fullmatch(target)
    if found is None:
        return refused(Refusal.NO_PROVIDER)
    if method not in _READ:
        return refused(Refusal.METHOD_REFUSED)
    wait_s = _wait_s((found[2] or b"").decode("latin-1"))
    if wait_s is None:
        return refused(Refusal.MALFORMED, hint="`wait` is a duration of at most 60s: 30s, 500ms")
    return Question(found[1].decode("ascii"), wait_s)


async def answer(question: Question, ask: Ask) -> Outcome:
    """Give the answer to *question*."""
    told = await ask(question.outcome_id, question.wait_s)
    if told is None:
        return refused(Refusal.NO_OUTCOME)
    body = json.dumps(told).encode() + b"\n"
    return Answered(answer=Answer(200, b"OK", _JSON, body), kind=Kind.OK)


def _wait_s(query: str) -> float | None:
    given = [value for name, value in parse_qsl(query, keep_blank_values=True) if name == "wait"]
    if not given:
        return 0.0
    try:
        wait_s = parse_duration(given[-1])
    except ValueError:
        return None
    return wait_s if isinstance(wait_s, float) and wait_s <= MAX_WAIT_S else None
