"""Asks the circuit before each attempt, and tells it what came of it."""

from collections.abc import Iterator
from typing import Final

from proxy.terms import (
    BreakerMoved,
    Call,
    Clock,
    Emit,
    Outcome,
    Refusal,
    Refused,
    RouteEffect,
    Service,
)

from .circuit import Breaker, Permit, State
from .decide import Vote, vote_for
from .settings import BreakerSettings

ALL_ROUTES: Final = "all"  # the label of a circuit that all routes of a provider share


class Breakers:
    """The circuits of one provider: one, or one a route.

    They are made when first asked for. Routes are configured names, so there is an end to them.
    """

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._breakers: dict[str, Breaker] = {}

    def label(self, route: str) -> str:
        """Give the name under which the circuit of *route* is shown."""
        return route if self._settings.per == "route" else ALL_ROUTES

    def of(self, route: str) -> Breaker:
        """Give the circuit that guards *route*."""
        label = self.label(route)
        breaker = self._breakers.get(label)
        if breaker is None:
            breaker = self._breakers[label] = Breaker(self._settings)
        return breaker

    def states(self, now: float) -> Iterator[tuple[str, State]]:
        """Give each circuit's label and state, for the gauge."""
        for label, breaker in self._breakers.items():
            yield label, breaker.state(now)

    def reconfigure(self, settings: BreakerSettings) -> None:
        """Go by other *settings* from now on; states stay, unless `per` itself was changed."""
        if settings.per != self._settings.per:
            self._breakers.clear()
        self._settings = settings
        for breaker in self._breakers.values():
            breaker.reconfigure(settings)


class BreakerPolicy:
    """Refuses a call while its circuit is open.

    It stands inside the retry loop, so each attempt asks and each attempt votes; and outside the
    limits, so a refused attempt spends no token.
    """

    def __init__(self, breakers: Breakers, clock: Clock, emit: Emit) -> None:
        self._breakers = breakers
        self._clock = clock
        self._emit = emit

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of one attempt, or refuse it."""
        breaker, label = self._breakers.of(call.route), self._breakers.label(call.route)
        admission = breaker.admit(self._clock.monotonic(), is_safe=call.effect is RouteEffect.READ)
        if not isinstance(admission, Permit):
            return Refused(reason=Refusal.CIRCUIT_OPEN, retry_after_s=admission.retry_after_s)
        # What a cancelled attempt counts as: it neither closes the circuit nor leaks its permit.
        vote = Vote.ABSTAIN
        try:
            if admission.moved_to is not None:
                self._report(call, label, admission.moved_to)
            outcome = await inner(call)
            # Of an answer that streams the head votes: its body may take minutes, and a probe's
            # place is scarce.
            vote = vote_for(
                outcome,
                is_probe=admission.is_probe,
                is_late=self._clock.monotonic() >= call.deadline,
            )
            return outcome
        finally:
            moved_to = breaker.settle(admission, vote, self._clock.monotonic())
            if moved_to is not None:
                self._report(call, label, moved_to)

    def _report(self, call: Call, label: str, moved_to: State) -> None:
        self._emit(BreakerMoved(call.provider, label, moved_to))
