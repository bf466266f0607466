"""Requests with a key, the rules of some providers, and what `apply` makes of them."""

from typing import Any

from proxy.ledger import Keyed, KeyRule, apply
from proxy.terms import Headers, Refusal, Refused, RouteEffect, StreamEnd

SAME = KeyRule("header", "idempotency-key", is_honoured=True, covers_failures=True, ttl_s=60)
PAYPAL = KeyRule("header", "PayPal-Request-Id", is_honoured=True, covers_failures=False)
SQUARE = KeyRule("body", "idempotency_key", is_honoured=True, covers_failures=True)
ASSUMED = KeyRule("header", "X-Key", is_honoured=False, covers_failures=False)
RULES = [None, SAME, PAYPAL, SQUARE, ASSUMED]


class Stream:
    length = None

    async def read(self) -> bytes | StreamEnd:
        return StreamEnd.WHOLE


def run(
    headers: Headers = (), body: Any = b'{"amount":1}', rule: KeyRule | None = SAME, **members: Any
) -> Keyed | Refused:
    base: dict[str, Any] = {
        "effect": RouteEffect.PAYMENT,
        "method": "POST",
        "require": False,
        "generate": False,
        "now": 1000.0,
        "new_id": lambda: "gen-1",
    }
    return apply(headers, body, rule=rule, **(base | members))


def keyed(*given: Any, **members: Any) -> Keyed:
    result = run(*given, **members)
    assert isinstance(result, Keyed)
    return result


def hint(*given: Any, **members: Any) -> str:
    result = run(*given, **members)
    assert isinstance(result, Refused)
    assert result.reason is Refusal.MALFORMED
    assert result.hint
    return result.hint


def sent(value: bytes, name: bytes = b"Idempotency-Key") -> Headers:
    return ((b"A", b"1"), (name, value), (b"B", b"2"))


OTHERS = ((b"A", b"1"), (b"B", b"2"))
