"""The loop: what it sends, what stops it, and what it tells."""

import asyncio

import pytest
from msgspec.structs import replace

from proxy.retry import RetryBudget, RetryPolicy, RetrySettings
from proxy.retry.settings import BudgetSettings
from proxy.terms import (
    Answered,
    Basis,
    Call,
    Denial,
    Effect,
    Event,
    Outcome,
)
from tests.retry.loop import SETTINGS, Loop, Stream, denied, keyed, scheduled
from tests.support import make
from tests.support.clock import SteppedClock


async def test_a_success_is_given_back_as_it_is() -> None:
    loop, ok = Loop(), make.ok()
    assert await loop.run(make.call(), ok) is ok
    assert (loop.events, loop.clock.slept) == ([], [])


@pytest.mark.item(3)
async def test_the_last_attempt_is_told_from_a_verdict() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(), *[make.not_sent()] * 3)
    assert outcome == make.not_sent(attempts=3, is_retryable=True)
    assert loop.events[-1] == denied("connection_refused", Denial.ATTEMPTS, 3)


async def test_one_attempt_turns_retries_off() -> None:
    loop = Loop(settings=RetrySettings(max_attempts=1))
    await loop.run(make.call(), make.not_sent())
    assert loop.events == [denied("connection_refused", Denial.ATTEMPTS, 1)]


async def test_a_decline_is_not_repeated() -> None:
    loop, declined = Loop(), make.rejected(402, effect=Effect.SETTLED)
    assert await loop.run(keyed(), declined) == declined
    assert loop.events == [denied("invalid_request", Denial.PERMANENT, 1)]


@pytest.mark.item(11)
async def test_retry_after_beyond_the_deadline_is_handed_back_at_once() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(), make.throttled(retry_after_s=31.0))
    assert (outcome.is_retryable, outcome.retry_after_s) == (True, 31.0)
    assert loop.clock.slept == []
    assert loop.events == [denied("rate_limited", Denial.DEADLINE, 1)]


@pytest.mark.item(11)
async def test_a_backoff_beyond_the_deadline_is_handed_back_too() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(deadline=1000.1), make.throttled())
    assert outcome.retry_after_s == 0.2


@pytest.mark.item(3)
async def test_a_provider_gets_no_more_repeats_than_its_budget() -> None:
    settings = SETTINGS.model_copy(update={"budget": BudgetSettings(min_per_second=0.1)})
    loop = Loop(settings=settings)
    outcome = await loop.run(make.call(), make.throttled(), make.throttled())
    assert (outcome.attempts, outcome.is_retryable) == (2, True)
    assert loop.events[-1] == denied("rate_limited", Denial.BUDGET, 2)


async def test_what_was_not_sent_does_not_pay() -> None:
    settings = SETTINGS.model_copy(update={"budget": BudgetSettings(ratio=0, min_per_second=0)})
    loop = Loop(settings=settings)
    assert await loop.run(make.call(), make.not_sent(), make.ok()) == make.ok(attempts=2)


async def test_the_budget_is_not_asked_where_something_else_forbids() -> None:
    loop = Loop()
    before = loop.budget.remaining(loop.clock.now)
    await loop.run(make.call(may_repeat=False), make.throttled())
    assert loop.events == [denied("rate_limited", Denial.CALLER, 1)]
    assert loop.budget.remaining(loop.clock.now) == pytest.approx(before + 0.2)


async def test_a_drain_stops_new_attempts() -> None:
    loop = Loop(is_draining=lambda: True)
    await loop.run(make.call(), make.not_sent())
    assert loop.events == [denied("connection_refused", Denial.DRAINING, 1)]


async def test_a_drain_that_begins_during_the_wait_stops_the_attempt_it_was_for() -> None:
    draining = iter([False, True])
    loop = Loop(is_draining=lambda: next(draining))
    outcome = await loop.run(make.call(), make.not_sent())
    assert outcome == make.not_sent(is_retryable=True)
    assert loop.events == [
        scheduled("connection_refused", Basis.NOT_SENT, 1, 0.2),
        denied("connection_refused", Denial.DRAINING, 1),
    ]


async def test_a_caller_who_leaves_during_the_wait_is_not_tried_for_again() -> None:
    clock, events, call = SteppedClock(), list[Event](), keyed()

    async def inner(_: Call) -> Outcome:
        return make.lost()

    policy = RetryPolicy(
        SETTINGS, RetryBudget(SETTINGS.budget), clock, lambda: 0.5, events.append, lambda: False
    )
    async with asyncio.TaskGroup() as tasks:
        run = tasks.create_task(policy(call, inner))
        await clock.advance(0.1)
        call.progress.abandon()
        await clock.advance(0.1)
    assert run.result() == make.lost(is_retryable=True)
    assert events[-1] == denied("http_response_timeout", Denial.CALLER, 1)


async def test_a_wait_that_took_too_long_ends_at_the_deadline() -> None:
    loop = Loop()

    async def oversleep(seconds: float) -> None:
        loop.clock.now += seconds + 60

    loop.clock.sleep = oversleep  # type: ignore[method-assign]
    await loop.run(make.call(), make.not_sent())
    assert loop.events[-1] == denied("connection_refused", Denial.DEADLINE, 1)


async def test_an_answer_that_nobody_will_read_is_closed_before_the_wait() -> None:
    stream = Stream()
    loop = Loop()
    answer = replace(make.answer(503), rest=stream)
    await loop.run(keyed(), make.broken(answer=answer), make.ok())
    assert stream.is_closed


async def test_an_answer_that_is_handed_on_stays_open() -> None:
    stream = Stream()
    loop = Loop()
    answer = replace(make.answer(503), rest=stream)
    outcome = await loop.run(make.call(), make.broken(answer=answer))
    assert isinstance(outcome, Answered)
    assert outcome.answer.rest is stream
    assert not stream.is_closed


async def test_an_error_without_a_code_has_no_reason() -> None:
    loop = Loop()
    await loop.run(make.call(), make.rejected(error_code=None))
    assert loop.events == [denied("none", Denial.PERMANENT, 1)]


async def test_a_bug_inside_is_not_swallowed() -> None:
    loop = Loop()

    def bug(_: Call) -> Outcome:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await loop.run(make.call(), bug)
