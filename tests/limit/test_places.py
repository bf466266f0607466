"""A call takes a place in flight, and gives it back whatever becomes of it."""

import asyncio
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.limit import AWAY, Ask, Away, ConcurrencySettings, NotYet, Taken
from proxy.stores import MemoryLimits
from proxy.terms import Call, LimitWaited, Outcome, Refusal
from tests.limit.world import ACCOUNT, Held, Stream, World
from tests.support import make
from tests.support.clock import SteppedClock
from tests.support.script import Script


@pytest.mark.item(115)
async def test_calls_in_flight_are_bounded() -> None:
    clock = SteppedClock()
    world, held = World(clock=clock, max=2), Held()
    runs = [world.start(held) for _ in range(3)]
    await clock.advance(0.5)
    assert (held.begun, world.waiting()) == (2, {"concurrency": 1})
    held.go.set()
    await clock.advance(0)
    assert [run.result() for run in runs] == [make.ok()] * 3
    assert world.room.in_flight == 0
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
    assert world.room.in_flight == 0


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
    assert world.room.in_flight == 0


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
    assert (held.begun, world.room.in_flight) == (1, 0)


async def test_a_place_is_held_until_the_answer_has_ended() -> None:
    world, stream = World(), Stream()
    streaming = make.ok(answer=replace(make.answer(), rest=stream))
    assert await world.policy(make.call(), Script(streaming)) is streaming
    assert world.room.in_flight == 1
    stream.close()
    assert world.room.in_flight == 0


@pytest.mark.parametrize("outcome", [make.lost(), make.broken(), make.refused(Refusal.INTERNAL)])
async def test_a_failure_gives_its_place_back(outcome: Outcome) -> None:
    world = World()
    assert await world.policy(make.call(), Script(outcome)) is outcome
    assert world.room.in_flight == 0


async def test_a_bug_inside_gives_its_place_back() -> None:
    world = World()

    def bug(_: Call) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await world.policy(make.call(), Script(bug))
    assert world.room.in_flight == 0


async def test_a_cancelled_call_gives_its_place_back() -> None:
    world = World()
    run = world.start(Held())
    await asyncio.sleep(0)
    assert world.room.in_flight == 1
    run.cancel()
    with pytest.raises(asyncio.CancelledError):
        await run
    assert world.room.in_flight == 0


class Slow(MemoryLimits):
    """A store that answers when told to, with what it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.said: asyncio.Future[Taken | NotYet | Away] = asyncio.Future()

    async def take(self, _asks: tuple[Ask, ...], _now: float) -> Any:
        return await self.said


@pytest.mark.parametrize("how", ["away", "not yet", "cancelled"])
async def test_a_place_that_was_held_while_the_store_was_asked_goes_to_who_waits(how: str) -> None:
    clock, store = SteppedClock(), Slow()
    world = World(ACCOUNT.model_copy(update={"routes": ("paced",), "max_wait": 0.0}), clock=clock)
    world.room.go_by(ConcurrencySettings(max=1, max_wait=9.0), store)
    first = world.start(Held(), route="paced")
    await clock.advance(0.0)
    held = Held()
    second = world.start(held, route="plain")
    await clock.advance(0.5)
    assert (world.room.in_flight, held.begun) == (1, 0)
    if how == "cancelled":
        first.cancel()
    else:
        store.said.set_result(AWAY if how == "away" else NotYet((5.0,)))
    await clock.advance(0.0)
    assert first.done()
    assert held.begun == 1  # at once, not when it would have given up
    held.go.set()
    await clock.advance(0.0)
    assert (await second, world.room.in_flight) == (make.ok(), 0)
