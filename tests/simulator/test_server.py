"""The simulated provider over a real socket: what it charges, keeps and tells."""

import asyncio
import json
from typing import Any

import aiohttp
import pytest

from proxy.ledger.signature import Signature, Verdict
from proxy.providers import load
from proxy.simulator import Simulator
from proxy.simulator.control import WEBHOOK_SECRET
from tests.support.clock import FakeClock, SteppedClock

ORDER = {"amount": 1000, "currency": "EUR", "reference": "order-1"}


async def test_a_payment_is_charged_and_can_be_found_by_id_and_by_reference(start: Any) -> None:
    shop = await start()
    status, headers, payment = await shop.pay()
    assert status == 200
    assert headers["Sim-Trace-Id"] == "trace_1"
    assert payment == ORDER | {"id": "pay_1", "status": "succeeded", "created": 1_700_001_000}
    assert await shop.get("/payments/pay_1") == payment
    assert await shop.get("/payments?reference=order-1") == {"data": [payment]}
    assert await shop.get("/payments?reference=other") == {"data": []}


async def test_a_repeated_key_is_replayed_and_charged_once(start: Any) -> None:
    shop = await start()
    first = await shop.pay(Idempotency_Key="k")
    second = await shop.pay(Idempotency_Key="k")
    assert second[2] == first[2]
    assert "Idempotent-Replayed" not in first[1]
    assert second[1]["Idempotent-Replayed"] == "true"
    assert second[1]["Sim-Trace-Id"] == first[1]["Sim-Trace-Id"]
    assert await shop.get("/_sim/charges") == {
        "count": 1,
        "charges": [
            {
                "id": "pay_1",
                "key": "k",
                "reference": "order-1",
                "amount": 1000,
                "currency": "EUR",
                "requests": 2,
            }
        ],
    }


async def test_keys_can_be_ignored_and_then_every_request_charges(start: Any) -> None:
    shop = await start(honours_keys=False)
    for _ in range(3):
        await shop.pay(Idempotency_Key="k")
    assert shop.simulator.charge_count == 3
    assert [charge.id for charge in shop.simulator.charges] == ["pay_1", "pay_2", "pay_3"]
    seen = await shop.get("/_sim/charges?key=k")
    assert [charge["requests"] for charge in seen["charges"]] == [3, 3, 3]


async def test_a_key_with_another_body_is_refused_by_name(start: Any) -> None:
    shop = await start()
    await shop.pay(Idempotency_Key="k")
    async with shop.session.post(
        f"{shop.base}/payments",
        json=ORDER | {"amount": 5},
        headers={"Idempotency-Key": "k"},
    ) as answer:
        assert answer.status == 422
        error = (await answer.json())["error"]
        assert error["code"] == "idempotency_key_reused"
        assert error["trace_id"] == answer.headers["Sim-Trace-Id"]
    assert shop.simulator.charge_count == 1


async def test_a_key_is_in_progress_until_the_slow_answer_is_given(start: Any) -> None:
    clock = SteppedClock()
    shop = await start(clock=clock)
    slow = asyncio.create_task(shop.pay(Idempotency_Key="k", Sim_Fault="slow=5"))
    await shop.until(lambda: shop.simulator.charge_count == 1)
    status, _, document = await shop.pay(Idempotency_Key="k")
    assert (status, document["error"]["code"]) == (409, "idempotency_key_in_use")
    await clock.advance(5)
    assert (await slow)[0] == 200
    status, headers, _ = await shop.pay(Idempotency_Key="k")
    assert (status, headers["Idempotent-Replayed"]) == (200, "true")
    assert shop.simulator.charge_count == 1


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"", "malformed_json"),
        (b"{", "malformed_json"),
        (b"[" * 100_000, "malformed_json"),
        (b"[]", "malformed_json"),
        (b"{}", "missing_required_field"),
        (b'{"amount": "1", "currency": "EUR"}', "invalid_amount"),
        (b'{"amount": true, "currency": "EUR"}', "invalid_amount"),
        (b'{"amount": 0, "currency": "EUR"}', "invalid_amount"),
        (b'{"amount": 1, "currency": "euros"}', "invalid_field_value"),
        (b'{"amount": 1, "currency": "EUR", "reference": ""}', "invalid_field_value"),
        (b'{"amount": 1, "currency": "EUR", "reference": 7}', "invalid_field_value"),
    ],
)
async def test_what_is_not_valid_is_refused_and_does_not_use_up_the_key(
    body: bytes, code: str, start: Any
) -> None:
    shop = await start()
    headers = {"Idempotency-Key": "k"}
    async with shop.session.post(f"{shop.base}/payments", data=body, headers=headers) as answer:
        assert (answer.status, (await answer.json())["error"]["code"]) == (400, code)
    assert (await shop.pay(Idempotency_Key="k"))[0] == 200


async def test_a_refund_is_counted_on_its_own(start: Any) -> None:
    shop = await start()
    async with shop.session.post(f"{shop.base}/refunds", json=ORDER) as answer:
        assert (await answer.json())["id"] == "re_1"
    assert shop.simulator.charge_count == 0
    assert (await shop.get("/_sim/refunds"))["count"] == 1
    assert (await shop.get("/payments/re_1"))["error"]["code"] == "resource_missing"
    assert await shop.get("/payments?reference=order-1") == {"data": []}


async def test_every_request_is_on_record_with_whether_it_came_whole(start: Any) -> None:
    shop = await start()
    await shop.pay(Idempotency_Key="k")
    with pytest.raises((aiohttp.ServerDisconnectedError, OSError)):
        await shop.pay(Idempotency_Key="k", Sim_Fault="close_before_read")
    await shop.get("/payments/a%2Fb?x=1")
    seen = await shop.get("/_sim/requests")
    assert seen["count"] == 3
    assert [
        (one["order"], one["method"], one["target"], one["key"], one["is_whole"])
        for one in seen["requests"]
    ] == [
        (1, "POST", "/payments", "k", True),
        (2, "POST", "/payments", "k", False),
        (3, "GET", "/payments/a%2Fb?x=1", None, True),
    ]
    assert (await shop.get("/_sim/requests?key=k"))["count"] == 2


async def test_an_unkeyed_charge_counts_the_requests_of_its_reference(start: Any) -> None:
    shop = await start()
    await shop.pay(Sim_Fault="503")
    await shop.pay(Sim_Fault="503")
    (charge,) = (await shop.get("/_sim/charges?reference=order-1"))["charges"]
    assert charge["requests"] == 2
    assert (await shop.get("/_sim/charges?reference=other"))["count"] == 0


async def test_a_webhook_tells_of_the_latest_payment_with_a_reference(start: Any) -> None:
    shop = await start()
    await shop.pay()
    await shop.pay(Sim_Fault="decline")
    async with shop.session.post(f"{shop.base}/refunds", json=ORDER) as answer:
        assert answer.status == 200  # no payment
    told = await shop.get("/_sim/events?reference=order-1")
    payment = await shop.get("/payments/pay_2")
    assert json.loads(told["body"]) == {"id": "evt_pay_2", "payment": payment}
    assert payment["status"] == "declined"
    rule = load("sim").webhook
    assert rule is not None
    verdict = Signature(rule).verify(
        WEBHOOK_SECRET,
        ((b"Sim-Signature", told["signature"].encode()),),
        told["body"].encode(),
        now=1_700_001_000.0,
        tolerance_s=0.0,
    )
    assert verdict is Verdict.VALID


async def test_there_is_no_webhook_of_what_was_not_paid(start: Any) -> None:
    shop = await start()
    for query in ("", "?reference=", "?reference=order-1"):
        async with shop.session.get(f"{shop.base}/_sim/events{query}") as answer:
            assert (answer.status, await answer.json()) == (404, {})


async def test_reset_forgets_everything(start: Any) -> None:
    shop = await start()
    await shop.pay(Idempotency_Key="k")
    async with shop.session.post(f"{shop.base}/_sim/reset") as answer:
        assert answer.status == 204
    assert (await shop.get("/_sim/charges")) == {"count": 0, "charges": []}
    assert (await shop.get("/_sim/requests"))["requests"] == []
    assert (await shop.pay(Idempotency_Key="k"))[2]["id"] == "pay_1"


async def test_memory_is_bounded_and_counting_goes_on(start: Any) -> None:
    shop = await start(keep=5)
    for number in range(12):
        await shop.pay(Idempotency_Key=f"k{number}")
    assert shop.simulator.charge_count == 12
    assert [charge.id for charge in shop.simulator.charges] == [f"pay_{n}" for n in range(8, 13)]
    assert len(shop.simulator.requests) == 5


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "/", 404),
        ("GET", "/payments", 404),
        ("GET", "/payments/pay_9", 404),
        ("GET", "/_sim/other", 404),
        ("GET", "/_sim/bytes/many", 404),
        ("DELETE", "/payments", 405),
        ("GET", "/refunds", 404),
        ("PUT", "/refunds", 405),
    ],
)
async def test_other_paths_and_methods_are_errors_in_json(
    method: str, path: str, status: int, start: Any
) -> None:
    shop = await start()
    async with shop.session.request(method, shop.base + path) as answer:
        assert answer.status == status
        assert "error" in await answer.json()
        assert ("Allow" in answer.headers) is (status == 405)


async def test_stopping_twice_or_before_the_start_does_nothing() -> None:
    simulator = Simulator(clock=FakeClock(), roll=lambda: 0.0)
    await simulator.stop()
    await simulator.start()
    await simulator.stop()
    await simulator.stop()
