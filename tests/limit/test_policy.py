"""A call takes its tokens, waits for them, or is refused."""

import pytest

from proxy.limit import (
    RateLimitSettings,
)
from proxy.terms import LimitWaited, Quota, Refusal, Refused
from proxy.terms.units import Rate
from tests.limit.world import ACCOUNT, World
from tests.support import make
from tests.support.clock import SteppedClock
from tests.support.script import Script


def narrow(seconds: float) -> Refused:
    """What is told whose token would come after *seconds*."""
    quota = Quota("account", 10, 1, 1)
    return make.refused(Refusal.RATE_LIMITED, retry_after_s=pytest.approx(seconds), quota=quota)


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
    assert refused == narrow(0.1)
    assert world.clock.slept == []
    assert world.events == [LimitWaited("acme", "account", 0.0, is_refused=True)]


async def test_nobody_waits_for_a_token_past_the_deadline() -> None:
    world = World(ACCOUNT)
    *_, refused = await world.run(3, deadline=1000.05)
    assert refused == narrow(0.1)


async def test_a_call_that_is_late_already_takes_what_is_free() -> None:
    world = World(ACCOUNT)
    assert await world.run(1, deadline=999.0) == [make.ok()]


async def test_no_more_wait_for_tokens_than_the_queue_holds() -> None:
    clock = SteppedClock()
    world = World(ACCOUNT.model_copy(update={"max_queue": 1}), clock=clock)
    await world.run(2)
    waiting = world.start(Script(make.ok()))
    await clock.advance(0)
    assert world.waiting() == {"account": 1, "concurrency": 0}
    [refused] = await world.run(1)
    assert refused == narrow(0.2)
    await clock.advance(0.2)
    assert waiting.result() == make.ok()
    assert world.waiting() == {"account": 0, "concurrency": 0}


async def test_a_cancelled_waiter_for_a_token_leaves_the_queue() -> None:
    clock = SteppedClock()
    world = World(ACCOUNT, clock=clock)
    await world.run(2)
    waiting = world.start(Script())
    await clock.advance(0)
    waiting.cancel()
    await clock.advance(0)
    assert world.waiting() == {"account": 0, "concurrency": 0}
    assert world.room.in_flight == 0


async def test_nothing_is_held_while_a_call_waits_for_its_token() -> None:
    clock = SteppedClock()
    world = World(ACCOUNT, clock=clock, max=1)
    await world.run(2)
    waiting = world.start(Script(make.ok()))
    await clock.advance(0)
    assert world.room.in_flight == 0
    await clock.advance(0.2)
    assert waiting.result() == make.ok()


async def test_of_several_limits_the_longest_is_waited_for() -> None:
    slower = RateLimitSettings(name="burst", rate=Rate(2, 1.0), max_wait=1.0)
    world = World(ACCOUNT.model_copy(update={"burst": 1}), slower)
    await world.run(2)
    assert world.clock.slept == pytest.approx([0.5])
    assert world.events == [LimitWaited("acme", "burst", pytest.approx(0.5), is_refused=False)]


async def test_all_limits_are_asked_at_once_and_by_their_own_names() -> None:
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
    assert results == [True, True, False, True, False, False]  # the first field counts
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
