"""The circuit is asked before each attempt, and told what came of it."""

import asyncio
from typing import Any

import pytest

from proxy.breaker import BreakerPolicy, Breakers, BreakerSettings, State
from proxy.terms import BreakerMoved, Call, Event, Outcome, ProxyError, Refusal
from tests.support import make
from tests.support.clock import FakeClock
from tests.support.script import Script

SETTINGS = BreakerSettings(min_requests=2, open_for=15.0, half_open_probes=1)


class World:
    def __init__(self, settings: BreakerSettings = SETTINGS) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.breakers = Breakers(settings)
        self.policy = BreakerPolicy(self.breakers, self.clock, self.events.append)

    async def run(self, *steps: Any, **members: Any) -> list[Outcome]:
        inner = Script(*steps)
        return [await self.policy(make.call(**members), inner) for _ in steps]

    def state(self) -> list[tuple[str, State]]:
        return list(self.breakers.states(self.clock.now))


async def test_outcomes_go_through_as_they_are() -> None:
    world, ok = World(), make.ok()
    assert await world.run(ok) == [ok]
    assert world.events == []


async def test_a_failing_provider_is_left_alone() -> None:
    world = World()
    await world.run(make.broken(), make.lost())
    inner = Script()
    world.clock.now += 5
    assert await world.policy(make.call(), inner) == make.refused(retry_after_s=10.0)
    assert inner.calls == []
    assert world.events == [BreakerMoved("acme", "all", State.OPEN)]


async def test_it_is_probed_and_closes() -> None:
    world = World()
    await world.run(make.broken(), make.lost())
    world.clock.now += 15
    await world.run(make.ok())
    assert world.events == [
        BreakerMoved("acme", "all", State.OPEN),
        BreakerMoved("acme", "all", State.HALF_OPEN),
        BreakerMoved("acme", "all", State.CLOSED),
    ]


async def test_a_probe_that_is_throttled_opens_it_again() -> None:
    world = World()
    await world.run(make.broken(), make.lost())
    world.clock.now += 15
    await world.run(make.throttled())
    assert world.state() == [("all", State.OPEN)]


async def test_throttled_calls_do_not_open_it() -> None:
    world = World()
    await world.run(*[make.throttled()] * 10)
    assert world.events == []


async def test_a_limit_inside_does_not_speak_for_the_provider() -> None:
    world = World()
    await world.run(make.broken(), make.lost())
    world.clock.now += 15
    await world.run(make.refused(Refusal.RATE_LIMITED))
    assert world.state() == [("all", State.HALF_OPEN)]
    await world.run(make.ok())
    assert world.state() == [("all", State.CLOSED)]


async def test_callers_without_time_do_not_open_it_for_the_others() -> None:
    world = World()
    steps = [make.not_sent(ProxyError.CONNECTION_TIMEOUT)] * 10
    await world.run(*steps, deadline=world.clock.now)
    assert world.events == []


async def test_a_cancelled_probe_neither_closes_it_nor_leaks_its_permit() -> None:
    world = World()
    await world.run(make.broken(), make.lost())
    world.clock.now += 15

    async def never(_: Call) -> Outcome:
        await asyncio.Event().wait()
        raise AssertionError

    probe = asyncio.create_task(world.policy(make.call(), never))
    await asyncio.sleep(0)
    probe.cancel()
    with pytest.raises(asyncio.CancelledError):
        await probe
    assert world.state() == [("all", State.HALF_OPEN)]
    await world.run(make.ok())
    assert world.state() == [("all", State.CLOSED)]


async def test_a_bug_inside_says_nothing_of_the_provider() -> None:
    world = World()

    def bug(_: Call) -> Outcome:
        raise ZeroDivisionError

    for _ in range(5):
        with pytest.raises(ZeroDivisionError):
            await world.run(bug)
    assert world.events == []


async def test_routes_share_a_circuit_unless_told_otherwise() -> None:
    world = World()
    await world.run(make.broken(), make.lost(), route="create_payment")
    assert await world.run(make.ok(), route="get_payment") == [make.refused(retry_after_s=15.0)]


async def test_routes_may_have_circuits_of_their_own() -> None:
    world = World(SETTINGS.model_copy(update={"per": "route"}))
    await world.run(make.broken(), make.lost(), route="create_payment")
    assert await world.run(make.ok(), route="get_payment") == [make.ok()]
    assert world.state() == [("create_payment", State.OPEN), ("get_payment", State.CLOSED)]
    assert world.events == [BreakerMoved("acme", "create_payment", State.OPEN)]


async def test_a_reload_keeps_circuits_and_gives_new_ones_the_new_settings() -> None:
    world = World(SETTINGS.model_copy(update={"per": "route"}))
    await world.run(make.broken(), route="create_payment")
    world.breakers.reconfigure(
        SETTINGS.model_copy(update={"per": "route", "min_requests": 3}),
    )
    await world.run(make.broken(), make.ok(), route="create_payment")
    await world.run(make.broken(), make.broken(), route="get_payment")
    assert world.events == []


async def test_a_reload_that_changes_whom_a_circuit_guards_begins_with_closed_ones() -> None:
    world = World()
    await world.run(make.broken(), make.lost())
    world.breakers.reconfigure(SETTINGS.model_copy(update={"per": "route"}))
    assert await world.run(make.ok()) == [make.ok()]
    assert world.state() == [("create_payment", State.CLOSED)]
