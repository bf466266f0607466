"""Whether there is a token under each of several limits, and how long until there is: GCRA. Pure.

Rule 1: the whole state of a limit is one number, the theoretical arrival time (TAT): when the
        bucket will be full again. Each token moves it on by one interval. So a store keeps one
        number a key, and can change several in one atomic step.
Rule 2: a request may come as much before the TAT as `burst` allows.
Rule 3: a refusal changes nothing, under any of the limits: who asks in vain costs nobody a token.
Rule 4: over any time t, at most `burst + rate x t` requests are let go.
"""

from collections.abc import Sequence
from typing import Final

from msgspec import Struct

# Rounding of clock and division, far below what a network can tell. It does not add up: the TAT
# moves on by whole intervals.
_INSTANT_S: Final = 1e-6


class Ask(Struct, frozen=True):
    """One token of one bucket: the bucket's key, and how it fills."""

    key: str
    interval_s: float  # of one token
    burst: int


class Taken(Struct, frozen=True):
    """A token of each was taken; when each bucket will be full again, in monotonic seconds here."""

    full_at: Sequence[float]


class NotYet(Struct, frozen=True):
    """No token was taken: how long until each has one, zero where there is one now."""

    waits_s: tuple[float, ...]


def next_at(tat: float, ask: Ask) -> float:
    """Give when there is a token in a bucket that is full again at *tat*."""
    return tat - (ask.burst - 1) * ask.interval_s


def used_up(at: float, ask: Ask) -> float:
    """Give the TAT of a bucket of whose burst one token was left *at* a time."""
    return at + (ask.burst - 1) * ask.interval_s


def wait_s(tat: float, now: float, ask: Ask) -> float:
    """Give how long until there is a token."""
    seconds = next_at(tat, ask) - now
    return seconds if seconds > _INSTANT_S else 0.0


def take(tats: Sequence[float], asks: Sequence[Ask], now: float) -> list[float] | NotYet:
    """Take a token of each, or of none; *tats* stand in the order of *asks*. Give the new TATs."""
    taken: list[float] = []
    for tat, ask in zip(tats, asks):  # noqa: B905 - each argument by name costs more than a token
        interval_s = ask.interval_s
        if tat <= now:  # a bucket does not fill beyond its burst
            taken.append(now + interval_s)
        elif tat - (ask.burst - 1) * interval_s <= now + _INSTANT_S:
            taken.append(tat + interval_s)
        else:
            return NotYet(tuple(map(wait_s, tats, [now] * len(asks), asks)))
    return taken
