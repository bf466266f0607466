"""One envelope for every outcome, with exactly the members of contract section 4."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.normalise import (
    Envelope,
    OutcomeWord,
    accepts_problem,
    encode,
    encode_problem,
    envelope_for,
)
from proxy.terms import (
    Detail,
    Effect,
    ErrorCode,
    Facts,
    Kind,
    Outcome,
    ProxyError,
    Refusal,
    RouteEffect,
)
from tests.support.make import broken, lost, not_sent, refused, rejected, throttled

MEMBERS = {
    "error_code",
    "error_type",
    "message",
    "details",
    "trace_id",
    "request_id",
    "origin",
    "outcome",
    "outcome_id",
    "retryable",
    "retry_after",
    "attempts",
    "provider",
}
PROVIDER_MEMBERS = {
    "name",
    "status",
    "code",
    "type",
    "message",
    "span_id",
    "reference",
    "body",
}


def envelope(outcome: Outcome, **members: Any) -> Envelope:
    base: dict[str, Any] = {
        "provider": "acme",
        "effect": RouteEffect.PAYMENT,
        "request_id": "req_1",
        "include_body": True,
    }
    return envelope_for(outcome, **(base | members))


def decoded(outcome: Outcome, **members: Any) -> dict[str, Any]:
    document = json.loads(encode(envelope(outcome, **members)))
    assert isinstance(document, dict)
    return document


DECLINE = rejected(
    402,
    kind=Kind.DECLINED,
    error_code=ErrorCode.INSUFFICIENT_FUNDS,
    effect=Effect.SETTLED,
    facts=Facts(
        code="51",
        type="card_error",
        message="Not enough money",
        details=(Detail("amount", "too high"),),
        trace_id="tr_1",
        span_id="sp_1",
        reference="pay_1",
        document={"code": "51"},
    ),
)


@pytest.mark.item(72)
def test_a_decline_is_told_in_full() -> None:
    assert decoded(DECLINE) == {
        "error_code": "insufficient_funds",
        "error_type": "declined",
        "message": "Not enough money",
        "details": [{"field": "amount", "description": "too high"}],
        "trace_id": "tr_1",
        "request_id": "req_1",
        "origin": "provider",
        "outcome": "declined",
        "outcome_id": None,
        "retryable": False,
        "retry_after": None,
        "attempts": 1,
        "provider": {
            "name": "acme",
            "status": 402,
            "code": "51",
            "type": "card_error",
            "message": "Not enough money",
            "span_id": "sp_1",
            "reference": "pay_1",
            "body": {"code": "51"},
        },
    }


@pytest.mark.item(71)
@pytest.mark.parametrize("outcome", [DECLINE, broken(), throttled(), lost(), not_sent(), refused()])
def test_the_members_are_the_contract_s_and_in_its_order(outcome: Outcome) -> None:
    document = decoded(outcome)
    assert set(document) == MEMBERS
    assert set(document["provider"]) == PROVIDER_MEMBERS
    assert document["message"]


def test_a_keyed_payment_that_timed_out_and_met_an_open_circuit_is_unknown() -> None:
    document = decoded(refused(effect=Effect.UNKNOWN, attempts=1, outcome_id="out_1"))
    assert document["error_code"] == "circuit_open"
    assert document["outcome"] == OutcomeWord.UNKNOWN
    assert document["outcome_id"] == "out_1"
    assert document["origin"] == "proxy"
    assert envelope(refused()).status == 503


@pytest.mark.item(72)
def test_a_provider_s_403_that_means_unprocessable_becomes_400_and_keeps_its_status() -> None:
    made = envelope(rejected(403))
    assert made.status == 400
    assert made.provider.status == 403


def test_an_answer_that_was_cut_shows_the_status_it_began_with() -> None:
    made = envelope(lost(ProxyError.HTTP_RESPONSE_INCOMPLETE, status=200))
    assert (made.status, made.provider.status) == (502, 200)


def test_a_refusal_says_its_hint_or_else_its_default() -> None:
    assert envelope(refused(Refusal.MALFORMED, hint="no dots")).message == "no dots"
    assert envelope(refused(Refusal.TARGET_TOO_LONG)).status == 414
    assert "too long" in envelope(refused(Refusal.TARGET_TOO_LONG)).message


def test_where_no_provider_was_found_its_name_is_null() -> None:
    assert decoded(refused(Refusal.NO_PROVIDER), provider=None)["provider"]["name"] is None


def test_what_the_provider_said_is_the_message_and_ours_where_it_said_nothing() -> None:
    assert decoded(broken(facts=Facts(message="Sorry.")))["message"] == "Sorry."
    document = decoded(broken(facts=Facts()))
    assert document["message"] == "The service is not available at the moment."
    assert document["provider"]["message"] is None


@pytest.mark.parametrize(
    ("retryable", "seconds", "said"),
    [
        (True, 1.2, 2),
        (True, 3.0, 3),
        (True, 0.0, 0),
        (True, -4.0, 0),
        (True, None, None),
        (True, float("inf"), None),
        (True, float("nan"), None),
        (False, 3.0, None),
    ],
)
def test_retry_after_is_whole_seconds_and_stands_only_where_retryable(
    retryable: bool,
    seconds: float | None,
    said: int | None,
) -> None:
    outcome = throttled(is_retryable=retryable, retry_after_s=seconds)
    assert envelope(outcome).retry_after == said


def test_the_provider_s_body_is_left_out_where_that_is_set() -> None:
    assert decoded(DECLINE, include_body=False)["provider"]["body"] is None


@pytest.mark.parametrize(
    ("document", "is_kept"),
    [
        ({"a": "x" * 60_000}, True),
        ({"a": "x" * 65_536}, False),
        ({"a": float("inf")}, False),
        ({"a": float("nan")}, False),
        ([], True),
        (False, True),
        (None, False),
    ],
)
def test_the_provider_s_body_is_handed_on_whole_or_not_at_all(
    document: object,
    is_kept: bool,
) -> None:
    body = decoded(rejected(facts=Facts(document=document)))["provider"]["body"]
    assert body == (document if is_kept else None)


def test_a_body_nested_deeper_than_python_can_follow_is_left_out() -> None:
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    try:
        assert envelope(rejected(facts=Facts(document=deep))).provider.body is None
    finally:
        while deep:  # or freeing it would recurse
            deep = deep.pop()  # type: ignore[assignment]


def test_a_lone_surrogate_does_not_stop_the_answer() -> None:
    facts = Facts(message="bad \ud800", code="\udfff", document={"\ud800": "\udc00"})
    document = decoded(rejected(facts=facts))
    assert document["message"] == "bad ?"
    assert document["provider"]["code"] == "?"
    assert document["provider"]["body"] == {"?": "?"}


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=8,
)


@given(st.builds(Facts, code=st.none() | st.text(), message=st.text(), document=JSON))
def test_whatever_the_provider_says_the_envelope_is_strict_json(facts: Facts) -> None:
    made = envelope(rejected(facts=facts))

    def refuse(constant: str) -> None:
        raise AssertionError(constant)

    document = json.loads(encode(made).decode(), parse_constant=refuse)
    assert set(document) == MEMBERS
    assert json.loads(encode_problem(made))["detail"] == document["message"]


@pytest.mark.item(70)
def test_a_problem_has_the_members_of_rfc_9457_beside_ours() -> None:
    made = replace(envelope(DECLINE), request_id="req 1/ü")
    problem = json.loads(encode_problem(made))
    assert set(problem) == MEMBERS | {"type", "title", "status", "detail", "instance"}
    assert problem["type"] == "urn:paysluice:error:insufficient_funds"
    assert problem["title"] == "The payment was declined: insufficient funds."
    assert problem["status"] == 402
    assert problem["detail"] == "Not enough money"
    assert problem["instance"] == "urn:paysluice:request:req%201%2F%C3%BC"


@pytest.mark.item(70)
@pytest.mark.parametrize(
    ("accept", "accepted"),
    [
        ([], False),
        ([b"*/*"], False),
        ([b"application/*"], False),
        ([b"application/json"], False),
        ([b"application/problem+json"], True),
        ([b"Application/Problem+JSON"], True),
        ([b"application/json, application/problem+json;q=0.5"], True),
        ([b"text/html", b"application/problem+json ; charset=utf-8 ; q=1"], True),
        ([b"application/problem+json;Q=1.000"], True),
        ([b"application/problem+json;q=0"], False),
        ([b"application/problem+json; q=0.000"], False),
        ([b"application/problem+json;q="], False),
        ([b"application/problem+json;q=high"], False),
        ([b"application/problem+jsonx"], False),
    ],
)
def test_a_problem_document_is_for_who_asks_for_it(
    accept: list[bytes],
    accepted: bool,
) -> None:
    headers = tuple((b"Accept", value) for value in accept)
    assert accepts_problem(headers) is accepted
