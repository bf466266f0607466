"""Random faults, random callers: the simulated provider never charges a payment twice."""

import asyncio
import json
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.support.sidecar import FAST, Sidecar, sidecar

FAULTS = (
    "none",
    "charge_then_drop",
    "close_before_read",
    "close_mid_answer",
    "truncated_json",
    "charge_then_hang",
    "hang",
    "429",
    "500_html",
    "502_html",
    "503",
    "500_charged",
    "error_in_200",
    "decline",
    "409_in_progress",
    "400",
    "401",
    "404",
)
MAX_REPEATS = 2  # how often a caller obeys `retryable: true`


@dataclass(frozen=True)
class Payment:
    """One payment of a caller: what befalls its requests, in order, and whether it has a key."""

    faults: tuple[str, ...]
    is_keyed: bool


@dataclass(frozen=True)
class Told:
    """What a caller was told of one call, and the provider's charges before and after it."""

    outcome: str
    is_retryable: bool
    before: int
    after: int


payments = st.builds(
    Payment, st.lists(st.sampled_from(FAULTS), min_size=1, max_size=4).map(tuple), st.booleans()
)
CONFIG = {
    "sim": {
        "profile": "sim",
        "base_url": "simulator",
        "retry": FAST | {"max_attempts": 3},
        "timeouts": {"attempt": "60ms", "total": "2s"},
        "breaker": {"min_requests": 1000},
    }
}


def charged(proxy: Sidecar, reference: str) -> int:
    """Count the charges that the provider made for a payment."""
    assert proxy.app.simulator is not None
    return sum(record.order.reference == reference for record in proxy.app.simulator.charges)


async def pay(proxy: Sidecar, payment: Payment, reference: str) -> list[Told]:
    """Pay as a careful caller does: the same request again, but only where it may be repeated."""
    headers = {"Sim-Fault": ", ".join(payment.faults), "Sim-Script-Id": reference}
    if payment.is_keyed:
        headers["Idempotency-Key"] = reference
    body = json.dumps({"amount": 100, "currency": "EUR", "reference": reference}).encode()
    told: list[Told] = []
    while len(told) <= MAX_REPEATS and (not told or told[-1].is_retryable):
        before = charged(proxy, reference)
        reply = await proxy.ask("POST", "/sim/payments", headers, body)
        told.append(
            Told(
                outcome=reply.header("Paysluice-Outcome") or "success",
                is_retryable=reply.header("Paysluice-Retryable") == "true",
                before=before,
                after=charged(proxy, reference),
            )
        )
    return told


@settings(
    max_examples=60,
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
    print_blob=True,
)
@given(st.lists(payments, min_size=1, max_size=6))
async def test_no_payment_is_ever_charged_twice(scripts: list[Payment]) -> None:
    async with sidecar(CONFIG) as proxy:
        everything = await asyncio.gather(
            *(pay(proxy, payment, f"order-{n}") for n, payment in enumerate(scripts))
        )
    for payment, told in zip(scripts, everything, strict=True):
        assert told[-1].after <= 1, (payment, told)
        for call in told:
            match call.outcome:
                case "not_sent" | "rejected":
                    assert call.after == call.before, (payment, told)
                case "declined":
                    assert call.after == 0, (payment, told)
                case "success" | "succeeded":
                    assert call.after == 1, (payment, told)
                case word:
                    assert word == "unknown", (payment, told)
