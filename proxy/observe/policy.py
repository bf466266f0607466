"""The outermost policy: counts what is under way, and reports how each call ended."""

from proxy.terms import Call, CallEnded, Clock, Emit, Outcome, RouteEffect, Service


class ObservePolicy:
    """Watches the journey of one provider's calls.

    A cancelled call, and one that a bug of ours ended, has no outcome: it emits nothing, and is
    no longer counted as under way.
    """

    def __init__(self, clock: Clock, emit: Emit) -> None:
        self._clock = clock
        self._emit = emit
        self.in_flight = 0  # read by the gauge `paysluice_in_flight`
        self.paying = 0  # of these: payments

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of *inner*, unchanged."""
        began, is_payment = self._clock.monotonic(), call.effect is RouteEffect.PAYMENT
        self.in_flight += 1
        self.paying += is_payment
        try:
            outcome = await inner(call)
        finally:
            self.in_flight -= 1
            self.paying -= is_payment
        self._emit(CallEnded(call, outcome, self._clock.monotonic() - began))
        return outcome
