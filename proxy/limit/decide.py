"""Whether there is a token, and how long to wait for it: GCRA. Pure.

Rule 1: the whole state of a limit is one number, the theoretical arrival time (TAT): when the
        bucket will be full again. Each token moves it on by one interval. So a store keeps one
        number a key, and can change it in one atomic step.
Rule 2: a request may come as much before the TAT as `burst` allows. One that comes sooner may
        reserve its token and wait: it moves the TAT on at once, so those after it queue behind.
Rule 3: a refusal changes nothing: who asks in vain does not push the others back.
Rule 4: over any time t, at most `burst + rate x t` requests are let go.
"""

from dataclasses import dataclass
from typing import Final

from proxy.terms.units import Rate

# Rounding of clock and division, far below what a network can tell. It does not add up: the TAT
# moves on by whole intervals.
_INSTANT_S: Final = 1e-6


@dataclass(frozen=True, slots=True)
class Slot:
    """A token: the limit's new TAT, and how long to wait before using it."""

    tat: float
    wait_s: float


@dataclass(frozen=True, slots=True)
class NoToken:
    """No token in time: when there would be one if nobody else asked."""

    retry_after_s: float


def take(tat: float, now: float, *, rate: Rate, burst: int, max_wait_s: float) -> Slot | NoToken:
    """Take a token from the limit whose theoretical arrival time is *tat*."""
    interval_s = rate.period_s / rate.count
    arrival = max(tat, now)  # a bucket does not fill beyond its burst
    wait_s = arrival - (burst - 1) * interval_s - now
    if wait_s <= _INSTANT_S:
        wait_s = 0.0
    if wait_s > max_wait_s:
        return NoToken(wait_s)
    return Slot(arrival + interval_s, wait_s)
