"""The outcome word: every combination has one, and none of them hides money that may have moved."""

from itertools import product

import pytest

from proxy.normalise import OutcomeWord, word_for, words_of
from proxy.normalise.words import SETTLED
from proxy.terms import (
    Answered,
    Delivery,
    Effect,
    ErrorCode,
    Failed,
    Kind,
    Outcome,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
)
from tests.support import make
from tests.support.make import answer


def _answered(kind: Kind, effect: Effect, delivery: Delivery = Delivery.COMPLETE) -> Answered:
    code = None if kind is Kind.OK else ErrorCode.UNKNOWN_ERROR
    return Answered(
        answer=answer(400), kind=kind, error_code=code, effect=effect, delivery=delivery
    )


def _failed(effect: Effect, delivery: Delivery) -> Failed:
    return Failed(reason=ProxyError.HTTP_RESPONSE_TIMEOUT, effect=effect, delivery=delivery)


def _refused(effect: Effect, delivery: Delivery) -> Refused:
    return Refused(reason=Refusal.CIRCUIT_OPEN, effect=effect, delivery=delivery)


EVERY: list[Outcome] = [
    make
    for effect, delivery in product(Effect, Delivery)
    for make in (
        *(_answered(kind, effect, delivery) for kind in Kind),
        _failed(effect, delivery),
        _refused(effect, delivery),
    )
]
WRITES = [RouteEffect.PAYMENT, RouteEffect.IDEMPOTENT]


def test_every_kind_of_decision_has_its_word() -> None:
    assert set(SETTLED) == set(Kind)


@pytest.mark.item(9)
@pytest.mark.parametrize("route", RouteEffect)
def test_every_combination_has_a_word(route: RouteEffect) -> None:
    for outcome in EVERY:
        assert word_for(outcome, effect=route) in OutcomeWord


@pytest.mark.parametrize("route", WRITES)
def test_an_unknown_effect_is_unknown_whatever_came_last(route: RouteEffect) -> None:
    for outcome in EVERY:
        if outcome.effect is Effect.UNKNOWN:
            assert word_for(outcome, effect=route) is OutcomeWord.UNKNOWN


def test_a_read_that_failed_is_never_told_as_unknown() -> None:
    for outcome in EVERY:
        word = word_for(outcome, effect=RouteEffect.READ)
        assert word is not OutcomeWord.UNKNOWN
        if outcome.effect is not Effect.SETTLED:
            sent = outcome.delivery is not Delivery.NONE
            assert word is (OutcomeWord.REJECTED if sent else OutcomeWord.NOT_SENT)


@pytest.mark.item(9)
@pytest.mark.parametrize(
    ("outcome", "word"),
    [
        (_failed(Effect.NONE, Delivery.NONE), OutcomeWord.NOT_SENT),
        (_refused(Effect.NONE, Delivery.NONE), OutcomeWord.NOT_SENT),
        (_refused(Effect.NONE, Delivery.COMPLETE), OutcomeWord.REJECTED),
        (_refused(Effect.UNKNOWN, Delivery.COMPLETE), OutcomeWord.UNKNOWN),
        (_refused(Effect.UNKNOWN, Delivery.NONE), OutcomeWord.UNKNOWN),
        (_failed(Effect.SETTLED, Delivery.COMPLETE), OutcomeWord.UNKNOWN),
        (_answered(Kind.REJECTED, Effect.NONE), OutcomeWord.REJECTED),
        (_answered(Kind.THROTTLED, Effect.NONE), OutcomeWord.REJECTED),
        (_answered(Kind.BROKEN, Effect.NONE), OutcomeWord.REJECTED),
        (_answered(Kind.DUPLICATE, Effect.UNKNOWN), OutcomeWord.UNKNOWN),
        (_answered(Kind.DECLINED, Effect.UNKNOWN), OutcomeWord.UNKNOWN),
        (_answered(Kind.DECLINED, Effect.SETTLED), OutcomeWord.DECLINED),
        (_answered(Kind.DUPLICATE, Effect.SETTLED), OutcomeWord.SUCCEEDED),
        (_answered(Kind.REJECTED, Effect.SETTLED), OutcomeWord.REJECTED),
        (_answered(Kind.BROKEN, Effect.SETTLED), OutcomeWord.UNKNOWN),
        (_answered(Kind.DECLINED, Effect.SETTLED, Delivery.NONE), OutcomeWord.DECLINED),
    ],
)
def test_a_payment_is_told_what_became_of_it(outcome: Outcome, word: OutcomeWord) -> None:
    assert word_for(outcome, effect=RouteEffect.PAYMENT) is word


def test_the_words_for_the_metrics_are_those_of_the_envelope() -> None:
    assert words_of(make.ok(), effect=RouteEffect.PAYMENT) == ("none", "none")
    lost = make.lost(ProxyError.HTTP_RESPONSE_TIMEOUT)
    assert words_of(lost, effect=RouteEffect.PAYMENT) == (ErrorCode.GATEWAY_TIMEOUT, "unknown")
    assert words_of(lost, effect=RouteEffect.READ) == (ErrorCode.GATEWAY_TIMEOUT, "rejected")
