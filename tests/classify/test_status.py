"""What an answer means by its status and by hints: contract sections 4 and 5."""

import re

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from proxy.classify import ERROR_CODES
from proxy.classify.phrases import TEXT_HINTS
from proxy.classify.status import MEANINGS
from proxy.classify.words import CODE_HINTS, VAGUE_HINTS, Hint
from proxy.terms import (
    CODES,
    NO_FACTS,
    Delivery,
    Effect,
    ErrorCode,
    ErrorType,
    Kind,
    RouteEffect,
)
from tests.support.judging import judge, meaning

# The status alone.


def test_the_tables_of_statuses_are_total() -> None:
    assert set(ERROR_CODES) == set(MEANINGS) == set(range(400, 600))


@pytest.mark.parametrize("status", range(400, 600))
def test_a_status_alone_means_what_the_contract_says(status: int) -> None:
    refused = {400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 421, 422, 425, 428, 429, 431}
    answered = judge(status)
    expected = Effect.UNKNOWN
    if status in refused:
        expected = Effect.NONE
    elif status == 402:
        expected = Effect.SETTLED
    assert answered.effect is expected
    assert answered.is_transient is (status in {408, 425, 429, 500, 502, 503, 504})
    assert (answered.kind is Kind.THROTTLED) is (status in {425, 429})
    assert (answered.kind is Kind.DECLINED) is (status == 402)
    assert (answered.kind is Kind.BROKEN) is (status == 408 or status >= 500)
    assert answered.error_code is ERROR_CODES[status]
    assert (answered.attempts, answered.delivery) == (1, Delivery.COMPLETE)


@pytest.mark.parametrize("status", [200, 201, 202, 204, 299, 301, 302, 304, 399])
def test_what_is_no_error_settles_and_nothing_is_read_of_it(status: int) -> None:
    answered = judge(status, '{"error":{"code":"card_declined"}}')
    assert meaning(answered) == (Kind.OK, Effect.SETTLED, False)
    assert answered.error_code is None
    assert answered.facts is NO_FACTS


@pytest.mark.parametrize("status", [100, 101, 199, 600, 999])
def test_a_status_that_is_none_leaves_the_outcome_open(status: int) -> None:
    answered = judge(status)
    assert meaning(answered) == (Kind.BROKEN, Effect.UNKNOWN, False)
    assert answered.error_code is ErrorCode.MALFORMED_RESPONSE


@pytest.mark.parametrize("status", range(400, 600))
def test_a_read_never_leaves_anything_open(status: int) -> None:
    assert judge(status, effect=RouteEffect.READ).effect is not Effect.UNKNOWN
    expected = judge(status).effect
    assert judge(status, effect=RouteEffect.IDEMPOTENT).effect is expected


# Hints.


@pytest.mark.parametrize(
    ("status", "body", "code"),
    [
        (400, '{"code":"rate_limit"}', ErrorCode.RATE_LIMITED),
        (400, '{"code":"CARD_EXPIRED"}', ErrorCode.EXPIRED_CARD),
        (400, '{"code":"InvalidAccessToken"}', ErrorCode.UNAUTHORIZED_REQUEST),
        (422, '{"message":"Record not found"}', ErrorCode.RESOURCE_NOT_FOUND),
        (402, '{"code":"insufficient_funds"}', ErrorCode.INSUFFICIENT_FUNDS),
        (402, '{"message":"Insufficient funds"}', ErrorCode.INSUFFICIENT_FUNDS),
        (402, '{"code":"not_found"}', ErrorCode.PAYMENT_DECLINED),
        (403, '{"message":"Account is disabled"}', ErrorCode.ACCOUNT_DISABLED),
        (404, '{"code":"invalid_token"}', ErrorCode.UNAUTHORIZED_REQUEST),
        (404, '{"code":"card_declined"}', ErrorCode.RESOURCE_NOT_FOUND),
        (408, '{"code":"TIMEOUT"}', ErrorCode.GATEWAY_TIMEOUT),
        (409, '{"code":"card_declined"}', ErrorCode.CONFLICT),
        (429, '{"code":"lock_timeout"}', ErrorCode.RATE_LIMITED),
        (500, '{"code":"card_declined"}', ErrorCode.INTERNAL_SERVER_ERROR),
        (500, '{"errorType":"validation"}', ErrorCode.INVALID_REQUEST),
        (502, '{"reason":"SERVER_TIMEOUT"}', ErrorCode.GATEWAY_TIMEOUT),
        (422, '{"errors":{"a":["odd"]}}', ErrorCode.INVALID_FIELD_VALUE),
        (418, '{"message":"Record not found"}', ErrorCode.INVALID_REQUEST),
        (424, '{"code":"rate_limit"}', ErrorCode.INVALID_REQUEST),
    ],
)  # fmt: skip
def test_a_hint_changes_the_word_and_nothing_else(status: int, body: str, code: ErrorCode) -> None:
    answered = judge(status, body)
    assert answered.error_code is code
    assert meaning(answered) == meaning(judge(status))


@pytest.mark.parametrize(
    "body",
    [
        '{"code":"duplicate_reference"}',
        '{"code":"charge_already_refunded"}',
        '{"code":"PREVIOUS_REQUEST_IN_PROGRESS"}',
        '{"message":"Order ID is duplicated"}',
    ],
)
@pytest.mark.parametrize("status", [400, 409, 422])
def test_what_may_have_been_done_before_leaves_the_outcome_open(status: int, body: str) -> None:
    assert meaning(judge(status, body)) == (Kind.REJECTED, Effect.UNKNOWN, False)
    assert judge(status, body, effect=RouteEffect.READ).effect is Effect.NONE


def test_the_text_of_an_edge_page_licenses_nothing() -> None:
    for body in ("no healthy upstream", "<html><h1>503</h1>No server is available", "rate limit"):
        assert meaning(judge(503, body)) == (Kind.BROKEN, Effect.UNKNOWN, True)
        assert meaning(judge(520, body)) == (Kind.BROKEN, Effect.UNKNOWN, False)


HINTS = [*CODE_HINTS, *VAGUE_HINTS, *TEXT_HINTS]


@pytest.mark.parametrize("hint", HINTS, ids=lambda hint: hint.pattern.pattern[:30])
@settings(max_examples=30, suppress_health_check=[HealthCheck.too_slow])
@given(data=st.data())
def test_no_hint_is_missed_for_its_needles(hint: Hint, data: st.DataObject) -> None:
    text = data.draw(st.from_regex(re.compile(hint.pattern.pattern, re.ASCII)))
    assert hint.pattern.search(text) is None or any(needle in text for needle in hint.needles)


def test_every_error_code_of_a_table_is_one_of_the_contract() -> None:
    assert set(ERROR_CODES.values()) | {hint.code for hint in HINTS} <= set(CODES)
    assert all(isinstance(code.type, ErrorType) for code in CODES)
