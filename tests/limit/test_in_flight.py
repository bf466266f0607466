"""The places: bounded, in order of arrival, and none is ever lost."""

import asyncio
from typing import Any

import pytest

from proxy.limit import ConcurrencySettings, InFlight
from tests.support.clock import SteppedClock

ONE = ConcurrencySettings(max=1, max_wait=5.0, max_queue=10)


def queueing(in_flight: InFlight, patience_s: float = 60.0) -> asyncio.Task[bool]:
    return asyncio.create_task(in_flight.queue(patience_s))


def full(clock: SteppedClock, **members: Any) -> InFlight:
    in_flight = InFlight(ONE.model_copy(update=members), clock)
    while in_flight.try_enter():
        pass
    return in_flight


def test_there_are_so_many_places() -> None:
    in_flight = InFlight(ONE.model_copy(update={"max": 2}), SteppedClock())
    assert [in_flight.try_enter() for _ in range(3)] == [True, True, False]
    in_flight.leave()
    assert in_flight.try_enter()


def test_it_shows_what_is_taken() -> None:
    in_flight = InFlight(ONE.model_copy(update={"max": 4}), SteppedClock())
    in_flight.try_enter()
    assert (in_flight.count, in_flight.queue_length, in_flight.fill) == (1, 0, 0.25)
    assert repr(in_flight) == "InFlight(1 of 4, 0 waiting)"


async def test_places_are_given_in_order_of_arrival() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    first, second = queueing(in_flight), queueing(in_flight)
    await clock.advance(1)
    assert in_flight.queue_length == 2
    in_flight.leave()
    assert not in_flight.try_enter()  # a newcomer does not overtake
    await clock.advance(0)
    assert (first.done(), second.done()) == (True, False)
    in_flight.leave()
    await clock.advance(0)
    assert await first
    assert await second
    assert (in_flight.count, in_flight.queue_length) == (1, 0)


async def test_nobody_waits_longer_than_the_limit_allows() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    waiting = queueing(in_flight)
    await clock.advance(4.9)
    assert not waiting.done()
    await clock.advance(0.2)
    assert waiting.result() is False
    assert (in_flight.count, in_flight.queue_length) == (1, 0)


async def test_nobody_waits_longer_than_they_have_patience() -> None:
    clock = SteppedClock()
    waiting = queueing(full(clock), patience_s=1.0)
    await clock.advance(1.1)
    assert waiting.result() is False


@pytest.mark.parametrize("members", [{"max_wait": 0.0}, {"max_queue": 0}])
async def test_where_nobody_may_wait_the_answer_comes_at_once(members: Any) -> None:
    assert await full(SteppedClock(), **members).queue(60.0) is False


async def test_without_patience_the_answer_comes_at_once() -> None:
    assert await full(SteppedClock()).queue(0.0) is False


async def test_a_full_queue_takes_nobody() -> None:
    clock = SteppedClock()
    in_flight = full(clock, max_queue=1)
    waiting = queueing(in_flight)
    await clock.advance(0)
    assert await in_flight.queue(60.0) is False
    in_flight.leave()
    assert await waiting


async def test_a_cancelled_waiter_leaks_nothing() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    gone, waiting = queueing(in_flight), queueing(in_flight)
    await clock.advance(0)
    gone.cancel()
    in_flight.leave()  # while the one that was cancelled still stands in the queue
    await clock.advance(0)
    assert gone.cancelled()
    assert await waiting
    in_flight.leave()
    assert (in_flight.count, in_flight.queue_length) == (0, 0)


async def test_a_waiter_cancelled_as_it_is_given_its_place_hands_it_on() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    gone, waiting = queueing(in_flight), queueing(in_flight)
    await clock.advance(0)
    in_flight.leave()
    gone.cancel()  # its place was given, and it has not run since
    await clock.advance(0)
    assert gone.cancelled()
    assert waiting.done()
    in_flight.leave()
    assert in_flight.count == 0


async def test_a_waiter_cancelled_as_it_gives_up_leaves_the_places_alone() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    gone = queueing(in_flight)
    await clock.advance(0)
    next(iter(in_flight._queue)).set_result(False)
    gone.cancel()
    await clock.advance(0)
    assert gone.cancelled()
    assert in_flight.count == 1


async def test_a_place_that_comes_free_as_a_waiter_gives_up_is_not_lost() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    gone, waiting = queueing(in_flight), queueing(in_flight)
    await clock.advance(0)
    next(iter(in_flight._queue)).set_result(False)
    in_flight.leave()
    await clock.advance(0)
    assert gone.result() is False
    assert waiting.result() is True


async def test_a_reload_with_more_places_lets_the_first_in() -> None:
    clock = SteppedClock()
    in_flight = full(clock)
    first, second = queueing(in_flight), queueing(in_flight)
    await clock.advance(0)
    in_flight.reconfigure(ONE.model_copy(update={"max": 2}))
    await clock.advance(0)
    assert (first.done(), second.done()) == (True, False)
    in_flight.leave()
    assert await second


async def test_a_reload_with_fewer_places_takes_none_away() -> None:
    clock = SteppedClock()
    in_flight = full(clock, max=3)
    in_flight.reconfigure(ONE)
    waiting = queueing(in_flight)
    await clock.advance(0)
    in_flight.leave()
    in_flight.leave()
    await clock.advance(0)
    assert not waiting.done()
    in_flight.leave()
    assert await waiting
