"""Waits for what a provider allows: a token of each rate limit and a place in flight, together."""

from collections.abc import Mapping, Sequence
from typing import TypeAlias

from proxy.terms import (
    Answered,
    Call,
    Clock,
    Emit,
    Kind,
    LimitWaited,
    Outcome,
    Refusal,
    Refused,
    Service,
)

from .admission import OUT, Admission
from .lanes import Priority
from .learn import RateLimitNames, hear, learn
from .learned import Learned
from .pause import Pause
from .rate import RateLimit
from .room import WaitingRoom
from .settings import IN_FLIGHT, RateLimitSettings
from .store import Ask
from .wanted import Wanted

# The limits of a route, narrowest first; of these the ones by header, last first; and what each
# call needs of all others.
_Covering: TypeAlias = tuple[tuple[RateLimit, ...], tuple[RateLimit, ...], tuple[Ask, ...]]


class LimitPolicy:
    """Makes a call wait for its provider's limits, or refuses it. One per provider."""

    def __init__(
        self,
        provider: str,
        account: str,
        rate_limits: Sequence[RateLimitSettings],
        priorities: Mapping[str, Priority],
        room: WaitingRoom,
        pause: Pause,
        clock: Clock,
        emit: Emit,
        fields: RateLimitNames | None = None,
        learned: dict[str, Learned] | None = None,
    ) -> None:
        self._provider = provider
        known = {} if learned is None else learned  # what a provider said outlives a reload
        limits = [
            RateLimit(account, each, known.setdefault(each.name, Learned())) for each in rate_limits
        ]
        self._limits = tuple(sorted(limits, key=lambda limit: limit.breadth))
        self._of_route: dict[str, _Covering] = {}
        self._priorities = priorities
        self._room = room
        self._pause = pause
        self._clock = clock
        self._emit = emit
        self._fields = fields

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of one attempt, or refuse it."""
        if self._pause.held != "none" and self._pause.stops(call.effect):
            return Refused(reason=Refusal.PAUSED)
        limits, by_header, asks = self._of_route.get(call.route) or self._look_up(call.route)
        for limit in by_header:
            asks = (limit.ask(call), *asks)
        admission = await self._room.enter(limits, asks)
        if admission is not OUT:
            refused = await self._not_out(admission, call, limits, asks)
            if refused is not None:
                return refused
        is_streaming = False
        try:
            outcome = await inner(call)
            if isinstance(outcome, Answered):
                if limits:
                    self._learn(outcome, limits, asks)
                if outcome.answer.rest is not None:
                    # The call is under way until the last byte of its answer.
                    outcome.answer.rest.on_end(self._room.leave)
                    is_streaming = True
            return outcome
        finally:
            if not is_streaming:
                self._room.leave()

    def fill(self) -> Mapping[str, float]:
        """Give how full each limit is, by name, for the gauge."""
        now = self._clock.monotonic()
        fill = {limit.name: limit.fill(now) for limit in self._limits}
        return fill | {IN_FLIGHT: self._room.fill}

    def learned(self) -> Mapping[str, Mapping[str, float]]:
        """Give what the provider has said of the limits, by their names."""
        now = self._clock.monotonic()
        return {limit.name: limit.learned.shown(now) for limit in self._limits}

    def waiting(self) -> Mapping[str, Mapping[str, int]]:
        """Give how many calls wait for each limit, by its name and their priority."""
        counts = self._room.waiting()
        names = [*(limit.name for limit in self._limits), IN_FLIGHT]
        return {
            name: {each.name.lower(): counts.get((name, each), 0) for each in Priority}
            for name in names
        }

    def _look_up(self, route: str) -> _Covering:
        """Give what covers a route. Routes are configured names: there is an end to them."""
        limits = tuple(limit for limit in self._limits if limit.covers(route))
        asks = tuple(limit.ask_of_route(route) for limit in limits if not limit.is_by_header)
        by_header = tuple(limit for limit in reversed(limits) if limit.is_by_header)
        covering = (limits, by_header, asks)
        self._of_route[route] = covering
        return covering

    def _learn(
        self, outcome: Answered, limits: tuple[RateLimit, ...], asks: tuple[Ask, ...]
    ) -> None:
        fields = self._fields
        heard = hear(outcome.answer.headers, fields, self._clock.wall() if fields else 0.0)
        if heard is None and outcome.kind is not Kind.THROTTLED:
            return
        learnt = learn(outcome, heard)
        if learnt is not None:
            name = heard.name if heard is not None else None
            self._room.narrow(limits, asks, learnt, name)

    async def _not_out(
        self,
        admission: Admission,
        call: Call,
        limits: tuple[RateLimit, ...],
        asks: tuple[Ask, ...],
    ) -> Refused | None:
        """Have a call wait that could not go at once; give what it is refused with."""
        if admission is Admission.AWAY:
            return Refused(reason=Refusal.LIMITS_AWAY)
        priority = self._priorities.get(call.route, Priority.NORMAL)
        wanted = Wanted(call, limits, asks, priority)
        progress, began = wanted.call.progress, self._clock.monotonic()
        progress.begin_wait(began)
        try:
            refused = await self._room.wait(wanted)
        finally:
            progress.end_wait(self._clock.monotonic())
        if refused is None and (progress.is_abandoned or self._pause.stops(wanted.call.effect)):
            # Nothing new is started for a caller who left while it waited (contract section 5).
            self._room.unsend(wanted)
            reason = Refusal.CALLER_LEFT if progress.is_abandoned else Refusal.PAUSED
            refused = Refused(reason=reason)
        if refused is None or refused.reason in {Refusal.RATE_LIMITED, Refusal.OVERLOADED}:
            waited_s = self._clock.monotonic() - began
            self._report(wanted.waits_for, waited_s, is_refused=refused is not None)
        return refused

    def _report(self, limit: str, wait_s: float, *, is_refused: bool) -> None:
        self._emit(LimitWaited(self._provider, limit, wait_s, is_refused))
