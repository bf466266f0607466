"""Charged, and the answer lost: found out by asking the provider, and by its webhook."""

import asyncio
import hmac
import json
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import caller, head
from tests.support.payments import Till, till
from tests.support.sidecar import read_reply

SECRET = "whsec_sim"
ASKING = {"outcomes": {"every": "40ms"}}
TOLD = {"outcomes": {"lookup": "off"}, "webhook": {"secret": SECRET}}
OPEN = {"webhooks": "127.0.0.1:0"}


async def deliver(here: Till, body: bytes, signature: str | None, name: str = "acme") -> int:
    """Send a webhook as the provider would."""
    assert here.proxy.app._settling is not None
    port = here.proxy.app._settling.port
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    signed = f"Sim-Signature: {signature}\r\n" if signature is not None else ""
    head = f"POST /webhooks/{name} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n{signed}"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    data = await reader.read()
    writer.close()
    return read_reply(data).status


async def event(here: Till, reference: str) -> tuple[bytes, str]:
    """Give the webhook of a payment, as the simulated provider signs it."""
    reply = here.sim._control.view(
        "GET", "/_sim/events", {"reference": reference}, int(here.sim._clock.wall())
    )
    assert reply is not None
    told = json.loads(reply.body)
    return told["body"].encode(), told["signature"]


async def asked_again(here: Till) -> None:
    """Wait until the provider was asked twice more."""
    before = len(here.sim.requests)
    async with asyncio.timeout(5):
        while len(here.sim.requests) < before + 2:  # noqa: ASYNC110 - it is another's to tell
            await asyncio.sleep(0.02)


def signed(body: bytes, at: int, secret: str = SECRET) -> str:
    digest = hmac.digest(secret.encode(), f"{at}.".encode() + body, "sha256").hex()
    return f"t={at},v1={digest}"


async def became(here: Till, outcome_id: str) -> Any:
    return (await here.outcome(outcome_id, "5s")).json["outcome"]


@pytest.mark.parametrize("mode", ["emulate", "off"])
async def test_a_lost_answer_is_found_by_asking(tmp_path: Path, mode: str) -> None:
    async with till(tmp_path, keys={"mode": mode}, **ASKING) as here:
        lost = await here.pay("order-1", "charge_then_drop; none")
        assert lost.json["outcome"] == "unknown"
        assert await became(here, lost.json["outcome_id"]) == "succeeded"
        shown = await here.proxy.app._outcomes.shown(lost.json["outcome_id"])
        assert shown is not None
        (told,) = shown["evidence"]
        assert (told["by"], told["said"]) == ("lookup", "succeeded")
        assert "profile sim, version 1" in told["note"]
        assert (shown["amount"], shown["currency"], shown["reference"]) == (
            "10.5",
            "EUR",
            "order-1",
        )
        label = 'as="succeeded",by="lookup",provider="acme"'
        assert f"paysluice_outcomes_settled_total{{{label}}} 1.0" in here.proxy.metrics()
        if mode == "emulate":
            again = await here.pay("order-1", "charge_then_drop; none")
            assert again.header("Paysluice-Error-Code") == "already_processed"
            assert again.header("Paysluice-Outcome") == "succeeded"
        assert here.charges == 1


async def test_not_found_settles_nothing_and_is_asked_again(tmp_path: Path) -> None:
    async with till(tmp_path, **ASKING) as here:
        lost = await here.pay("order-1", "hang")
        await asked_again(here)
        told = await here.outcome(lost.json["outcome_id"])
        assert told.json["outcome"] == "unknown"
        # The provider comes to it later, by another way.
        body = b'{"amount": 1050, "currency": "EUR", "reference": "order-1"}'
        fields = "Content-Type: application/json", f"Content-Length: {len(body)}"
        async with caller(here.sim.port) as elsewhere:
            await elsewhere.send(head("POST /payments HTTP/1.1", *fields) + body)
            assert (await elsewhere.answer()).status == 200
        assert await became(here, lost.json["outcome_id"]) == "succeeded"


async def test_two_payments_with_one_reference_are_left_to_a_person(tmp_path: Path) -> None:
    async with till(tmp_path, **ASKING) as here:
        await here.pay("other", reference="order-1")
        lost = await here.pay("order-1", "charge_then_drop", reference="order-1")
        await asked_again(here)
        told = await here.outcome(lost.json["outcome_id"])
        assert told.json["outcome"] == "unknown"


async def test_a_lost_answer_is_told_by_the_webhook(tmp_path: Path) -> None:
    async with till(tmp_path, admin=OPEN, **TOLD) as here:
        lost = await here.pay("order-1", "charge_then_drop")
        body, signature = await event(here, "order-1")
        assert await deliver(here, body, signature) == 200
        assert await became(here, lost.json["outcome_id"]) == "succeeded"
        assert await deliver(here, body, signature) == 200
        shown = await here.proxy.app._outcomes.shown(lost.json["outcome_id"])
        assert shown is not None
        (told,) = shown["evidence"]
        assert told["by"] == "webhook"
        metrics = here.proxy.metrics()
        assert 'paysluice_webhooks_total{provider="acme",result="settled"} 1.0' in metrics
        assert 'paysluice_webhooks_total{provider="acme",result="repeated"} 1.0' in metrics


async def test_a_webhook_that_is_not_the_providers_changes_nothing(tmp_path: Path) -> None:
    async with till(tmp_path, admin=OPEN, **TOLD) as here:
        lost = await here.pay("order-1", "charge_then_drop")
        body, signature = await event(here, "order-1")
        now = int(here.sim._clock.wall())
        for wrong in (
            None,
            "",
            "nonsense",
            signature[:-1] + ("0" if signature[-1] != "0" else "1"),
            signed(body, now, "whsec_other"),
            signed(body, now - 301),
            signed(body, now + 301),
        ):
            assert await deliver(here, body, wrong) == 401
        assert await deliver(here, body + b" ", signature) == 401
        assert await deliver(here, body, signature, name="nobody") == 401
        told = await here.outcome(lost.json["outcome_id"])
        assert told.json["outcome"] == "unknown"
        metrics = here.proxy.metrics()
        assert 'paysluice_webhooks_total{provider="acme",result="unsigned"} 6.0' in metrics
        assert 'paysluice_webhooks_total{provider="acme",result="stale"} 2.0' in metrics


async def test_a_webhook_of_another_amount_or_state_is_ignored(tmp_path: Path) -> None:
    async with till(tmp_path, admin=OPEN, **TOLD) as here:
        lost = await here.pay("order-1", "charge_then_drop")
        body, _ = await event(here, "order-1")
        now = int(here.sim._clock.wall())
        for number, change in enumerate(
            ({"amount": 1}, {"currency": "USD"}, {"status": "pending"}, {"created": now - 1000})
        ):
            document = json.loads(body)
            document["id"] = f"evt_{number}"
            document["payment"] |= change
            changed = json.dumps(document).encode()
            assert await deliver(here, changed, signed(changed, now)) == 200
        for strange in (b"", b"[]", b"{", b"null", b'{"id": "x", "payment": [1, 2]}'):
            assert await deliver(here, strange, signed(strange, now)) in {200, 400}
        told = await here.outcome(lost.json["outcome_id"])
        assert told.json["outcome"] == "unknown"


async def test_a_webhook_against_what_is_recorded_is_counted_and_kept(tmp_path: Path) -> None:
    async with till(tmp_path, admin=OPEN, **TOLD) as here:
        lost = await here.pay("order-1", "charge_then_drop")
        outcomes = here.proxy.app._outcomes
        assert await outcomes.resolve(lost.json["outcome_id"], "declined", "a guess") == "settled"
        body, signature = await event(here, "order-1")
        assert await deliver(here, body, signature) == 200
        assert await became(here, lost.json["outcome_id"]) == "declined"
        shown = await outcomes.shown(lost.json["outcome_id"])
        assert shown is not None
        assert [each["result"] for each in shown["evidence"]] == ["settled", "contradicted"]
        counted = 'paysluice_outcomes_contradicted_total{provider="acme"} 1.0'
        assert counted in here.proxy.metrics()
        assert "outcome_contradicted" in here.proxy.log.getvalue()
