"""Runs each call in a task of its own, so that no caller who leaves can cancel a payment."""

import asyncio
from typing import Final

from msgspec.structs import replace

from proxy.retry import caller_may_repeat
from proxy.terms import (
    Call,
    Clock,
    Effect,
    Emit,
    Failed,
    FaultOccurred,
    Outcome,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
    Service,
)

# How long a caller whose time is over waits for the ledger: it says what it knows, written or not.
_WRITTEN_S: Final = 1.0


class Journeys:
    """Owns the tasks of the calls under way."""

    def __init__(self, clock: Clock, emit: Emit) -> None:
        self._clock = clock
        self._emit = emit
        self._tasks: set[asyncio.Task[Outcome]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None

    @property
    def under_way(self) -> int:
        """Calls whose journey has not ended, those included that nobody waits for any more."""
        return len(self._tasks)

    async def run(self, service: Service, call: Call) -> Outcome:
        """Give the outcome of *call*, or what is known of it when its deadline comes.

        At the deadline nothing new is started; an attempt of a payment that has sent something
        is read to its own end, whoever still listens (contract section 5).
        """
        loop = self._loop
        if loop is None:  # asking for it is a system call
            loop = self._loop = asyncio.get_running_loop()
        task = loop.create_task(service(call))
        self._tasks.add(task)
        # Woken by the end or the deadline: no shield, whose two futures cost as much as a policy.
        waiter: asyncio.Future[None] = loop.create_future()
        task.add_done_callback(lambda done: self._ended(done, call, waiter))
        timer = loop.call_at(call.deadline, _wake, waiter)
        try:
            await waiter
        except asyncio.CancelledError:
            call.progress.abandon()
            if task.done():
                call.progress.let_go()
            raise
        finally:
            timer.cancel()
        if task.done():
            return self._end_of(task, call)
        await self._abandon(call)
        if call.effect is RouteEffect.READ:
            task.cancel()
        return self.overdue(call)

    async def drain(self, timeout_s: float) -> None:
        """Wait for what is under way, for *timeout_s* at most."""
        if self._tasks and timeout_s > 0:
            await asyncio.wait(self._tasks, timeout=timeout_s)

    def cut_off(self) -> int:
        """End what is under way, give how many: whoever waits is told what is known."""
        for task in self._tasks:
            task.cancel()
        return len(self._tasks)

    def _end_of(self, task: "asyncio.Task[Outcome]", call: Call) -> Outcome:
        if task.cancelled():  # cut off by the end of the process: the caller is told
            call.progress.abandon()
            return self.overdue(call)
        # A bug of ours ends one call, never the process.
        return self.faulty(call) if task.exception() is not None else task.result()

    async def _abandon(self, call: Call) -> None:
        """Give the call up; what may come of it is written down before anybody is told."""
        written = call.progress.abandon()
        if written is not None:  # and it goes on, however long it takes
            await asyncio.wait((asyncio.ensure_future(written),), timeout=_WRITTEN_S)

    def overdue(self, call: Call) -> Outcome:
        """Give the outcome of a call whose time is over while an attempt is under way."""
        if call.progress.is_joined:
            return Refused(
                reason=Refusal.KEY_IN_USE,
                effect=Effect.UNKNOWN,
                is_retryable=True,
                outcome_id=call.progress.outcome_id,
            )
        return self._so_far(call, Failed(reason=ProxyError.HTTP_RESPONSE_TIMEOUT))

    def faulty(self, call: Call) -> Outcome:
        """Give the outcome of a call that met a bug of ours: it may have done something."""
        return self._so_far(call, Refused(reason=Refusal.INTERNAL))

    def _so_far(self, call: Call, ending: Failed | Refused) -> Outcome:
        progress = call.progress
        is_at_stake = progress.is_sending and call.effect is not RouteEffect.READ
        outcome = replace(
            ending,
            effect=Effect.UNKNOWN if is_at_stake else progress.effect,
            delivery=progress.delivery,
            attempts=progress.attempts + progress.is_sending,
        )
        if outcome.effect is Effect.UNKNOWN:
            outcome = replace(outcome, outcome_id=progress.outcome_id)
        is_retryable = caller_may_repeat(call, outcome, at=self._clock.monotonic())
        return replace(outcome, is_retryable=is_retryable)

    def _ended(
        self, task: "asyncio.Task[Outcome]", call: Call, waiter: "asyncio.Future[None]"
    ) -> None:
        self._tasks.discard(task)
        _wake(waiter)
        fault = None if task.cancelled() else task.exception()
        if fault is not None:
            self._emit(fault_in(call.request_id, fault))
        if fault is not None or call.progress.is_abandoned:
            call.progress.let_go()


def _wake(waiter: "asyncio.Future[None]") -> None:
    if not waiter.done():
        waiter.set_result(None)


def fault_in(request_id: str, fault: BaseException) -> FaultOccurred:
    """Report a bug: its class and the function that raised, never its text."""
    place = fault.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    where = "" if place is None else place.tb_frame.f_code.co_qualname
    return FaultOccurred(request_id, type(fault).__name__, where)
