"""Repeats of a payment that no ledger guards, under a key that the provider honours."""

import asyncio
from typing import Any

from proxy.ledger.entry import Entry, State
from proxy.terms import (
    Call,
    Effect,
    Outcome,
)
from tests.support import make
from tests.support.followed import Here, Streamed, sends
from tests.support.script import Script


async def test_a_repeat_of_what_is_unknown_is_one_payment_and_settles_it() -> None:
    here = Here()
    one = await here.policy(make.call(key=make.key()), sends(make.lost()))
    two = await here.policy(make.call(request_id="req_2", key=make.key()), sends(make.lost()))
    assert (one.outcome_id, two.outcome_id) == ("req_1", "req_1")
    await here.policy(make.call(request_id="req_3", key=make.key()), sends(make.ok()))
    await here.written()
    assert await here.unknowns() == []
    entry = await here.store.find("req_1")
    assert isinstance(entry, Entry)
    assert entry.state is State.DONE


async def test_a_repeat_that_began_before_the_first_was_unknown_settles_it_too() -> None:
    here = Here()
    first_ends, second_ends = asyncio.Event(), asyncio.Event()

    def ends_with(gate: asyncio.Event, outcome: Outcome) -> Any:
        async def inner(call: Call) -> Outcome:
            assert call.before_first_byte is not None
            assert await call.before_first_byte()
            call.progress.began_sending(1000.0)
            await gate.wait()
            call.progress.settle(outcome.effect, outcome.delivery, 1)
            return outcome

        return inner

    calls = [make.call(request_id=name, key=make.key()) for name in ("one", "two")]
    one = asyncio.create_task(here.policy(calls[0], ends_with(first_ends, make.lost())))
    await here.clock.advance(0.0)
    two = asyncio.create_task(here.policy(calls[1], ends_with(second_ends, make.ok())))
    await here.clock.advance(0.0)
    first_ends.set()
    assert (await one).effect is Effect.UNKNOWN
    second_ends.set()
    await two
    await here.written()
    assert await here.unknowns() == []
    entry = await here.store.find("one")
    assert isinstance(entry, Entry)
    assert entry.state is State.DONE


async def test_a_key_that_covers_no_failures_makes_it_another_payment() -> None:
    here = Here()
    key = make.key(covers_failures=False)
    await here.policy(make.call(key=key), sends(make.lost()))
    two = await here.policy(make.call(request_id="req_2", key=key), sends(make.lost()))
    assert two.outcome_id == "req_2"
    await here.policy(make.call(request_id="req_3", key=key), sends(make.ok()))
    await here.written()
    assert await here.unknowns() == ["req_1", "req_2"]


async def test_a_body_that_streams_is_no_repeat() -> None:
    here = Here()
    stream = Streamed()
    await here.policy(make.call(key=make.key(), body=stream), sends(make.lost()))
    again = make.call(request_id="req_2", key=make.key(), body=stream)
    await here.policy(again, sends(make.ok()))
    await here.written()
    assert await here.unknowns() == ["req_1"]


async def test_one_that_did_nothing_is_told_as_the_one_that_is_unknown() -> None:
    here = Here()
    await here.policy(make.call(key=make.key()), sends(make.lost()))
    circuit = Script(make.refused())
    outcome = await here.policy(make.call(request_id="req_2", key=make.key()), circuit)
    assert (outcome.effect, outcome.outcome_id) == (Effect.UNKNOWN, "req_1")
    other = make.call(request_id="req_3", key=make.key(), body=b'{"other": 1}')
    assert (await here.policy(other, Script(make.refused()))).effect is Effect.NONE
    unsafe = make.key(covers_failures=False)
    retryable = make.not_sent(is_retryable=True)
    for key, is_retryable in ((make.key(), True), (unsafe, False)):
        told = await here.policy(make.call(request_id="req_4", key=key), Script(retryable))
        assert (told.effect, told.is_retryable) == (Effect.UNKNOWN, is_retryable)
