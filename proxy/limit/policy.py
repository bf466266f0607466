"""Waits for what a provider allows: a token of each rate limit, then a place in flight.

Tokens come first. While a call waits for one it holds nothing, so a slow limit on one route or one
header value never takes the places of the others. The price: where places are scarce, tokens that
were taken at different times may be used together, and one whose place did not come in time is
lost. So over any time t at most `burst + rate x (t + concurrency.max_wait)` calls go out, and
seldom more than `burst + rate x t`. The other order would bound it better, and let one limit that
is waited for stop the whole provider.

Of several limits the narrowest is asked first: it refuses most often, and a refusal there has not
yet spent a token that everybody shares.
"""

from collections.abc import Mapping, Sequence
from typing import assert_never

from proxy.terms import (
    Answered,
    Call,
    Clock,
    Emit,
    LimitWaited,
    Outcome,
    Refusal,
    Refused,
    Service,
)

from .in_flight import InFlight
from .rate import RateLimit
from .settings import IN_FLIGHT, RateLimitSettings
from .store import LimitStore, NoToken, Taken


class LimitPolicy:
    """Makes a call wait for its provider's limits, or refuses it. One per provider."""

    def __init__(
        self,
        provider: str,
        account: str,
        rate_limits: Sequence[RateLimitSettings],
        in_flight: InFlight,
        store: LimitStore,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._provider = provider
        limits = [RateLimit(account, settings, store) for settings in rate_limits]
        self._limits = sorted(limits, key=lambda limit: limit.breadth)
        self._in_flight = in_flight
        self._clock = clock
        self._emit = emit

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of one attempt, or refuse it."""
        refused = await self._take_tokens(call) or await self._take_place(call)
        if refused is not None:
            return refused
        is_streaming = False
        try:
            outcome = await inner(call)
            if isinstance(outcome, Answered) and outcome.answer.rest is not None:
                # The call is under way until the last byte of its answer.
                outcome.answer.rest.on_end(self._in_flight.leave)
                is_streaming = True
            return outcome
        finally:
            if not is_streaming:
                self._in_flight.leave()

    def fill(self) -> Mapping[str, float]:
        """Give how full each limit is, by name, for the gauge."""
        now = self._clock.monotonic()
        fill = {limit.name: limit.fill(now) for limit in self._limits}
        return fill | {IN_FLIGHT: self._in_flight.fill}

    def queue_length(self) -> Mapping[str, int]:
        """Give how many calls wait under each limit, by name, for the gauge."""
        waiting = {limit.name: limit.waiting for limit in self._limits}
        return waiting | {IN_FLIGHT: self._in_flight.queue_length}

    async def _take_tokens(self, call: Call) -> Refused | None:
        now = self._clock.monotonic()
        waits: list[tuple[RateLimit, float]] = []
        for limit in self._limits:
            if not limit.covers(call.route):
                continue
            taken = await limit.take(call, now=now, patience_s=_patience_s(call, now))
            match taken:
                case NoToken(retry_after_s):
                    self._report(limit.name, 0.0, is_refused=True)
                    return Refused(reason=Refusal.RATE_LIMITED, retry_after_s=retry_after_s)
                case Taken(wait_s=wait_s):
                    waits.append((limit, wait_s))
                case _:
                    assert_never(taken)
        waits = [(limit, wait_s) for limit, wait_s in waits if wait_s > 0]
        return await self._wait(call, waits) if waits else None

    async def _wait(self, call: Call, waits: list[tuple[RateLimit, float]]) -> Refused | None:
        # The waits run side by side: the longest is the one that is felt.
        for limit, _ in waits:
            limit.waiting += 1
        call.progress.begin_wait(self._clock.monotonic())
        try:
            await self._clock.sleep(max(wait_s for _, wait_s in waits))
        finally:
            call.progress.end_wait(self._clock.monotonic())
            for limit, _ in waits:
                limit.waiting -= 1
        for limit, wait_s in waits:
            self._report(limit.name, wait_s, is_refused=False)
        return _refused_if_abandoned(call)

    async def _take_place(self, call: Call) -> Refused | None:
        if self._in_flight.try_enter():
            return None
        began = self._clock.monotonic()
        call.progress.begin_wait(began)
        is_in = await self._in_flight.queue(_patience_s(call, began))
        call.progress.end_wait(self._clock.monotonic())
        waited_s = self._clock.monotonic() - began
        self._report(IN_FLIGHT, waited_s, is_refused=not is_in)
        if not is_in:
            return Refused(reason=Refusal.OVERLOADED)
        refused = _refused_if_abandoned(call)
        if refused is not None:
            self._in_flight.leave()
        return refused

    def _report(self, limit: str, wait_s: float, *, is_refused: bool) -> None:
        self._emit(LimitWaited(self._provider, limit, wait_s, is_refused))


def _patience_s(call: Call, now: float) -> float:
    """Give how long *call* may queue: never past its deadline, when the caller is answered."""
    return max(0.0, call.deadline - now)


def _refused_if_abandoned(call: Call) -> Refused | None:
    """Nothing new is started for a caller who left while we waited (contract section 5)."""
    return Refused(reason=Refusal.CALLER_LEFT) if call.progress.is_abandoned else None
