"""The order of the journey, proved by what it does."""

from collections.abc import Callable
from typing import Any

import pytest

from proxy.breaker import BreakerPolicy, Breakers, BreakerSettings
from proxy.ledger import Keeper
from proxy.limit import ConcurrencySettings, LimitPolicy, Pause, RateLimitSettings, WaitingRoom
from proxy.observe import ObservePolicy
from proxy.pipeline import build
from proxy.retry import RetryBudget, RetryPolicy, RetrySettings
from proxy.stores.ledger_memory import MemoryLedger
from proxy.stores.memory import MemoryLimits
from proxy.terms import (
    Answered,
    CallEnded,
    Effect,
    Event,
    Refusal,
    Refused,
    RetryScheduled,
    Service,
)
from tests.support import make
from tests.support.clock import FakeClock
from tests.support.ledger import policy
from tests.support.script import Script


class Journey:
    """A whole journey around a scripted attempt."""

    def __init__(self, script: Script, **settings: Any) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.breakers = Breakers(settings.get("breaker") or BreakerSettings(min_requests=1000))
        self.room = WaitingRoom(ConcurrencySettings(), MemoryLimits(), self.clock)
        self.limit = LimitPolicy(
            "acme",
            "acme",
            settings.get("limits") or (),
            {},
            self.room,
            Pause("none"),
            self.clock,
            self.events.append,
        )
        self.service: Service = build(
            ObservePolicy(self.clock, self.events.append),
            policy(Keeper(MemoryLedger(self.clock), "one", self.clock, self.events.append)),
            RetryPolicy(
                RetrySettings(max_attempts=settings.get("attempts", 3)),
                RetryBudget(RetrySettings().budget),
                self.clock,
                lambda: 0.5,
                self.events.append,
                lambda: False,
            ),
            BreakerPolicy(self.breakers, self.clock, self.events.append),
            self.limit,
            script,
        )


@pytest.fixture
def journey() -> Callable[..., Journey]:
    return Journey


async def test_each_retry_asks_the_circuit_again(journey: Callable[..., Journey]) -> None:
    script = Script(make.broken(), make.ok())
    one = journey(script, breaker=BreakerSettings(min_requests=1, failure_ratio=0.1))
    outcome = await one.service(make.call(key=make.key()))
    assert isinstance(outcome, Refused)
    assert outcome.reason is Refusal.CIRCUIT_OPEN
    assert (len(script.calls), outcome.attempts) == (1, 1)
    # The first attempt may have done something: the refusal of the second does not undo it.
    assert outcome.effect is Effect.UNKNOWN


async def test_each_retry_spends_a_token(journey: Callable[..., Journey]) -> None:
    script = Script(make.throttled(), make.throttled(), make.ok())
    limits = (RateLimitSettings(name="account", rate="2/1m", burst=2, max_wait="0"),)
    one = journey(script, limits=limits)
    outcome = await one.service(make.call())
    assert isinstance(outcome, Refused)
    assert outcome.reason is Refusal.RATE_LIMITED
    assert len(script.calls) == 2


async def test_a_call_that_the_circuit_refuses_spends_no_token(
    journey: Callable[..., Journey],
) -> None:
    limits = (RateLimitSettings(name="account", rate="2/1m", burst=2, max_wait="0"),)
    breaker = BreakerSettings(min_requests=1, failure_ratio=0.1, open_for="10s")
    script = Script(make.broken(), make.ok())
    one = journey(script, limits=limits, breaker=breaker, attempts=1)
    await one.service(make.call())
    for _ in range(5):
        refused = await one.service(make.call())
        assert isinstance(refused, Refused)
    one.clock.now += 11.0
    assert isinstance(await one.service(make.call()), Answered)


async def test_a_local_limit_is_no_failure_of_the_provider(
    journey: Callable[..., Journey],
) -> None:
    limits = (RateLimitSettings(name="account", rate="1/1m", max_wait="0"),)
    breaker = BreakerSettings(min_requests=1, failure_ratio=0.1)
    one = journey(Script(make.ok()), limits=limits, breaker=breaker)
    await one.service(make.call())
    for _ in range(10):
        outcome = await one.service(make.call())
        assert isinstance(outcome, Refused)
        assert outcome.reason is Refusal.RATE_LIMITED


async def test_a_call_is_observed_once_however_often_it_is_tried(
    journey: Callable[..., Journey],
) -> None:
    one = journey(Script(make.not_sent(), make.throttled(), make.ok()))
    outcome = await one.service(make.call())
    ended = [event for event in one.events if isinstance(event, CallEnded)]
    assert [event.outcome for event in ended] == [outcome]
    assert outcome.attempts == 3
    assert sum(isinstance(event, RetryScheduled) for event in one.events) == 2


async def test_nothing_is_held_while_waiting_for_another_try(
    journey: Callable[..., Journey],
) -> None:
    counts: list[int] = []
    one = journey(Script(make.throttled(), make.ok()))
    sleep = one.clock.sleep

    async def look(seconds: float) -> None:
        counts.append(one.room.in_flight)
        await sleep(seconds)

    one.clock.sleep = look  # type: ignore[method-assign]
    await one.service(make.call())
    assert counts == [0]
