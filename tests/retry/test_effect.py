"""What one attempt may have done, no later attempt hides: effects over a whole call."""

import pytest
from msgspec.structs import replace

from proxy.terms import (
    Basis,
    Call,
    Delivery,
    Denial,
    Effect,
    Outcome,
    ProxyError,
    Refusal,
    RouteEffect,
)
from tests.retry.loop import Loop, denied, keyed, scheduled
from tests.support import make


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


@pytest.mark.item(2)
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
        call.progress.began_sending(0.0)
        return make.broken()

    def look(call: Call) -> Outcome:
        progress = call.progress
        seen.append((progress.effect, progress.attempts, progress.is_sending))
        return make.ok()

    await loop.run(call, broken, look)
    assert seen == [(Effect.UNKNOWN, 1, False)]
    assert (call.progress.effect, call.progress.attempts) == (Effect.SETTLED, 2)


@pytest.mark.item(2)
@pytest.mark.parametrize("reason", list(ProxyError))
async def test_no_reason_of_failure_lets_an_unkeyed_payment_go_twice(reason: ProxyError) -> None:
    loop = Loop()
    await loop.run(make.call(), make.lost(reason, delivery=Delivery.PARTIAL))
    assert len(loop.inner.calls) == 1
