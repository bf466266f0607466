"""A retry policy with everything it is given, and the words to say what it told."""

from collections.abc import Callable
from typing import Any

from proxy.retry import RetryBudget, RetryPolicy, RetrySettings
from proxy.retry.settings import BackoffSettings
from proxy.terms import (
    Basis,
    Call,
    Denial,
    Event,
    Outcome,
    RetryDenied,
    RetryScheduled,
    StreamEnd,
)
from tests.support import make
from tests.support.clock import FakeClock
from tests.support.script import Script

SETTINGS = RetrySettings(backoff=BackoffSettings(jitter="none"))


class Loop:
    """A retry policy with everything it is given, and what it told."""

    def __init__(
        self,
        *,
        settings: RetrySettings = SETTINGS,
        is_draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.budget = RetryBudget(settings.budget)
        self.policy = RetryPolicy(
            settings, self.budget, self.clock, lambda: 0.5, self.events.append, is_draining
        )

    async def run(self, call: Call, *steps: Any) -> Outcome:
        self.inner = Script(*steps)
        return await self.policy(call, self.inner)


class Stream:
    """What of an answer is still on the wire."""

    length = None
    is_closed = False

    async def read(self) -> StreamEnd:
        return StreamEnd.CUT

    def on_end(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


def scheduled(reason: str, basis: Basis, attempt: int, delay_s: float) -> RetryScheduled:
    return RetryScheduled("req_1", "acme", "create_payment", reason, basis, attempt, delay_s)


def denied(reason: str, denied_by: Denial, attempt: int) -> RetryDenied:
    return RetryDenied("req_1", "acme", "create_payment", reason, denied_by, attempt)


def keyed(**members: Any) -> Call:
    return make.call(key=make.key(), **members)
