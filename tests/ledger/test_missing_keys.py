"""A request without a key goes on without one, is given one, or is refused."""

from typing import Any

import pytest

from proxy.ledger import Keyed, KeyRule
from proxy.terms import Headers, Refusal, Refused, RouteEffect
from tests.ledger.keying import (
    ASSUMED,
    OTHERS,
    PAYPAL,
    RULES,
    SAME,
    SQUARE,
    Stream,
    keyed,
    run,
    sent,
)


@pytest.mark.parametrize(
    ("rule", "effect", "result"),
    [
        (SAME, RouteEffect.PAYMENT, "missing"),
        (SAME, RouteEffect.IDEMPOTENT, "none"),
        (SAME, RouteEffect.READ, "none"),
        (None, RouteEffect.PAYMENT, "none"),
    ],
)
def test_a_request_without_a_key_goes_on_as_it_came(
    rule: KeyRule | None, effect: RouteEffect, result: str
) -> None:
    assert keyed(OTHERS, b"x", rule, effect=effect) == Keyed(OTHERS, b"x", None, result)


@pytest.mark.parametrize("rule", RULES)
@pytest.mark.parametrize("generate", [True, False])
def test_a_payment_without_a_key_is_refused_where_one_is_required(
    rule: KeyRule | None,
    generate: bool,
) -> None:
    refused = run(OTHERS, rule=rule, require=True, generate=generate)
    assert refused == Refused(reason=Refusal.KEY_MISSING)


@pytest.mark.parametrize("effect", [RouteEffect.READ, RouteEffect.IDEMPOTENT])
def test_only_a_payment_needs_a_key(effect: RouteEffect) -> None:
    assert keyed(OTHERS, effect=effect, require=True).key is None


def test_a_stream_that_may_hold_the_key_is_refused_with_the_reason() -> None:
    refused = run(OTHERS, Stream(), SQUARE, require=True)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.KEY_MISSING
    assert refused.hint


@pytest.mark.parametrize(
    ("rule", "headers", "body"),
    [
        (SAME, (*OTHERS, (b"idempotency-key", b"gen-1")), b'{"a":1}'),
        (PAYPAL, (*OTHERS, (b"PayPal-Request-Id", b"gen-1")), b'{"a":1}'),
        (SQUARE, OTHERS, b'{"idempotency_key":"gen-1","a":1}'),
    ],
)
@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_generated_key_is_put_where_the_provider_reads_it(
    rule: KeyRule, headers: Headers, body: bytes, method: str
) -> None:
    result = keyed(OTHERS, b'{"a":1}', rule, generate=True, method=method)
    assert (result.headers, result.body, result.result) == (headers, body, "generated")
    assert result.key is not None
    assert result.key.is_generated
    assert result.key.value == "gen-1"


@pytest.mark.parametrize(
    "members",
    [
        {"rule": None},
        {"rule": ASSUMED},
        {"method": "PUT", "effect": RouteEffect.IDEMPOTENT},
        {"method": "FOO"},
        {"effect": RouteEffect.READ},
        {"new_id": lambda: "x" * 256},
    ],
)
def test_no_key_is_generated_where_it_would_promise_nothing(members: dict[str, Any]) -> None:
    result = keyed(OTHERS, generate=True, **members)
    assert result.key is None
    assert result.headers == OTHERS


def test_the_caller_s_key_is_never_replaced_by_a_generated_one() -> None:
    result = keyed(sent(b"k"), generate=True)
    assert result.key is not None
    assert not result.key.is_generated


@pytest.mark.parametrize("rule", RULES)
def test_a_read_takes_its_key_along_untouched(rule: KeyRule | None) -> None:
    headers = sent(b'"not a key')
    result = keyed(headers, b"x", rule, effect=RouteEffect.READ, generate=True, require=True)
    assert result == Keyed(headers, b"x", None, "none")
