"""What comes after an attempt, and in which order it is asked."""

from typing import Any

import pytest

from proxy.retry.settings import BackoffSettings, RetrySettings
from proxy.retry.step import Repeat, SoFar, Stop, ended, next_step, stopped_by
from proxy.terms import Basis, Call, Delivery, Denial, Effect, Key, Outcome, Progress, RouteEffect
from tests.support import make

SETTINGS = RetrySettings(backoff=BackoffSettings(jitter="none"))
SENT = SoFar(Effect.UNKNOWN, Delivery.COMPLETE, 1)
UNSENT = SoFar(attempts=1)


class OneShot:
    length = None

    async def read(self) -> bytes:
        return b""


def abandoned() -> Progress:
    progress = Progress()
    progress.abandon()
    return progress


def step(call: Call, latest: Outcome, so_far: SoFar = UNSENT, **members: Any) -> Repeat | Stop:
    world: dict[str, Any] = {"now": 1000.0, "chance": 0.5, "is_draining": False} | members
    return next_step(call, latest, so_far, SETTINGS, **world)


def test_a_safe_repeat_waits_and_goes() -> None:
    assert step(make.call(), make.not_sent()) == Repeat(0.2, Basis.NOT_SENT)


def test_the_wait_grows_with_the_attempt() -> None:
    assert step(make.call(attempt=2), make.not_sent()) == Repeat(0.4, Basis.NOT_SENT)


def test_every_reason_stops_it_in_its_turn() -> None:
    """Each call below fails for its own reason and for all those after it."""
    draining = {"is_draining": True, "now": 2000.0}
    late: dict[str, Any] = {"now": 2000.0}
    last = make.call(attempt=3, body=OneShot(), effect=RouteEffect.IDEMPOTENT)
    off = make.call(attempt=3, body=OneShot(), may_repeat=False)
    gone = make.call(attempt=3, body=OneShot(), progress=abandoned(), effect=RouteEffect.READ)
    first = make.call(body=OneShot(), effect=RouteEffect.IDEMPOTENT)
    assert [
        step(off, make.lost(), SENT, **draining),
        step(off, make.rejected(), SENT, **draining),
        step(off, make.throttled(), SENT, **draining),
        step(gone, make.lost(), SENT, **draining),
        step(last, make.lost(), SENT, **draining),
        step(last, make.lost(), SENT, **late),
        step(first, make.lost(), SENT, **late),
        step(first, make.not_sent(), UNSENT, **late),
    ] == [
        Stop(Denial.UNSAFE),
        Stop(Denial.PERMANENT),
        Stop(Denial.CALLER),
        Stop(Denial.CALLER),
        Stop(Denial.DRAINING),
        Stop(Denial.ATTEMPTS),
        Stop(Denial.BODY),
        Stop(Denial.DEADLINE, 0.2),
    ]


def test_an_untouched_stream_can_still_be_sent() -> None:
    assert step(make.call(body=OneShot()), make.not_sent()) == Repeat(0.2, Basis.NOT_SENT)


def test_a_stream_that_was_begun_once_is_gone_however_the_latest_attempt_ended() -> None:
    call = make.call(body=OneShot(), effect=RouteEffect.IDEMPOTENT)
    assert step(call, make.not_sent(), SENT) == Stop(Denial.BODY)


def test_a_kept_body_can_be_sent_again() -> None:
    call = make.call(effect=RouteEffect.IDEMPOTENT)
    assert step(call, make.lost(), SENT) == Repeat(0.2, Basis.IDEMPOTENT)


@pytest.mark.parametrize(
    ("deadline", "expected"),
    [(1005.1, Repeat(5.0, Basis.REFUSED)), (1005.0, Stop(Denial.DEADLINE, 5.0))],
)
def test_retry_after_that_does_not_fit_is_handed_back(
    deadline: float, expected: Repeat | Stop
) -> None:
    call = make.call(deadline=deadline)
    assert step(call, make.throttled(retry_after_s=5.0)) == expected


def test_no_repeat_that_rests_on_a_key_outlives_it() -> None:
    call = make.call(key=make.key(usable_until=1000.1))
    assert step(call, make.lost(), SENT) == Stop(Denial.DEADLINE, 0.2)


def test_a_harmless_latest_attempt_rests_on_the_key_if_an_earlier_one_did() -> None:
    call = make.call(key=make.key(usable_until=1000.1))
    assert step(call, make.not_sent(), SENT) == Stop(Denial.DEADLINE, 0.2)


def test_a_repeat_that_does_not_rest_on_the_key_may_outlive_it() -> None:
    call = make.call(key=make.key(usable_until=1000.1))
    assert step(call, make.throttled()) == Repeat(0.2, Basis.REFUSED)
    idempotent = make.call(key=make.key(usable_until=1000.1), effect=RouteEffect.IDEMPOTENT)
    assert step(idempotent, make.lost(), SENT) == Repeat(0.2, Basis.IDEMPOTENT)


@pytest.mark.parametrize(
    ("call", "now", "is_draining", "expected"),
    [
        (make.call(), 1029.9, False, None),
        (make.call(), 1030.0, False, Denial.DEADLINE),
        (make.call(), 1000.0, True, Denial.DRAINING),
        (make.call(progress=abandoned()), 1030.0, True, Denial.CALLER),
        (make.call(key=make.key(usable_until=1001.0)), 1001.0, False, Denial.DEADLINE),
    ],
)
def test_it_is_asked_again_after_the_wait(
    call: Call, now: float, expected: Denial | None, *, is_draining: bool
) -> None:
    assert stopped_by(call, SENT, now=now, is_draining=is_draining) is expected


def test_a_read_is_never_unknown() -> None:
    so_far = SoFar().joined(make.lost(), make.call(effect=RouteEffect.READ))
    assert so_far == SoFar(Effect.NONE, Delivery.COMPLETE, 1)


@pytest.mark.parametrize("route", [RouteEffect.IDEMPOTENT, RouteEffect.PAYMENT])
def test_a_success_answers_for_the_attempts_before_it(route: RouteEffect) -> None:
    call = make.call(effect=route, key=make.key() if route is RouteEffect.PAYMENT else None)
    assert SENT.joined(make.ok(), call) == SoFar(Effect.SETTLED, Delivery.COMPLETE, 2)


def test_only_a_key_lets_a_decline_answer_for_the_attempts_before_it() -> None:
    declined = make.rejected(402, effect=Effect.SETTLED)
    unkeyed, keyed = make.call(effect=RouteEffect.IDEMPOTENT), make.call(key=make.key())
    assert SENT.joined(declined, unkeyed).effect is Effect.UNKNOWN
    assert SENT.joined(declined, keyed).effect is Effect.SETTLED


@pytest.mark.parametrize(
    ("key", "expected"),
    [
        (None, False),
        (make.key(), True),
        (make.key(is_honoured=False), False),
        (make.key(covers_failures=False), False),
        (make.key(is_generated=True), False),
        (make.key(usable_until=1000.0), False),
        (make.key(usable_until=1000.1), True),
    ],
)
def test_the_caller_may_repeat_an_unknown_payment_only_under_a_key_of_its_own_that_holds(
    key: Any, *, expected: bool
) -> None:
    outcome = ended(make.call(key=key), make.lost(), SENT, now=1000.0, wait_s=None)
    assert outcome.is_retryable is expected


def test_a_key_that_is_forgotten_by_the_time_it_may_be_used_again_holds_nothing() -> None:
    call = make.call(key=make.key(usable_until=1010.0))
    waiting = make.broken(retry_after_s=10.0)
    outcome = ended(call, waiting, SENT, now=1000.0, wait_s=None)
    assert (outcome.is_retryable, outcome.retry_after_s) == (False, None)


@pytest.mark.parametrize(
    ("latest", "wait_s", "expected"),
    [
        (make.throttled(), None, None),
        (make.throttled(retry_after_s=3.0), None, 3.0),
        (make.throttled(retry_after_s=3.0), 4.0, 4.0),
        (make.throttled(), 0.4, 0.4),
        (make.rejected(retry_after_s=3.0), None, None),
    ],
)
def test_the_caller_is_told_when_only_where_it_may_repeat(
    latest: Outcome, wait_s: float | None, expected: float | None
) -> None:
    outcome = ended(make.call(), latest, UNSENT, now=1000.0, wait_s=wait_s)
    assert outcome.retry_after_s == expected


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307])
@pytest.mark.parametrize("key", [None, make.key()])
@pytest.mark.parametrize("effect", [RouteEffect.PAYMENT, RouteEffect.IDEMPOTENT])
def test_a_redirection_says_nothing_of_an_attempt_before_it(
    status: int, key: Key | None, effect: RouteEffect
) -> None:
    call, redirected = make.call(key=key, effect=effect), make.ok(answer=make.answer(status))
    assert SENT.joined(redirected, call).effect is Effect.UNKNOWN
    assert UNSENT.joined(redirected, call).effect is Effect.SETTLED
