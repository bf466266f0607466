"""The loop: what it sends, what it says, and what it gives back."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from proxy.retry import RetryBudget, RetryPolicy, RetrySettings
from proxy.retry.settings import BackoffSettings, BudgetSettings
from proxy.terms import (
    Answered,
    Basis,
    Call,
    Delivery,
    Denial,
    Effect,
    Event,
    Outcome,
    ProxyError,
    Refusal,
    RetryDenied,
    RetryScheduled,
    RouteEffect,
    StreamEnd,
)
from tests.support import make
from tests.support.clock import FakeClock, SteppedClock
from tests.support.script import Script

SETTINGS = RetrySettings(backoff=BackoffSettings(jitter="none"))


class Loop:
    """A retry policy with everything it is given, and what it told."""

    def __init__(
        self,
        *,
        settings: RetrySettings = SETTINGS,
        is_draining: Callable[[], bool] = lambda: False,
    ) -> None:
        self.clock = FakeClock()
        self.events: list[Event] = []
        self.budget = RetryBudget(settings.budget)
        self.policy = RetryPolicy(
            settings, self.budget, self.clock, lambda: 0.5, self.events.append, is_draining
        )

    async def run(self, call: Call, *steps: Any) -> Outcome:
        self.inner = Script(*steps)
        return await self.policy(call, self.inner)


class Stream:
    """What of an answer is still on the wire."""

    length = None
    is_closed = False

    async def read(self) -> StreamEnd:
        return StreamEnd.CUT

    def on_end(self, callback: Callable[[], None]) -> None:
        raise NotImplementedError

    def close(self) -> None:
        self.is_closed = True


def scheduled(reason: str, basis: Basis, attempt: int, delay_s: float) -> RetryScheduled:
    return RetryScheduled("req_1", "acme", "create_payment", reason, basis, attempt, delay_s)


def denied(reason: str, denied_by: Denial, attempt: int) -> RetryDenied:
    return RetryDenied("req_1", "acme", "create_payment", reason, denied_by, attempt)


def keyed(**members: Any) -> Call:
    return make.call(key=make.key(), **members)


async def test_a_success_is_given_back_as_it_is() -> None:
    loop, ok = Loop(), make.ok()
    assert await loop.run(make.call(), ok) is ok
    assert (loop.events, loop.clock.slept) == ([], [])


async def test_a_keyed_payment_is_repeated_with_the_same_key_and_bytes() -> None:
    loop, call = Loop(), keyed()
    outcome = await loop.run(call, make.broken(), make.lost(), make.ok())
    assert outcome == make.ok(attempts=3)
    assert loop.inner.calls == [call, replace(call, attempt=2), replace(call, attempt=3)]
    assert loop.clock.slept == [0.2, 0.4]
    assert loop.events == [
        scheduled("service_unavailable", Basis.IDEMPOTENCY_KEY, 1, 0.2),
        scheduled("http_response_timeout", Basis.IDEMPOTENCY_KEY, 2, 0.4),
    ]


async def test_unkeyed_post_is_never_repeated_once_it_may_have_landed() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(), make.lost())
    assert outcome == make.lost(is_retryable=False)
    assert loop.events == [denied("http_response_timeout", Denial.UNSAFE, 1)]


async def test_unkeyed_post_is_repeated_while_nothing_was_sent() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(), make.not_sent(), make.throttled(), make.broken())
    assert outcome == make.broken(attempts=3)
    assert loop.events == [
        scheduled("connection_refused", Basis.NOT_SENT, 1, 0.2),
        scheduled("rate_limited", Basis.REFUSED, 2, 0.4),
        denied("service_unavailable", Denial.UNSAFE, 3),
    ]


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


@pytest.mark.parametrize(
    ("latest", "is_retryable"),
    [
        (make.refused(Refusal.CIRCUIT_OPEN, retry_after_s=9.0), True),
        (make.refused(Refusal.OVERLOADED), True),
        (make.refused(Refusal.RATE_LIMITED), True),
        (make.refused(Refusal.CLAIM_LOST), True),
        (make.refused(Refusal.INTERNAL), False),
        (make.not_sent(is_transient=False), False),
        (make.rejected(401), False),
        (make.rejected(404), False),
        (make.throttled(is_transient=False), False),
    ],
)
async def test_a_harmless_last_attempt_never_hides_a_dangerous_first(
    latest: Outcome, *, is_retryable: bool
) -> None:
    loop = Loop()
    outcome = await loop.run(keyed(), make.lost(), latest)
    assert outcome == replace(
        latest,
        effect=Effect.UNKNOWN,
        delivery=Delivery.COMPLETE,
        attempts=1 + latest.attempts,
        is_retryable=is_retryable,
    )


@pytest.mark.parametrize("latest", [make.not_sent(), make.throttled()])
async def test_repeats_that_did_nothing_leave_a_payment_unknown(latest: Outcome) -> None:
    loop = Loop()
    outcome = await loop.run(keyed(), make.lost(), latest, latest)
    assert (outcome.effect, outcome.attempts) == (Effect.UNKNOWN, 3)
    assert outcome.is_retryable


async def test_a_keyed_payment_that_timed_out_and_met_an_open_breaker_is_unknown() -> None:
    loop, call = Loop(), keyed()
    outcome = await loop.run(call, make.lost(), make.refused(retry_after_s=9.0))
    assert outcome == make.refused(
        effect=Effect.UNKNOWN,
        delivery=Delivery.COMPLETE,
        attempts=1,
        is_retryable=True,
        retry_after_s=9.0,
    )
    assert loop.events[-1] == denied("circuit_open", Denial.BREAKER, 2)
    assert call.progress.effect is Effect.UNKNOWN


async def test_a_refused_first_attempt_was_no_attempt() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(), make.refused(Refusal.RATE_LIMITED))
    assert (outcome.attempts, outcome.effect, outcome.is_retryable) == (0, Effect.NONE, True)
    assert loop.events == [denied("rate_limited", Denial.LIMIT, 1)]


async def test_an_idempotent_call_that_succeeds_at_last_is_settled() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(effect=RouteEffect.IDEMPOTENT), make.lost(), make.ok())
    assert outcome == make.ok(attempts=2)


async def test_a_read_that_timed_out_is_harmless() -> None:
    loop, call = Loop(), make.call(effect=RouteEffect.READ)
    outcome = await loop.run(call, make.lost(), make.rejected(404))
    assert (outcome.effect, outcome.delivery) == (Effect.NONE, Delivery.COMPLETE)


async def test_progress_knows_what_is_known_after_each_attempt() -> None:
    loop, call, seen = Loop(), keyed(), []

    def broken(call: Call) -> Outcome:
        call.progress.began_sending()
        return make.broken()

    def look(call: Call) -> Outcome:
        progress = call.progress
        seen.append((progress.effect, progress.attempts, progress.is_sending))
        return make.ok()

    await loop.run(call, broken, look)
    assert seen == [(Effect.UNKNOWN, 1, False)]
    assert (call.progress.effect, call.progress.attempts) == (Effect.SETTLED, 2)


async def test_retry_after_beyond_the_deadline_is_handed_back_at_once() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(), make.throttled(retry_after_s=31.0))
    assert (outcome.is_retryable, outcome.retry_after_s) == (True, 31.0)
    assert loop.clock.slept == []
    assert loop.events == [denied("rate_limited", Denial.DEADLINE, 1)]


async def test_a_backoff_beyond_the_deadline_is_handed_back_too() -> None:
    loop = Loop()
    outcome = await loop.run(make.call(deadline=1000.1), make.throttled())
    assert outcome.retry_after_s == 0.2


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


@pytest.mark.parametrize("reason", list(ProxyError))
async def test_no_reason_of_failure_lets_an_unkeyed_payment_go_twice(reason: ProxyError) -> None:
    loop = Loop()
    await loop.run(make.call(), make.lost(reason, delivery=Delivery.PARTIAL))
    assert len(loop.inner.calls) == 1
