"""Whether a repeat is safe: contract section 5, row by row and column by column."""

from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.retry.decide import (
    KINDS,
    REFUSALS,
    VERDICTS,
    Licence,
    Situation,
    is_success,
    judge,
    may_repeat,
)
from proxy.terms import (
    Again,
    Basis,
    Delivery,
    Denial,
    Effect,
    Final,
    Kind,
    Outcome,
    ProxyError,
    Refusal,
    RouteEffect,
    Verdict,
)
from tests.support import make

READ: dict[str, Any] = {"effect": RouteEffect.READ, "is_keyed": False, "covers_failures": False}
IDEMPOTENT: dict[str, Any] = READ | {"effect": RouteEffect.IDEMPOTENT}
UNKEYED: dict[str, Any] = READ | {"effect": RouteEffect.PAYMENT}
KEYED: dict[str, Any] = UNKEYED | {"is_keyed": True, "covers_failures": True}
FORGETFUL: dict[str, Any] = KEYED | {"covers_failures": False}
UNHONOURED: dict[str, Any] = KEYED | {"is_keyed": False}

NOT_SENT = make.not_sent()
BAD_CERTIFICATE = make.not_sent(ProxyError.TLS_CERTIFICATE_ERROR, is_transient=False)
THROTTLED = make.throttled()
BROKEN = make.broken()
LOST = make.lost()
CUT = make.lost(ProxyError.CONNECTION_WRITE_TIMEOUT, delivery=Delivery.PARTIAL)
IN_PROGRESS = make.broken(409, kind=Kind.IN_PROGRESS)
DECLINED = make.rejected(402, kind=Kind.DECLINED, effect=Effect.SETTLED)
DUPLICATE = make.rejected(409, kind=Kind.DUPLICATE, effect=Effect.SETTLED)
PERMANENT_500 = make.broken(500, is_transient=False)

AGAIN = {basis: Again(basis) for basis in Basis}
UNSAFE, PERMANENT = Final(Denial.UNSAFE), Final(Denial.PERMANENT)


def test_every_situation_has_a_verdict_under_every_licence() -> None:
    assert set(VERDICTS) == set(product(Situation, Licence))


def test_every_kind_of_answer_is_a_situation() -> None:
    assert set(KINDS) == set(Kind)


def test_every_refusal_has_its_word() -> None:
    assert set(REFUSALS) == set(Refusal)


@pytest.mark.item(6)
@pytest.mark.parametrize("route", [READ, IDEMPOTENT, KEYED, FORGETFUL, UNHONOURED, UNKEYED])
@pytest.mark.parametrize(
    ("outcome", "verdict"),
    [
        (NOT_SENT, AGAIN[Basis.NOT_SENT]),
        (THROTTLED, AGAIN[Basis.REFUSED]),
        (make.throttled(is_transient=False), PERMANENT),
        (BAD_CERTIFICATE, PERMANENT),
        (make.lost(is_transient=False), PERMANENT),
        (PERMANENT_500, PERMANENT),
        (make.ok(), PERMANENT),
        (make.rejected(), PERMANENT),
        (make.rejected(is_transient=True), PERMANENT),
        (DECLINED, PERMANENT),
        (DUPLICATE, PERMANENT),
    ],
)
def test_some_verdicts_need_no_licence(
    outcome: Outcome, verdict: Verdict, route: dict[str, Any]
) -> None:
    assert judge(outcome, **route) == verdict


@pytest.mark.item(6)
@pytest.mark.parametrize("outcome", [BROKEN, LOST, CUT, make.throttled(effect=Effect.UNKNOWN)])
@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        (READ, AGAIN[Basis.IDEMPOTENT]),
        (IDEMPOTENT, AGAIN[Basis.IDEMPOTENT]),
        (KEYED, AGAIN[Basis.IDEMPOTENCY_KEY]),
        (FORGETFUL, UNSAFE),
        (UNHONOURED, UNSAFE),
        (UNKEYED, UNSAFE),
    ],
)
def test_what_may_have_happened_needs_a_licence(
    outcome: Outcome, route: dict[str, Any], verdict: Verdict
) -> None:
    assert judge(outcome, **route) == verdict


@pytest.mark.parametrize(
    ("route", "verdict"),
    [
        (READ, PERMANENT),
        (IDEMPOTENT, PERMANENT),
        (KEYED, AGAIN[Basis.IN_PROGRESS]),
        (FORGETFUL, UNSAFE),
        (UNHONOURED, UNSAFE),
        (UNKEYED, UNSAFE),
    ],
)
def test_only_a_keyed_payment_asks_again_how_it_is_getting_on(
    route: dict[str, Any], verdict: Verdict
) -> None:
    assert judge(IN_PROGRESS, **route) == verdict


@pytest.mark.parametrize("reason", list(Refusal))
@pytest.mark.parametrize("route", [READ, KEYED, UNKEYED])
def test_our_own_no_ends_the_loop(reason: Refusal, route: dict[str, Any]) -> None:
    assert judge(make.refused(reason), **route) == Final(REFUSALS[reason][0])


@pytest.mark.parametrize(
    ("reason", "denied_by"),
    [
        (Refusal.CIRCUIT_OPEN, Denial.BREAKER),
        (Refusal.RATE_LIMITED, Denial.LIMIT),
        (Refusal.OVERLOADED, Denial.LIMIT),
        (Refusal.DRAINING, Denial.DRAINING),
        (Refusal.CALLER_LEFT, Denial.CALLER),
        (Refusal.MALFORMED, Denial.PERMANENT),
    ],
)
def test_a_refusal_is_denied_by_who_refused(reason: Refusal, denied_by: Denial) -> None:
    assert judge(make.refused(reason), **UNKEYED) == Final(denied_by)


@pytest.mark.parametrize("outcome", [NOT_SENT, THROTTLED])
def test_what_did_nothing_may_be_sent_again_by_anyone(outcome: Outcome) -> None:
    assert may_repeat(outcome, **UNKEYED)


@pytest.mark.parametrize("reason", list(Refusal))
def test_a_refusal_is_worth_repeating_where_time_may_help(reason: Refusal) -> None:
    passing = {
        Refusal.CALLER_TOO_SLOW,
        Refusal.CALLER_LEFT,
        Refusal.PAUSED,
        Refusal.CIRCUIT_OPEN,
        Refusal.OVERLOADED,
        Refusal.RATE_LIMITED,
        Refusal.CLAIM_LOST,
        Refusal.KEY_IN_USE,
        Refusal.OUTCOME_PENDING,
        Refusal.LEDGER_AWAY,
        Refusal.LIMITS_AWAY,
        Refusal.DRAINING,
    }
    assert may_repeat(make.refused(reason), **UNKEYED) is (reason in passing)


@pytest.mark.parametrize(
    "outcome",
    [
        BROKEN,
        LOST,
        IN_PROGRESS,
        make.refused(Refusal.CIRCUIT_OPEN, effect=Effect.UNKNOWN),
        make.not_sent(effect=Effect.UNKNOWN),
        make.throttled(effect=Effect.UNKNOWN),
    ],
)
@pytest.mark.parametrize(
    ("route", "expected"),
    [
        (READ, True),
        (IDEMPOTENT, True),
        (KEYED, True),
        (FORGETFUL, False),
        (UNHONOURED, False),
        (UNKEYED, False),
    ],
)
def test_a_call_that_may_have_had_an_effect_needs_a_licence(
    outcome: Outcome, route: dict[str, Any], *, expected: bool
) -> None:
    assert may_repeat(outcome, **route) is expected


@pytest.mark.parametrize(
    "outcome",
    [
        make.ok(),
        make.rejected(401),
        DECLINED,
        DUPLICATE,
        BAD_CERTIFICATE,
        PERMANENT_500,
        make.refused(Refusal.MALFORMED),
        make.refused(Refusal.INTERNAL),
    ],
)
@pytest.mark.parametrize("route", [READ, KEYED, UNKEYED])
def test_what_will_not_change_is_not_worth_repeating(
    outcome: Outcome, route: dict[str, Any]
) -> None:
    assert not may_repeat(outcome, **route)


@pytest.mark.parametrize(("outcome", "expected"), [(make.ok(), True), (BROKEN, False)])
def test_a_success_is_an_answer_of_kind_ok(outcome: Outcome, *, expected: bool) -> None:
    assert is_success(outcome) is expected


anything_answered = st.builds(
    make.broken,
    status=st.integers(200, 599),
    kind=st.sampled_from(Kind),
    effect=st.sampled_from(Effect),
    is_transient=st.booleans(),
)
anything_failed = st.builds(
    make.lost,
    st.sampled_from(ProxyError),
    delivery=st.sampled_from(Delivery),
    is_transient=st.booleans(),
)


@pytest.mark.item(2)
@given(outcome=anything_answered | anything_failed, is_keyed=st.booleans())
def test_an_unlicensed_payment_is_never_repeated_once_it_may_have_landed(
    outcome: Any, *, is_keyed: bool
) -> None:
    verdict = judge(
        outcome, effect=RouteEffect.PAYMENT, is_keyed=is_keyed, covers_failures=not is_keyed
    )
    if isinstance(verdict, Again):
        assert outcome.effect is Effect.NONE or outcome.delivery is Delivery.NONE


@given(outcome=anything_answered | anything_failed, route=st.sampled_from([READ, KEYED, UNKEYED]))
def test_a_providers_no_always_wins(outcome: Any, route: dict[str, Any]) -> None:
    if not outcome.is_transient:
        assert judge(outcome, **route) == PERMANENT
        assert not may_repeat(outcome, **route)
