"""The loop: try, judge, wait, try again."""

from collections.abc import Callable
from typing import assert_never

from msgspec.structs import replace

from proxy.terms import (
    Answered,
    Basis,
    Call,
    Clock,
    Denial,
    Emit,
    Failed,
    Outcome,
    Refused,
    RetryDenied,
    RetryScheduled,
    Roll,
    Service,
)

from .budget import RetryBudget
from .decide import is_success
from .settings import RetrySettings
from .step import Repeat, SoFar, Stop, ended, next_step, stopped_by


class RetryPolicy:
    """Sends a call again where that is safe and may help, within the provider's budget.

    During the wait it holds nothing: no connection, no place in flight, no permit of the circuit.
    Those are all inside, and were given back when the attempt ended.
    """

    def __init__(
        self,
        settings: RetrySettings,
        budget: RetryBudget,
        clock: Clock,
        roll: Roll,
        emit: Emit,
        is_draining: Callable[[], bool],
    ) -> None:
        self._settings = settings
        self._budget = budget
        self._clock = clock
        self._roll = roll
        self._emit = emit
        self._is_draining = is_draining

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of the last attempt, with what holds over all of them."""
        self._budget.deposit(self._clock.monotonic())
        so_far = SoFar()
        while True:
            latest = await inner(call)
            if call.attempt == 1 and is_success(latest):  # as nearly always
                call.progress.settle(latest.effect, latest.delivery, latest.attempts)
                return latest
            so_far = so_far.joined(latest, call)
            call.progress.settle(so_far.effect, so_far.delivery, so_far.attempts)
            if is_success(latest):
                return replace(
                    latest,
                    effect=so_far.effect,
                    delivery=so_far.delivery,
                    attempts=so_far.attempts,
                )
            step = self._next_step(call, latest, so_far)
            if isinstance(step, Repeat):
                step = await self._wait(call, latest, so_far, step)
            if isinstance(step, Stop):
                self._emit(_denied(call, latest, step.denied_by))
                now = self._clock.monotonic()
                return ended(call, latest, so_far, now=now, wait_s=step.wait_s)
            call = replace(call, attempt=call.attempt + 1)

    def _next_step(self, call: Call, latest: Outcome, so_far: SoFar) -> Repeat | Stop:
        now = self._clock.monotonic()
        step = next_step(
            call,
            latest,
            so_far,
            self._settings,
            now=now,
            chance=self._roll(),
            is_draining=self._is_draining(),
        )
        # What was not sent cost the provider nothing (contract section 5): it does not pay.
        if isinstance(step, Stop) or step.basis is Basis.NOT_SENT or self._budget.withdraw(now):
            return step
        return Stop(Denial.BUDGET)

    async def _wait(
        self, call: Call, latest: Outcome, so_far: SoFar, step: Repeat
    ) -> Repeat | Stop:
        self._emit(_scheduled(call, latest, step))
        call.progress.begin_wait(self._clock.monotonic())
        await self._clock.sleep(step.delay_s)
        call.progress.end_wait(self._clock.monotonic())
        denied_by = stopped_by(
            call, so_far, now=self._clock.monotonic(), is_draining=self._is_draining()
        )
        if denied_by is not None:
            return Stop(denied_by)
        if isinstance(latest, Answered) and latest.answer.rest is not None:
            latest.answer.rest.close()  # nobody will read it, and it holds a connection
        return step


def _scheduled(call: Call, latest: Outcome, step: Repeat) -> RetryScheduled:
    return RetryScheduled(
        request_id=call.request_id,
        provider=call.provider,
        route=call.route,
        reason=_reason(latest),
        basis=step.basis,
        attempt=call.attempt,
        delay_s=step.delay_s,
    )


def _denied(call: Call, latest: Outcome, denied_by: Denial) -> RetryDenied:
    return RetryDenied(
        request_id=call.request_id,
        provider=call.provider,
        route=call.route,
        reason=_reason(latest),
        denied_by=denied_by,
        attempt=call.attempt,
    )


def _reason(latest: Outcome) -> str:
    match latest:
        case Answered(error_code=code):
            return "none" if code is None else code.value
        case Failed(reason=reason) | Refused(reason=reason):
            return reason.value
        case _:
            assert_never(latest)
