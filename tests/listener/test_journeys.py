"""A call's own task: what goes on when its caller does not."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import pytest
from msgspec.structs import replace

from proxy.listener import Journeys
from proxy.system import SystemClock
from proxy.terms import (
    Call,
    Delivery,
    Effect,
    Event,
    Failed,
    FaultOccurred,
    Outcome,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
)
from tests.listener.streams import Rest
from tests.support import make


@dataclass
class World:
    """Journeys, what they told, and a service that ends when it is let."""

    events: list[Event] = field(default_factory=list)
    go: asyncio.Event = field(default_factory=asyncio.Event)
    began: asyncio.Event = field(default_factory=asyncio.Event)
    was_cancelled: bool = False
    journeys: Journeys = field(init=False)

    def __post_init__(self) -> None:
        self.journeys = Journeys(SystemClock(), self.events.append)

    def service(
        self, outcome: Outcome, *, sends: bool = True
    ) -> Callable[[Call], Awaitable[Outcome]]:
        async def serve(call: Call) -> Outcome:
            if sends:
                call.progress.began_sending(0.0)
            self.began.set()
            try:
                await self.go.wait()
            except asyncio.CancelledError:
                self.was_cancelled = True
                raise
            return outcome

        return serve


def call(left_s: float = 5.0, **members: Any) -> Call:
    return make.call(**{"deadline": asyncio.get_running_loop().time() + left_s, **members})


async def settle() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


async def test_a_call_ends_in_its_outcome() -> None:
    world = World()
    world.go.set()
    assert await world.journeys.run(world.service(make.ok()), call()) == make.ok()
    assert (world.journeys.under_way, world.events) == (0, [])


@pytest.mark.parametrize("effect", [RouteEffect.PAYMENT, RouteEffect.IDEMPOTENT])
async def test_at_its_deadline_a_payment_goes_on_and_is_unknown(effect: RouteEffect) -> None:
    world, one = World(), call(0.001, effect=effect)
    outcome = await world.journeys.run(world.service(make.ok()), one)
    assert isinstance(outcome, Failed)
    assert outcome.reason is ProxyError.HTTP_RESPONSE_TIMEOUT
    assert (outcome.effect, outcome.delivery) == (Effect.UNKNOWN, Delivery.PARTIAL)
    assert outcome.attempts == 1
    assert one.progress.is_abandoned
    assert world.journeys.under_way == 1
    world.go.set()
    await settle()
    assert (world.journeys.under_way, world.was_cancelled) == (0, False)


async def test_a_ledger_that_is_slow_at_the_deadline_is_not_cut_off(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.listener.journeys._WRITTEN_S", 0.001)
    written = asyncio.get_running_loop().create_future()
    world, one = World(), call(0.001)
    one.progress.follow("out_1", lambda: written)
    outcome = await world.journeys.run(world.service(make.ok()), one)
    assert (outcome.effect, outcome.outcome_id) == (Effect.UNKNOWN, "out_1")
    assert not written.cancelled()


async def test_at_its_deadline_a_read_is_cancelled_and_did_nothing() -> None:
    world = World()
    one = call(0.001, effect=RouteEffect.READ, method="GET")
    outcome = await world.journeys.run(world.service(make.ok()), one)
    assert isinstance(outcome, Failed)
    assert outcome.effect is Effect.NONE
    assert outcome.is_retryable
    await settle()
    assert (world.journeys.under_way, world.was_cancelled) == (0, True)


async def test_a_payment_of_which_nothing_was_sent_by_its_deadline_was_not_made() -> None:
    world = World()
    outcome = await world.journeys.run(world.service(make.ok(), sends=False), call(0.001))
    assert (outcome.effect, outcome.delivery) == (Effect.NONE, Delivery.NONE)
    assert (outcome.attempts, outcome.is_retryable) == (0, True)
    world.go.set()
    await settle()


async def test_what_an_earlier_attempt_may_have_done_is_not_forgotten() -> None:
    world, one = World(), call(0.001)
    one.progress.settle(Effect.UNKNOWN, Delivery.COMPLETE, 1)
    outcome = await world.journeys.run(world.service(make.ok(), sends=False), one)
    assert (outcome.effect, outcome.attempts) == (Effect.UNKNOWN, 1)
    world.go.set()
    await settle()


async def test_a_caller_who_leaves_abandons_and_the_attempt_goes_on() -> None:
    world, one = World(), call()
    running = asyncio.ensure_future(world.journeys.run(world.service(make.ok()), one))
    await world.began.wait()
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert one.progress.is_abandoned
    assert world.journeys.under_way == 1
    world.go.set()
    await settle()
    assert (world.journeys.under_way, world.was_cancelled) == (0, False)


async def test_what_is_left_of_an_answer_that_nobody_waits_for_is_closed() -> None:
    world, rest = World(), Rest()
    streamed = make.ok(answer=replace(make.answer(200), rest=rest))
    one = call(0.001)
    one.progress.hold(rest.close)
    await world.journeys.run(world.service(streamed), one)
    assert rest.closed == 0
    world.go.set()
    await settle()
    assert rest.closed == 1


@pytest.mark.parametrize("sends", [False, True])
async def test_a_bug_ends_one_call_and_says_what_it_may_have_done(sends: bool) -> None:
    world = World()

    async def buggy(one: Call) -> Outcome:
        if sends:
            one.progress.began_sending(0.0)
        raise LookupError(SECRET)

    outcome = await world.journeys.run(buggy, call())
    assert isinstance(outcome, Refused)
    assert outcome.reason is Refusal.INTERNAL
    assert outcome.effect is (Effect.UNKNOWN if sends else Effect.NONE)
    await settle()
    (event,) = world.events
    assert isinstance(event, FaultOccurred)
    assert (event.fault, event.request_id) == ("LookupError", "req_1")
    assert event.where.endswith("buggy")
    assert SECRET not in repr(event)


SECRET = "4111111111111111"


async def test_a_bug_after_the_deadline_is_told_too() -> None:
    world = World()

    async def buggy(_: Call) -> Outcome:
        await world.go.wait()
        raise LookupError

    await world.journeys.run(buggy, call(0.001))
    world.go.set()
    await settle()
    assert [type(event) for event in world.events] == [FaultOccurred]


async def test_a_drain_waits_for_what_is_under_way() -> None:
    world = World()
    running = asyncio.ensure_future(world.journeys.run(world.service(make.ok()), call()))
    await world.began.wait()
    draining = asyncio.ensure_future(world.journeys.drain(5.0))
    await settle()
    assert not draining.done()
    world.go.set()
    await draining
    assert world.journeys.cut_off() == 0
    assert await running == make.ok()


async def test_what_a_drain_cuts_off_is_told_as_unknown() -> None:
    world = World()
    running = asyncio.ensure_future(world.journeys.run(world.service(make.ok()), call()))
    await world.began.wait()
    await world.journeys.drain(0.001)
    assert world.journeys.cut_off() == 1
    outcome = await running
    assert isinstance(outcome, Failed)
    assert outcome.effect is Effect.UNKNOWN
    await world.journeys.drain(5.0)
    assert world.journeys.under_way == 0
