"""What an answer means by the rules and codes of a profile."""

import pytest

from proxy.terms import (
    NO_FACTS,
    Effect,
    ErrorCode,
    Kind,
)
from tests.support.judging import acme, judge, meaning

# Rules and codes of a profile.


def test_a_code_of_the_table_gives_the_word_but_never_the_effect() -> None:
    by = acme()
    assert judge(400, '{"code":"e1"}', by=by).error_code is ErrorCode.INVALID_AMOUNT
    assert judge(400, '{"code":"E2"}', by=by).error_code is ErrorCode.INVALID_REQUEST
    assert judge(400, '{"code":"E3"}', by=by).error_code is ErrorCode.EXPIRED_CARD
    assert judge(503, '{"code":"E3"}', by=by).error_code is ErrorCode.SERVICE_UNAVAILABLE
    assert judge(402, '{"code":"E1"}', by=by).error_code is ErrorCode.PAYMENT_DECLINED
    assert judge(400, '{"code":"E3"}', by=by).effect is Effect.NONE
    assert judge(400, '{"code":"E4"}', by=by).effect is Effect.UNKNOWN


def test_only_listed_codes_are_known_letter_by_letter() -> None:
    by = acme("when: {code: [E9]}, then: {}")
    assert [by.knows_code(code) for code in ("E1", "E2", "E9", "e1", "", None)] == [
        True,
        True,
        True,
        False,
        False,
        False,
    ]


@pytest.mark.parametrize(
    ("when", "holds"),
    [
        ("status: 503", True),
        ("status: [500-502]", False),
        ("methods: POST", True),
        ("methods: [GET]", False),
        ("operations: pay", True),
        ("code: e1", True),
        ("code: E2", False),
        ("type: ['T']", True),
        ("type: [U]", False),
        ("message: 'full OF'", True),
        ("message: eels", False),
        ("headers: {X-Why: ^busy$}", True),
        ("headers: {X-Why: idle}", False),
        ("body: [{path: n, equals: [1, 2]}]", True),
        ("body: [{path: n, equals: ['1']}]", True),
        ("body: [{path: f, equals: 1.5}]", True),
        ("body: [{path: t, equals: true}]", True),
        ("body: [{path: u, equals: false}]", True),
        ("body: [{path: z, equals: [null]}]", True),
        ("body: [{path: s, equals: [DONE]}]", True),
        ("body: [{path: o, equals: [DONE]}]", False),
        ("body: [{path: s, matches: ^do}]", True),
        ("body: [{path: s, matches: xx}]", False),
        ("body: [{path: o, matches: x}]", False),
        ("body: [{path: s, present: true}, {path: n, present: true}]", True),
        ("body: [{path: z, present: true}]", False),
        ("body: [{path: u, present: false}, {path: e, present: false}]", True),
    ],
)
def test_a_rule_holds_where_all_it_asks_is_so(when: str, *, holds: bool) -> None:
    by = acme(f"when: {{{when}}}, then: {{error_code: paused}}")
    body = (
        '{"code":"E1","type":"t","message":"Full of it","n":1,"f":1.5,"t":true,"u":false,'
        '"z":null,"s":"Done","o":{"a":1},"e":""}'
    )
    answered = judge(503, body, (b"x-why", b"Busy"), by=by)
    assert (answered.error_code is ErrorCode.PAUSED) is holds


def test_the_first_rule_that_holds_wins() -> None:
    by = acme(
        "when: {status: 404, message: gone}, then: {error_code: resource_gone}",
        "when: {status: 404}, then: {error_code: not_supported}",
        "when: {status: 404}, then: {error_code: conflict}",
    )
    assert judge(404, '{"message":"gone"}', by=by).error_code is ErrorCode.RESOURCE_GONE
    assert judge(404, by=by).error_code is ErrorCode.NOT_SUPPORTED


@pytest.mark.parametrize(
    ("status", "then", "expected", "code"),
    [
        (423, "kind: throttled, error_code: resource_locked",
         (Kind.THROTTLED, Effect.NONE, True), ErrorCode.RESOURCE_LOCKED),
        (503, "kind: throttled", (Kind.THROTTLED, Effect.NONE, True), ErrorCode.RATE_LIMITED),
        (409, "kind: in_progress",
         (Kind.IN_PROGRESS, Effect.UNKNOWN, True), ErrorCode.IDEMPOTENCY_KEY_IN_USE),
        (409, "kind: duplicate",
         (Kind.DUPLICATE, Effect.UNKNOWN, False), ErrorCode.DUPLICATE_TRANSACTION),
        (409, "kind: duplicate, effect: settled, error_code: already_processed",
         (Kind.DUPLICATE, Effect.SETTLED, False), ErrorCode.ALREADY_PROCESSED),
        (400, "kind: declined", (Kind.DECLINED, Effect.SETTLED, False), ErrorCode.PAYMENT_DECLINED),
        (400, "error_code: duplicate_transaction",
         (Kind.REJECTED, Effect.UNKNOWN, False), ErrorCode.DUPLICATE_TRANSACTION),
        (400, "error_code: duplicate_transaction, effect: none",
         (Kind.REJECTED, Effect.NONE, False), ErrorCode.DUPLICATE_TRANSACTION),
        (500, "transient: false", (Kind.BROKEN, Effect.UNKNOWN, False),
         ErrorCode.INTERNAL_SERVER_ERROR),
        (520, "transient: true", (Kind.BROKEN, Effect.UNKNOWN, True), ErrorCode.BAD_GATEWAY),
        (500, "kind: rejected, effect: none", (Kind.REJECTED, Effect.NONE, False),
         ErrorCode.INTERNAL_SERVER_ERROR),
        (503, "kind: broken", (Kind.BROKEN, Effect.UNKNOWN, True), ErrorCode.SERVICE_UNAVAILABLE),
        (429, "kind: rejected", (Kind.REJECTED, Effect.NONE, False), ErrorCode.RATE_LIMITED),
    ],
)  # fmt: skip
def test_a_documented_rule_says_what_an_answer_means(
    status: int, then: str, expected: tuple[Kind, Effect, bool], code: ErrorCode
) -> None:
    answered = judge(status, by=acme(f"when: {{status: {status}}}, then: {{{then}}}"))
    assert meaning(answered) == expected
    assert answered.error_code is code


def test_an_error_inside_a_2xx_is_one_for_the_operation_it_was_written_for() -> None:
    by = acme(
        "embedded: true, when: {operations: pay, methods: POST, body: [{path: s, equals: bad}]},"
        " then: {kind: declined, effect: settled}",
        "embedded: true, when: {operations: pay, body: [{path: s, equals: odd}]},"
        " then: {kind: rejected, effect: none}",
        "embedded: true, when: {operations: pay, message: lost, body: [{path: s, equals: x}]},"
        " then: {kind: broken, effect: unknown}",
    )
    assert by.reads_success("pay", "POST")
    assert not by.reads_success("refund", "POST")
    assert not by.reads_success("", "GET")
    declined = judge(200, '{"s":"bad","message":"Insufficient funds"}', by=by)
    assert meaning(declined) == (Kind.DECLINED, Effect.SETTLED, False)
    assert declined.error_code is ErrorCode.INSUFFICIENT_FUNDS
    assert declined.is_embedded
    assert judge(200, '{"s":"bad"}', by=by).error_code is ErrorCode.PAYMENT_DECLINED
    odd = judge(201, '{"s":"odd","message":"no such order"}', by=by)
    assert odd.error_code is ErrorCode.RESOURCE_NOT_FOUND
    assert judge(200, '{"s":"odd"}', by=by).error_code is ErrorCode.UNKNOWN_ERROR
    lost = judge(200, '{"s":"x","message":"lost"}', by=by)
    assert meaning(lost) == (Kind.BROKEN, Effect.UNKNOWN, False)
    for answered in (
        judge(200, '{"s":"x","message":"found"}', by=by),
        judge(200, '{"s":"fine"}', by=by),
        judge(200, "<html>", by=by),
        judge(200, '{"s":"bad"}', by=by, operation="refund"),
        judge(302, "", by=by),
    ):
        assert answered.kind is Kind.OK
        assert answered.facts is NO_FACTS
    assert judge(400, '{"s":"bad"}', by=by).kind is Kind.REJECTED


def test_a_code_in_other_capitals_is_mapped_and_no_label() -> None:
    by = acme("when: {code: [E9]}, then: {}")
    assert [by.maps_code(code) for code in ("e1", "E9", "E0")] == [True, True, False]
    assert not by.knows_code("e1")
