"""The waiting room under everything that callers do: nothing leaks, and nobody is passed over."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from proxy.limit import Priority, RateLimitSettings
from proxy.limit.lanes import FAIR_TURN
from proxy.limit.learned import Learned
from proxy.limit.rate import RateLimit
from proxy.limit.wanted import Wanted
from proxy.terms import Call, LimitWaited, Outcome, Quota, Refusal, Refused
from proxy.terms.units import Rate
from tests.limit.world import Held, World
from tests.support import make
from tests.support.clock import SteppedClock

ALL = RateLimitSettings(name="all", rate=Rate(10, 1.0), burst=3, max_wait=3.0, max_queue=8)
SLOW = RateLimitSettings(
    name="slow", rate=Rate(2, 1.0), burst=1, max_wait=3.0, routes=("slow",), per="route"
)
ROUTES = ("urgent", "plain", "report", "slow")


class Crowd:
    """Callers of one provider, and when each of them went out."""

    def __init__(self, *limits: RateLimitSettings, **members: Any) -> None:
        self.clock = SteppedClock()
        self.world = World(*limits, clock=self.clock, **members)
        self.went: list[tuple[float, str, int]] = []
        self.tasks: list[asyncio.Task[Outcome]] = []
        self.calls: list[Call] = []
        self.holds: dict[int, asyncio.Event] = {}

    def come(self, route: str, *, deadline: float = 1e9) -> int:
        number = len(self.tasks)
        self.holds[number] = asyncio.Event()

        async def inner(call: Call) -> Outcome:
            self.went.append((self.clock.now, call.route, number))
            await self.holds[number].wait()
            return make.ok()

        self.calls.append(make.call(route=route, deadline=deadline))
        run = self.world.policy(self.calls[-1], inner)
        self.tasks.append(asyncio.ensure_future(run))
        return number

    async def end(self) -> None:
        """Let everybody finish, and see that nothing is left."""
        for hold in self.holds.values():
            hold.set()
        for _ in range(200):
            await self.clock.advance(0.5)
            if all(task.done() for task in self.tasks):
                break
        room = self.world.room
        assert all(task.done() for task in self.tasks)
        assert (room.in_flight, len(room._lanes), room._forecast._free_at) == (0, 0, {})
        assert room._bell is None
        assert room._unsent == []

    def refusals(self) -> list[Refused]:
        done = [task.result() for task in self.tasks if task.done() and not task.cancelled()]
        return [outcome for outcome in done if isinstance(outcome, Refused)]


steps = st.lists(
    st.tuples(st.just("come"), st.sampled_from(ROUTES), st.floats(0.0, 4.0))
    | st.tuples(st.just("pass"), st.floats(0.0, 1.0), st.none())
    | st.tuples(st.sampled_from(["cancel", "finish", "abandon"]), st.integers(0, 60), st.none()),
    max_size=60,
)


@settings(deadline=None, max_examples=150)
@given(steps=steps, places=st.integers(1, 5))
def test_whatever_callers_do_the_limits_hold_and_nothing_leaks(
    steps: list[tuple[str, Any, Any]], places: int
) -> None:
    async def history() -> None:
        crowd = Crowd(ALL, SLOW, max=places, max_wait=2.0, max_queue=6)
        for what, which, deadline in steps:
            if what == "come":
                crowd.come(which, deadline=crowd.clock.now + deadline)
            elif what == "pass":
                await crowd.clock.advance(which)
            elif which < len(crowd.tasks):
                act: dict[str, Callable[[int], object]] = {
                    "cancel": lambda n: crowd.tasks[n].cancel(),
                    "finish": lambda n: crowd.holds[n].set(),
                    "abandon": lambda n: crowd.calls[n].progress.abandon(),
                }
                act[what](which)
            assert crowd.world.room.in_flight <= places
        await crowd.end()
        for limit in (ALL, SLOW):
            times = [at for at, route, _ in crowd.went if limit is ALL or route == "slow"]
            for begin, first in enumerate(times):
                for end in range(begin, len(times)):
                    most = limit.burst + limit.rate.per_second * (times[end] - first + 1e-5)
                    assert end - begin + 1 <= most
        for route in ROUTES:
            numbers = [number for _, each, number in crowd.went if each == route]
            assert numbers == sorted(numbers), "one of a line was passed over"

    asyncio.run(history())


async def test_a_call_of_high_priority_goes_before_those_that_came_before_it() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 1}))
    for route in ("plain", "report", "plain", "urgent"):
        crowd.come(route)
    await crowd.clock.advance(1.0)
    assert [route for _, route, _ in crowd.went] == ["plain", "urgent", "plain", "report"]
    await crowd.end()


async def test_a_flood_of_low_priority_hardly_holds_up_what_is_urgent() -> None:
    limit = ALL.model_copy(update={"burst": 1, "max_queue": 10_000, "rate": Rate(100, 1.0)})
    crowd = Crowd(limit.model_copy(update={"max_wait": 60.0}), max=1000)
    came: dict[int, float] = {}
    for turn in range(300):
        for _ in range(3):
            crowd.come("report")
        if turn % 10 == 0:
            came[crowd.come("urgent")] = crowd.clock.now
        await crowd.clock.advance(0.01)
    waits = sorted(at - came[number] for at, _, number in crowd.went if number in came)
    assert len(waits) >= 29
    assert waits[-1] < 0.1
    for task in crowd.tasks:
        task.cancel()
    await crowd.end()


async def test_what_is_low_is_not_starved_by_what_is_urgent() -> None:
    limit = ALL.model_copy(update={"burst": 1, "max_queue": 10_000, "rate": Rate(100, 1.0)})
    crowd = Crowd(limit.model_copy(update={"max_wait": 60.0}), max=1000)
    low = crowd.come("report"), crowd.come("report"), crowd.come("report")
    for _ in range(2 * FAIR_TURN):
        crowd.come("urgent")
        crowd.come("urgent")
        await crowd.clock.advance(0.01)
    went = [number for _, _, number in crowd.went]
    assert went.index(low[1]) < 2 * FAIR_TURN
    assert low[2] in went
    for task in crowd.tasks:
        task.cancel()
    await crowd.end()


async def test_who_waits_for_a_slow_limit_holds_up_nobody_else() -> None:
    crowd = Crowd(ALL, SLOW)
    for _ in range(5):
        crowd.come("slow")
    await crowd.clock.advance(0.0)
    crowd.come("plain")
    await crowd.clock.advance(0.0)
    assert [route for _, route, _ in crowd.went] == ["slow", "plain"]
    await crowd.end()


async def test_who_cannot_get_through_in_time_is_told_at_once_when_it_could() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 1, "max_wait": 0.25}))
    for _ in range(4):
        crowd.come("plain")
    await crowd.clock.advance(0.0)
    [refused] = crowd.refusals()
    assert refused == make.refused(
        Refusal.RATE_LIMITED, retry_after_s=pytest.approx(0.3), quota=Quota("all", 10, 1, 1)
    )
    await crowd.clock.advance(0.3)
    crowd.come("plain")
    await crowd.clock.advance(0.0)
    assert len(crowd.went) == 4  # it came when it was told to
    await crowd.end()


async def test_who_is_overtaken_until_its_time_is_over_is_refused_then() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 1, "max_wait": 0.15}))
    crowd.come("plain")
    low = crowd.come("report")
    await crowd.clock.advance(0.0)
    crowd.come("urgent")
    await crowd.clock.advance(0.16)
    assert crowd.tasks[low].result() == make.refused(
        Refusal.RATE_LIMITED, retry_after_s=pytest.approx(0.05), quota=Quota("all", 10, 1, 1)
    )
    waited = crowd.world.events[-1]
    assert waited == LimitWaited("acme", "all", pytest.approx(0.15), is_refused=True)
    await crowd.end()


async def test_a_queue_full_of_what_is_low_takes_what_is_urgent() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 1, "max_queue": 2}))
    for route in ("report", "report", "report", "report", "urgent"):
        crowd.come(route)
    await crowd.clock.advance(0.0)
    assert len(crowd.refusals()) == 1
    assert crowd.world.policy.waiting()["all"] == {"high": 1, "normal": 0, "low": 2}
    await crowd.end()


async def test_a_token_of_one_who_left_as_it_was_let_out_goes_to_the_next() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 1}), max=2)
    first, gone, last = crowd.come("plain"), crowd.come("plain"), crowd.come("plain")
    await crowd.clock.advance(0.05)
    assert [number for *_, number in crowd.went] == [first]
    tell = crowd.world.room._tell

    def tell_and_cancel(wanted: Wanted, said: Refused | None) -> None:
        tell(wanted, said)
        crowd.tasks[gone].cancel()

    crowd.world.room._tell = tell_and_cancel  # type: ignore[method-assign]
    await crowd.clock.advance(0.06)
    assert [number for *_, number in crowd.went] == [first, last]
    assert crowd.world.room.in_flight == 2
    await crowd.end()


async def test_a_bug_while_they_wait_ends_their_calls() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 1}))
    held = Held()
    first, second = crowd.world.start(held), crowd.world.start(held)
    await crowd.clock.advance(0.05)

    async def bug(*_: object) -> None:
        raise ZeroDivisionError

    crowd.world.store.take = bug  # type: ignore[assignment,method-assign]
    await crowd.clock.advance(0.1)
    with pytest.raises(ZeroDivisionError):
        second.result()
    held.go.set()
    await first
    assert crowd.world.room.in_flight == 0


def test_a_priority_has_its_place_in_the_order() -> None:
    assert [each.name for each in sorted(Priority)] == ["HIGH", "NORMAL", "LOW"]


def answered(status: int = 200, **headers: str) -> Outcome:
    fields = [(name.encode(), value.encode()) for name, value in headers.items()]
    answer = make.answer(status, headers=fields)
    return make.throttled(answer=answer) if status == 429 else make.ok(answer=answer)


async def answer_one(world: World, outcome: Outcome, **members: Any) -> Outcome:
    async def inner(_: Call) -> Outcome:
        return outcome

    return await world.policy(make.call(deadline=1e9, **members), inner)


async def test_a_429_holds_what_its_call_needed_and_nothing_else() -> None:
    tenants = RateLimitSettings(name="tenant", rate=Rate(100, 1.0), burst=9, per="header:X-Tenant")
    world = World(tenants, clock=SteppedClock())
    one, other = ((b"X-Tenant", b"1"),), ((b"X-Tenant", b"2"),)
    await answer_one(world, make.throttled(retry_after_s=30.0), headers=one)
    refused = await answer_one(world, make.ok(), headers=one)
    assert isinstance(refused, Refused)
    assert (refused.reason, refused.retry_after_s) == (Refusal.RATE_LIMITED, pytest.approx(30.0))
    assert await answer_one(world, make.ok(), headers=other) == make.ok()
    assert world.policy.learned() == {"tenant": {"held_for_s": 30.0}}
    await world.clock.advance(30.0)
    assert await answer_one(world, make.ok(), headers=one) == make.ok()
    assert world.policy.learned() == {"tenant": {}}


async def test_a_429_that_names_a_limit_holds_that_one_alone() -> None:
    world = World(ALL, SLOW, clock=SteppedClock())
    named = answered(429, RateLimit='"slow";r=0;t=2')
    await answer_one(world, named, route="slow")
    assert world.policy.learned() == {"all": {}, "slow": {"held_for_s": 2.0}}
    assert await answer_one(world, make.ok(), route="plain") == make.ok()


async def test_what_little_is_left_is_spread_and_never_widens_a_limit() -> None:
    crowd = Crowd(ALL.model_copy(update={"burst": 5}))
    said = answered(RateLimit='"x";r=3;t=2', **{"RateLimit-Policy": '"x";q=100;w=60'})
    await answer_one(crowd.world, said)
    assert crowd.world.policy.learned()["all"] == {
        "held_for_s": 0.5, "learned_per_second": 2.0,
    }  # fmt: skip
    for _ in range(4):
        crowd.come("plain")
    await crowd.clock.advance(2.0)
    assert [round(at - 1000.0, 3) for at, *_ in crowd.went] == [0.5, 1.0, 1.5, 2.0]
    await answer_one(crowd.world, answered(RateLimit='"x";r=90;t=1'))
    assert crowd.world.policy.learned()["all"] == {}
    await crowd.end()


def test_of_very_many_buckets_what_was_learnt_first_is_forgotten() -> None:
    learned = Learned()
    for number in range(2000):
        learned.hold(f"key-{number}", 1010.0)
    assert learned.held_until("key-0", 1000.0) == 1000.0
    assert learned.held_until("key-1999", 1000.0) == 1010.0
    assert len(learned._held) <= 1024


@pytest.mark.parametrize(
    ("rate", "count", "window_s"),
    [
        (Rate(50, 1.0), 50, 1),
        (Rate(1000, 60.0), 1000, 60),
        (Rate(100, 0.5), 200, 1),
        (Rate(0.5, 1.0), 1, 2),
        (Rate(5, 1.5), 6, 2),
    ],
)
def test_a_quota_is_told_in_whole_numbers(rate: Rate, count: int, window_s: int) -> None:
    limit = RateLimit("acme", ALL.model_copy(update={"rate": rate}), Learned())
    assert limit.quota(0.2) == Quota("all", count, window_s, 1)
