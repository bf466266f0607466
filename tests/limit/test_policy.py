"""A call waits for its provider's limits, or is refused; nothing is held in vain."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.limit import (
    ConcurrencySettings,
    InFlight,
    LimitPolicy,
    NoToken,
    RateLimitSettings,
    Taken,
)
from proxy.stores import MemoryLimits
from proxy.terms import Call, Event, LimitWaited, Outcome, Refusal, StreamEnd
from proxy.terms.units import Rate
from tests.support import make
from tests.support.clock import FakeClock, SteppedClock
from tests.support.script import Script

ACCOUNT = RateLimitSettings(name="account", rate=Rate(10, 1.0), burst=2, max_wait=1.0)


class Stream:
    """What of an answer is still on the wire."""

    length = None

    def __init__(self) -> None:
        self.end: Callable[[], None] = lambda: None

    async def read(self) -> StreamEnd:
        return StreamEnd.CUT

    def on_end(self, callback: Callable[[], None]) -> None:
        self.end = callback

    def close(self) -> None:
        self.end()


class Recording(MemoryLimits):
    """A store that remembers what it was asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.keys: list[str] = []

    async def take(self, key: str, **members: Any) -> Taken | NoToken:
        self.keys.append(key)
        return await super().take(key, **members)


class World:
    def __init__(self, *limits: RateLimitSettings, clock: Any = None, **members: Any) -> None:
        self.clock = clock or FakeClock()
        self.events: list[Event] = []
        self.store = Recording()
        self.in_flight = InFlight(ConcurrencySettings(**members), self.clock)
        self.policy = LimitPolicy(
            "acme", "acme-live", limits, self.in_flight, self.store, self.clock, self.events.append
        )

    async def run(self, count: int = 1, **members: Any) -> list[Outcome]:
        inner = Script(*[make.ok()] * count)
        return [await self.policy(make.call(**members), inner) for _ in range(count)]

    def start(self, inner: Any, **members: Any) -> asyncio.Task[Outcome]:
        return asyncio.create_task(self.policy(make.call(**members), inner))


class Held:
    """A service that answers when told to."""

    def __init__(self) -> None:
        self.begun = 0
        self.go = asyncio.Event()

    async def __call__(self, _: Call) -> Outcome:
        self.begun += 1
        await self.go.wait()
        return make.ok()


async def test_without_limits_a_call_goes_straight_through() -> None:
    world = World()
    assert await world.run(3) == [make.ok()] * 3
    assert (world.events, world.clock.slept) == ([], [])


async def test_a_burst_goes_at_once_and_the_next_waits_for_its_token() -> None:
    world = World(ACCOUNT)
    assert await world.run(3) == [make.ok()] * 3
    assert world.clock.slept == pytest.approx([0.1])
    assert world.events == [LimitWaited("acme", "account", world.clock.slept[0], is_refused=False)]


async def test_a_token_not_to_be_had_in_time_is_refused_at_once() -> None:
    world = World(ACCOUNT.model_copy(update={"max_wait": 0.0}))
    *_, refused = await world.run(3)
    assert refused == make.refused(Refusal.RATE_LIMITED, retry_after_s=pytest.approx(0.1))
    assert world.clock.slept == []
    assert world.events == [LimitWaited("acme", "account", 0.0, is_refused=True)]


async def test_nobody_waits_for_a_token_past_the_deadline() -> None:
    world = World(ACCOUNT)
    *_, refused = await world.run(3, deadline=1000.05)
    assert refused == make.refused(Refusal.RATE_LIMITED, retry_after_s=pytest.approx(0.1))


async def test_a_call_that_is_late_already_takes_what_is_free() -> None:
    world = World(ACCOUNT)
    assert await world.run(1, deadline=999.0) == [make.ok()]


async def test_no_more_wait_for_tokens_than_the_queue_holds() -> None:
    clock = SteppedClock()
    world = World(ACCOUNT.model_copy(update={"max_queue": 1}), clock=clock)
    await world.run(2)
    waiting = world.start(Script(make.ok()))
    await clock.advance(0)
    assert world.policy.queue_length() == {"account": 1, "concurrency": 0}
    [refused] = await world.run(1)
    assert refused == make.refused(Refusal.RATE_LIMITED, retry_after_s=pytest.approx(0.2))
    await clock.advance(0.2)
    assert waiting.result() == make.ok()
    assert world.policy.queue_length() == {"account": 0, "concurrency": 0}


async def test_a_cancelled_waiter_for_a_token_leaves_the_queue() -> None:
    clock = SteppedClock()
    world = World(ACCOUNT, clock=clock)
    await world.run(2)
    waiting = world.start(Script())
    await clock.advance(0)
    waiting.cancel()
    await clock.advance(0)
    assert world.policy.queue_length() == {"account": 0, "concurrency": 0}
    assert world.in_flight.count == 0


async def test_nothing_is_held_while_a_call_waits_for_its_token() -> None:
    clock = SteppedClock()
    world = World(ACCOUNT, clock=clock, max=1)
    await world.run(2)
    waiting = world.start(Script(make.ok()))
    await clock.advance(0)
    assert world.in_flight.count == 0
    await clock.advance(0.2)
    assert waiting.result() == make.ok()


async def test_several_limits_are_waited_for_side_by_side() -> None:
    slower = RateLimitSettings(name="burst", rate=Rate(2, 1.0), max_wait=1.0)
    world = World(ACCOUNT.model_copy(update={"burst": 1}), slower)
    await world.run(2)
    assert world.clock.slept == pytest.approx([0.5])
    assert world.events == [
        LimitWaited("acme", "account", pytest.approx(0.1), is_refused=False),
        LimitWaited("acme", "burst", pytest.approx(0.5), is_refused=False),
    ]


async def test_the_narrowest_limit_is_asked_first() -> None:
    limits = [
        RateLimitSettings(name=name, rate=Rate(1, 1.0), per=per)
        for name, per in [("all", "provider"), ("each", "route"), ("tenant", "header:X-Tenant")]
    ]
    world = World(*limits)
    await world.run(headers=((b"x-tenant", b"t1"),))
    tenant, route, account = world.store.keys
    assert (route, account) == ("acme-live:each:create_payment", "acme-live:all:")
    assert tenant.startswith("acme-live:tenant:")


async def test_a_limit_covers_the_routes_it_names() -> None:
    world = World(ACCOUNT.model_copy(update={"routes": ("search",)}))
    await world.run(3, route="create_payment")
    assert world.store.keys == []
    await world.run(1, route="search")
    assert world.store.keys == ["acme-live:account:"]


async def test_each_header_value_has_its_tokens_and_is_never_kept() -> None:
    limit = ACCOUNT.model_copy(update={"per": "header:X-Tenant", "burst": 1, "max_wait": 0.0})
    world = World(limit)
    one, other = ((b"X-TENANT", b"canary-1"),), ((b"x-tenant", b"canary-2"),)
    results = [
        (await world.run(headers=headers))[0] == make.ok()
        for headers in [one, other, one, (), (), (*one, *other)]
    ]
    assert results == [True, True, False, True, False, True]
    assert not any("canary" in key for key in world.store.keys)


async def test_each_route_has_its_tokens() -> None:
    world = World(ACCOUNT.model_copy(update={"per": "route", "burst": 1, "max_wait": 0.0}))
    routes = ["a", "b", "a"]
    outcomes = [(await world.run(route=route))[0] for route in routes]
    assert [outcome == make.ok() for outcome in outcomes] == [True, True, False]


async def test_the_fill_says_how_much_is_used_up() -> None:
    world = World(ACCOUNT, max=4)
    assert world.policy.fill() == {"account": 0.0, "concurrency": 0.0}
    await world.run(1)
    assert world.policy.fill() == {"account": pytest.approx(0.5), "concurrency": 0.0}
    world.clock.now += 0.05
    assert world.policy.fill()["account"] == pytest.approx(0.25)
    world.clock.now += 1
    assert world.policy.fill()["account"] == 0.0


async def test_calls_in_flight_are_bounded() -> None:
    clock = SteppedClock()
    world, held = World(clock=clock, max=2), Held()
    runs = [world.start(held) for _ in range(3)]
    await clock.advance(0.5)
    assert (held.begun, world.policy.queue_length()) == (2, {"concurrency": 1})
    held.go.set()
    await clock.advance(0)
    assert [run.result() for run in runs] == [make.ok()] * 3
    assert world.in_flight.count == 0
    assert world.events == [LimitWaited("acme", "concurrency", 0.5, is_refused=False)]


async def test_a_place_not_to_be_had_in_time_is_refused() -> None:
    clock = SteppedClock()
    world, held = World(clock=clock, max=1, max_wait=1.0), Held()
    first, second = world.start(held), world.start(held)
    await clock.advance(1.1)
    assert second.result() == make.refused(Refusal.OVERLOADED)
    assert world.events == [LimitWaited("acme", "concurrency", 1.0, is_refused=True)]
    held.go.set()
    await first
    assert world.in_flight.count == 0


async def test_nobody_waits_for_a_place_past_the_deadline() -> None:
    clock = SteppedClock()
    world, held = World(clock=clock, max=1), Held()
    first = world.start(held)
    await clock.advance(0)
    second = world.start(held, deadline=1000.2)
    await clock.advance(0.3)
    assert second.result() == make.refused(Refusal.OVERLOADED)
    held.go.set()
    await first


async def test_nothing_is_begun_for_a_caller_who_left_while_waiting_for_a_token() -> None:
    clock = SteppedClock()
    world, call, inner = World(ACCOUNT, clock=clock), make.call(), Script()
    await world.run(2)
    run = asyncio.create_task(world.policy(call, inner))
    await clock.advance(0)
    call.progress.abandon()
    await clock.advance(0.2)
    assert run.result() == make.refused(Refusal.CALLER_LEFT)
    assert world.in_flight.count == 0


async def test_nothing_is_begun_for_a_caller_who_left_while_waiting_for_a_place() -> None:
    clock = SteppedClock()
    world, held, call = World(clock=clock, max=1), Held(), make.call()
    first = world.start(held)
    await clock.advance(0)
    second = asyncio.create_task(world.policy(call, held))
    await clock.advance(0)
    call.progress.abandon()
    held.go.set()
    await clock.advance(0)
    assert second.result() == make.refused(Refusal.CALLER_LEFT)
    await first
    assert (held.begun, world.in_flight.count) == (1, 0)


async def test_a_place_is_held_until_the_answer_has_ended() -> None:
    world, stream = World(), Stream()
    streaming = make.ok(answer=replace(make.answer(), rest=stream))
    assert await world.policy(make.call(), Script(streaming)) is streaming
    assert world.in_flight.count == 1
    stream.close()
    assert world.in_flight.count == 0


@pytest.mark.parametrize("outcome", [make.lost(), make.broken(), make.refused(Refusal.INTERNAL)])
async def test_a_failure_gives_its_place_back(outcome: Outcome) -> None:
    world = World()
    assert await world.policy(make.call(), Script(outcome)) is outcome
    assert world.in_flight.count == 0


async def test_a_bug_inside_gives_its_place_back() -> None:
    world = World()

    def bug(_: Call) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await world.policy(make.call(), Script(bug))
    assert world.in_flight.count == 0


async def test_a_cancelled_call_gives_its_place_back() -> None:
    world = World()
    run = world.start(Held())
    await asyncio.sleep(0)
    assert world.in_flight.count == 1
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert world.in_flight.count == 0
