"""The columns of contract section 5: what a route does, and what licenses a repeat."""

from dataclasses import dataclass
from typing import Any

from tests.support.raw import answer
from tests.support.sidecar import Reply, Sidecar, provider

OK = answer(200, b'{"id":"pay_1"}')
READ, IDEMPOTENT, PAYMENT = "GET", "PUT", "POST"
KEY = {"Idempotency-Key": "order-1"}


@dataclass(frozen=True)
class Column:
    """A kind of call: what the route does, and what licenses a repeat."""

    name: str
    method: str
    headers: dict[str, str]
    idempotency: dict[str, Any]


COLUMNS = (
    Column("read", READ, {}, {}),
    Column("idempotent", IDEMPOTENT, {}, {}),
    Column("keyed", PAYMENT, KEY, {"trusted": True}),
    Column("key_nobody_vouches_for", PAYMENT, KEY, {"header": "Idempotency-Key"}),
    Column("unkeyed", PAYMENT, {}, {"trusted": True}),
)
KEYED = next(column for column in COLUMNS if column.name == "keyed")

# Long enough that a busy machine answers in it, short enough to wait for.
SHORT = {"attempt": "400ms", "connect": "400ms", "tls": "50ms"}


def settings(port: int, column: Column, **more: Any) -> dict[str, Any]:
    return provider(
        port,
        **{
            "idempotency": column.idempotency,
            "breaker": {"min_requests": 1000},
            **more,
        },
    )


async def charge(proxy: Sidecar, column: Column) -> Reply:
    body = None if column.method == READ else b'{"amount":1}'
    return await proxy.ask(column.method, "/acme/payments/1", column.headers, body)
