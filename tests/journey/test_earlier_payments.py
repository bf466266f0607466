"""What a later answer must not say of an earlier payment whose outcome nobody knows."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any

import pytest

from tests.support.payments import till
from tests.support.raw import Connected, RawProvider, answer, close, hang
from tests.support.sidecar import Reply, Sidecar, provider, sidecar

BODY = json.dumps({"amount": 1050, "currency": "EUR", "reference": "order-1"}).encode()
HEAD = {"Content-Type": "application/json", "Idempotency-Key": "order-1", "Paysluice-Retry": "off"}
PAID = b'{"id": "pay_2", "status": "succeeded"}'


UNASKED = {"outcomes": {"lookup": "off"}}


def acme(port: int, **members: Any) -> dict[str, Any]:
    return provider(port, **{"profile": "sim", "outcomes": {"lookup": "off"}, **members})


def ledger(folder: Path) -> dict[str, str]:
    return {"ledger": f"sqlite:{folder}/l.db"}


async def told(proxy: Sidecar, lost: Reply) -> str:
    path = f"/_paysluice/outcomes/{lost.json['outcome_id']}"
    return str((await proxy.ask("GET", path)).json["outcome"])


async def test_a_redirection_settles_nothing(tmp_path: Path) -> None:
    steps = [close, answer(302, b"", [("Location", "https://login.example/")])]
    async with RawProvider(steps) as upstream:
        settings = {"acme": acme(upstream.port)}
        async with sidecar(settings, stores=ledger(tmp_path)) as proxy:
            lost = await proxy.ask(headers=HEAD, body=BODY)
            assert (await proxy.ask(headers=HEAD, body=BODY)).status == 302
            assert await told(proxy, lost) == "unknown"


async def test_a_key_that_the_provider_has_forgotten_settles_nothing(tmp_path: Path) -> None:
    async with RawProvider([close, answer(200, PAID)]) as upstream:
        keys = {"mode": "forward", "provider_key_ttl": "100ms"}
        settings = {"acme": acme(upstream.port, idempotency=keys)}
        async with sidecar(settings, stores=ledger(tmp_path)) as proxy:
            lost = await proxy.ask(headers=HEAD, body=BODY)
            await asyncio.sleep(0.15)
            assert (await proxy.ask(headers=HEAD, body=BODY)).status == 200
            assert await told(proxy, lost) == "unknown"


async def test_a_refusal_of_the_first_does_not_speak_for_the_second(tmp_path: Path) -> None:
    may_answer = asyncio.Event()

    async def refuse_late(connected: Connected) -> None:
        await may_answer.wait()
        await answer(429, b'{"error": {"code": "rate_limit_exceeded"}}')(connected)

    async with RawProvider([refuse_late, close]) as upstream:
        settings = {"acme": acme(upstream.port)}
        async with sidecar(settings, stores=ledger(tmp_path)) as proxy:
            await proxy.ask(headers={**HEAD, "Paysluice-Timeout": "100ms"}, body=BODY)
            lost = await proxy.ask(headers=HEAD, body=BODY)
            may_answer.set()
            await proxy.app._journeys.drain(3)
            assert await told(proxy, lost) == "unknown"


@pytest.mark.parametrize("path", ["/refunds/r1", "/refunds/r1/", "//refunds/r1", "/%72efunds/r1"])
async def test_a_payment_by_put_is_sent_once_however_it_is_spelt(path: str) -> None:
    async with RawProvider([close]) as upstream:
        settings = {"acme": provider(upstream.port, profile="bitpay")}
        async with sidecar(settings) as proxy:
            await proxy.ask("PUT", f"/acme{path}", {"Content-Type": "application/json"}, b"{}")
            assert upstream.requests == 1


@pytest.mark.parametrize(
    "said",
    [
        {"message": "Invalid.", "errors": {"reference": ["It has already been taken."]}},
        {"code": "TRANSACTION_PENDING", "message": "The transaction is being processed"},
        {"message": "reference must be unique"},
    ],
)
async def test_what_speaks_of_something_done_before_frees_no_key(
    said: dict[str, Any], tmp_path: Path
) -> None:
    refused = answer(400, json.dumps(said).encode(), [("Content-Type", "application/json")])
    async with RawProvider([refused]) as upstream:
        guarded = provider(upstream.port, idempotency={"mode": "emulate"})
        async with sidecar({"acme": guarded}, stores=ledger(tmp_path)) as proxy:
            first = await proxy.ask(headers=HEAD, body=BODY)
            await proxy.ask(headers=HEAD, body=BODY)
            assert (first.json["outcome"], upstream.requests) == ("unknown", 1)


async def test_a_payment_of_no_tenant_does_not_settle_one_of_a_tenants(tmp_path: Path) -> None:
    record = {"id": "p", "status": "succeeded", "reference": "order-1", "amount": 1050}
    listed = {"data": [{**record, "currency": "EUR", "created": int(time.time())}]}
    found = answer(200, json.dumps(listed).encode(), [("Content-Type", "application/json")])
    async with RawProvider([close, found]) as upstream:
        settings = acme(
            upstream.port,
            outcomes={"every": "20ms"},
            tenant_headers=["X-Shop"],
            idempotency={"mode": "emulate"},
        )
        async with sidecar({"acme": settings}, stores=ledger(tmp_path)) as proxy:
            lost = await proxy.ask(headers={**HEAD, "X-Shop": "one"}, body=BODY)
            await asyncio.sleep(0.3)
            assert (await told(proxy, lost), upstream.requests) == ("unknown", 1)


async def test_one_record_does_not_settle_two_payments_of_one_reference(tmp_path: Path) -> None:
    async with till(tmp_path, outcomes={"every": "20ms"}) as here:
        lost = await here.pay("key-1", "hang", reference="order-1")  # it is never charged
        assert (await here.pay("key-2", reference="order-1")).status == 200
        await asyncio.sleep(0.3)
        assert await told(here.proxy, lost) == "unknown"


async def test_the_id_that_is_told_at_a_deadline_is_the_one_that_is_followed(
    tmp_path: Path,
) -> None:
    async with RawProvider([close, hang]) as upstream:
        settings = {"acme": acme(upstream.port, timeouts={"attempt": "400ms"})}
        async with sidecar(settings, stores=ledger(tmp_path)) as proxy:
            first = await proxy.ask(headers=HEAD, body=BODY)
            again = await proxy.ask(headers={**HEAD, "Paysluice-Timeout": "100ms"}, body=BODY)
            assert again.json["outcome_id"] == first.json["outcome_id"]
            assert await told(proxy, again) == "unknown"


@pytest.mark.parametrize("refusal", ["400", "401", "429"])
async def test_a_repeat_that_was_refused_does_not_speak_for_the_first(
    tmp_path: Path, refusal: str
) -> None:
    async with till(tmp_path, keys={"mode": "forward"}, honours_keys=True, **UNASKED) as here:
        lost = await here.pay("order-1", "charge_then_drop", Paysluice_Retry="off")
        again = await here.pay("order-1", refusal, Paysluice_Retry="off")
        assert again.status == int(refusal)
        assert again.json["outcome"] == "unknown"
        assert again.json["outcome_id"] == lost.json["outcome_id"]
        other = await here.pay("order-2", refusal, Paysluice_Retry="off")
        assert other.json["outcome"] == "rejected"


async def test_nor_does_a_repeat_that_an_open_circuit_held_back(tmp_path: Path) -> None:
    breaker = {"min_requests": 1, "failure_ratio": 0.1, "open_for": "10s"}
    keys = {"mode": "forward"}
    async with till(tmp_path, keys=keys, honours_keys=True, breaker=breaker, **UNASKED) as here:
        await here.pay("order-1", "charge_then_drop", Paysluice_Retry="off")
        again = await here.pay("order-1")
        assert (again.json["error_code"], again.json["outcome"]) == ("circuit_open", "unknown")


async def test_nor_one_that_no_ledger_could_be_asked_about(tmp_path: Path) -> None:
    async with till(tmp_path, **UNASKED) as here:
        await here.pay("order-1", "charge_then_drop")
        assert here.proxy.app._ledger is not None
        rows = here.proxy.app._ledger.keeper.store._connection  # type: ignore[attr-defined]
        rows.set_authorizer(lambda _, table, *__: int(table == "entries"))
        again = await here.pay("order-1")
        other = await here.pay("order-2")
        rows.set_authorizer(None)
        assert (again.status, again.json["outcome"]) == (503, "unknown")
        assert (other.status, other.json["outcome"]) == (503, "not_sent")
        assert here.charges == 1


@pytest.mark.parametrize("profile", ["generic", "spotflow"])
async def test_a_promise_that_is_only_assumed_licenses_no_second_payment(
    tmp_path: Path, profile: str
) -> None:
    async with RawProvider([close, answer(200, PAID)]) as upstream:
        settings = {"acme": acme(upstream.port, profile=profile)}
        async with sidecar(settings, stores=ledger(tmp_path)) as proxy:
            head = {name: value for name, value in HEAD.items() if name != "Paysluice-Retry"}
            assert (await proxy.ask(headers=head, body=BODY)).json["outcome"] == "unknown"
            again = await proxy.ask(headers=head, body=BODY)
            assert (again.status, again.json["error_code"]) == (409, "outcome_pending")
        assert upstream.requests == 1
        (seen,) = upstream.seen
        assert (b"Idempotency-Key", b"order-1") in seen.fields
