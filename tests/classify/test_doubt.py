"""What may have been done before is never told as refused; a provider's no ends it."""

import json
from typing import Any

import pytest

from proxy.classify import Classifier
from proxy.providers import load
from proxy.terms import Answered, Effect, ErrorCode, Kind, RouteEffect
from tests.support.judging import judge


def told(status: int, document: object, *headers: tuple[bytes, bytes], **asked: Any) -> Answered:
    return judge(status, json.dumps(document), *headers, **asked)


DONE_BEFORE = [
    {"message": "Payment has already been processed"},
    {"message": "This payment was already made"},
    {"message": "Transaction reference number has already been used"},
    {"message": "merchantTxnId already used"},
    {"message": "Idempotency key already used"},
    {"code": "DUPLICATE", "message": "No."},
    {"code": "duplicate", "field": "reference"},
    {"code": "already_exists", "message": "A charge with this reference already exists"},
    {"message": "Duplicate reference"},
    {"code": "order_already_paid"},
]


@pytest.mark.parametrize("document", DONE_BEFORE, ids=json.dumps)
@pytest.mark.parametrize("status", [400, 422])
def test_what_speaks_of_something_done_before_leaves_a_payment_in_doubt(
    status: int, document: object
) -> None:
    assert told(status, document).effect is Effect.UNKNOWN
    assert told(status, document, effect=RouteEffect.READ).effect is Effect.NONE


@pytest.mark.parametrize(
    "document",
    [{"message": "Amount is required"}, {"message": "You are already logged out"}, {}],
    ids=json.dumps,
)
def test_what_does_not_is_refused(document: object) -> None:
    assert told(422, document).effect is Effect.NONE


@pytest.mark.parametrize(
    "document",
    [
        {"code": "timeout", "message": "The bank did not answer in time"},
        {"code": "service_unavailable"},
        {"code": "internal_error", "message": "Something went wrong"},
        {"type": "InternalServerError"},
    ],
    ids=json.dumps,
)
@pytest.mark.parametrize("status", [400, 403, 422])
def test_an_outage_in_the_words_of_a_refusal_leaves_a_payment_in_doubt(
    status: int, document: object
) -> None:
    assert told(status, document).effect is Effect.UNKNOWN
    assert not told(status, document).is_transient
    assert told(status, document, effect=RouteEffect.READ).effect is Effect.NONE


@pytest.mark.parametrize("document", DONE_BEFORE, ids=json.dumps)
def test_a_decline_that_speaks_of_a_duplicate_decides_nothing(document: object) -> None:
    answered = told(402, document)
    assert (answered.kind, answered.effect) == (Kind.DUPLICATE, Effect.UNKNOWN)
    assert answered.error_code is ErrorCode.DUPLICATE_TRANSACTION


def test_no_decline_is_told_where_the_outcome_is_unknown() -> None:
    done = told(400, {"code": "card_declined", "message": "Payment already processed"})
    assert (done.effect, done.error_code) == (Effect.UNKNOWN, ErrorCode.DUPLICATE_TRANSACTION)
    out = told(400, {"code": "insufficient_funds", "type": "processor_error"})
    assert (out.effect, out.error_code) == (Effect.UNKNOWN, ErrorCode.SERVICE_UNAVAILABLE)


def test_a_429_that_speaks_of_a_duplicate_is_not_waited_out() -> None:
    answered = told(429, {"message": "Duplicate request already submitted"})
    assert (answered.kind, answered.effect) == (Kind.THROTTLED, Effect.UNKNOWN)
    assert not answered.is_transient


@pytest.mark.parametrize("name", [b"Stripe-Should-Retry", b"X-Should-Retry", b"should-retry"])
@pytest.mark.parametrize("status", [429, 503])
def test_a_providers_no_always_wins_and_its_yes_licenses_nothing(name: bytes, status: int) -> None:
    assert told(status, {}).is_transient
    assert not told(status, {}, (name, b" False ")).is_transient
    assert not told(400, {}, (name, b"true")).is_transient


@pytest.mark.parametrize(
    "document",
    [
        {"status": "failed"},
        {"data": {"status": "FAILED"}},
        {"status": "success", "data": {"status": "failed"}},
    ],
    ids=json.dumps,
)
def test_a_charge_of_spotflow_that_failed_within_a_200_is_declined(document: object) -> None:
    spotflow = Classifier(load("spotflow"))
    answered = told(200, document, by=spotflow, operation="create_payment")
    assert (answered.kind, answered.effect) == (Kind.DECLINED, Effect.SETTLED)


@pytest.mark.parametrize(
    "document",
    [
        {"error": "Bad Request", "details": ["Duplicate transaction"]},
        {"message": "Invalid", "errors": [{"message": "Invalid"}, {"message": "Already paid"}]},
        ["Bad request", "This order is being processed"],
        {"message": "Invalid", "errors": [{}, "", 7, "Duplicate order"]},
        {"error": {"message": "Invalid", "errors": [{"title": "duplicate_reference"}]}},
    ],
)
def test_what_is_said_beside_the_fields_counts(document: object) -> None:
    assert told(400, document).effect is Effect.UNKNOWN
