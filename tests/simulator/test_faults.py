"""Every fault does what the table says, and scripts and chance hand them out."""

import asyncio
from itertools import cycle
from typing import Any

import aiohttp
import pytest

from proxy.simulator import FAULTS, Simulator
from tests.support.clock import FakeClock

LOSES_THE_ANSWER = {"charge_then_drop", "close_before_read", "close_mid_answer"}
NEVER_ANSWERS = {"hang", "charge_then_hang"}


@pytest.mark.parametrize("name", sorted(set(FAULTS) - NEVER_ANSWERS))
async def test_a_fault_charges_exactly_where_the_table_says_so(
    name: str, start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    shop = await start()
    loses = pytest.raises((aiohttp.ServerDisconnectedError, aiohttp.ClientPayloadError, OSError))
    if name in LOSES_THE_ANSWER:
        with loses:
            await shop.pay(Sim_Fault=name, Idempotency_Key="k")
    elif name == "truncated_json":
        with pytest.raises(ValueError, match=r"delimiter|value|Unterminated"):
            await shop.pay(Sim_Fault=name, Idempotency_Key="k")
    else:
        await shop.pay(Sim_Fault=name, Idempotency_Key="k")
    assert shop.simulator.charge_count == FAULTS[name].charges
    _, headers, _ = await shop.pay(Sim_Fault="none", Idempotency_Key="k")
    assert ("Idempotent-Replayed" in headers) is FAULTS[name].is_kept
    assert [record for record in caplog.records if record.levelname != "DEBUG"] == []


@pytest.mark.parametrize("name", sorted(NEVER_ANSWERS))
async def test_a_hang_gives_no_answer_and_ends_when_the_caller_leaves(
    name: str, start: Any
) -> None:
    shop = await start()
    asked = asyncio.create_task(shop.pay(Sim_Fault=name))
    await shop.until(lambda: any(seen.is_whole for seen in shop.simulator.requests))
    asked.cancel()
    await shop.until(asked.done)
    assert shop.simulator.charge_count == FAULTS[name].charges


@pytest.mark.parametrize("name", sorted(NEVER_ANSWERS))
async def test_a_hang_does_not_keep_the_simulator_from_stopping(name: str, start: Any) -> None:
    shop = await start()
    asked = asyncio.create_task(shop.pay(Sim_Fault=name))
    await shop.until(lambda: any(seen.is_whole for seen in shop.simulator.requests))
    await shop.simulator.stop()
    with pytest.raises((aiohttp.ClientError, OSError)):
        await asked


@pytest.mark.parametrize(
    ("fault", "status", "code"),
    [
        ("429", 429, "rate_limit_exceeded"),
        ("503", 503, "service_unavailable"),
        ("500_charged", 500, "internal_error"),
        ("error_in_200", 200, "card_declined"),
        ("409_in_progress", 409, "idempotency_key_in_use"),
        ("decline", 402, "card_declined"),
        ("401", 401, "invalid_api_key"),
        ("404", 404, "resource_missing"),
        ("400", 400, "invalid_request"),
    ],
)
async def test_an_error_has_its_status_its_code_and_its_trace(
    fault: str, status: int, code: str, start: Any
) -> None:
    shop = await start()
    answered, headers, document = await shop.pay(Sim_Fault=fault)
    assert (answered, document["error"]["code"]) == (status, code)
    assert document["error"]["trace_id"] == headers["Sim-Trace-Id"]
    assert set(document["error"]) == {"code", "type", "message", "trace_id"}


async def test_a_decline_is_on_the_books_but_charges_nothing(start: Any) -> None:
    shop = await start()
    await shop.pay(Sim_Fault="decline")
    found = await shop.get("/payments?reference=order-1")
    assert [payment["status"] for payment in found["data"]] == ["declined"]
    assert (await shop.get("/_sim/charges"))["count"] == 0


@pytest.mark.parametrize("status", [500, 502])
async def test_an_edge_can_answer_with_a_page(status: int, start: Any) -> None:
    shop = await start()
    answered, headers, text = await shop.pay(Sim_Fault=f"{status}_html")
    assert answered == status
    assert headers["Content-Type"].startswith("text/html")
    assert text.startswith("<html>")


@pytest.mark.parametrize(
    ("fault", "retry_after"),
    [
        ("429", None),
        ("429=7", "7"),
        ("429_retry_after=3", "3"),
        ("429_date=20", "Tue, 14 Nov 2023 22:30:20 GMT"),
    ],
)
async def test_a_throttled_caller_is_told_when_to_come_back(
    fault: str, retry_after: str | None, start: Any
) -> None:
    shop = await start()
    _, headers, _ = await shop.pay(Sim_Fault=fault)
    assert headers.get("Retry-After") == retry_after


@pytest.mark.parametrize("identity", ["Idempotency_Key", "Sim_Script_Id", "reference"])
async def test_a_script_gives_each_request_the_next_fault_and_then_none(
    identity: str, start: Any
) -> None:
    shop = await start()
    headers = {"Sim_Fault": "503; 429=1, none, 500_html"}
    if identity != "reference":
        headers[identity] = "x"
    statuses = [(await shop.pay(**headers))[0] for _ in range(6)]
    assert statuses == [503, 429, 200, 500, 200, 200]
    assert shop.simulator.charge_count == (1 if identity == "Idempotency_Key" else 3)


async def test_two_keys_walk_through_a_script_each_on_their_own(start: Any) -> None:
    shop = await start()
    asked = [
        (await shop.pay(Sim_Fault="503,401", Idempotency_Key=key))[0]
        for key in ("a", "b", "a", "b", "a")
    ]
    assert asked == [503, 503, 401, 401, 200]


async def test_a_look_up_can_misbehave_too(start: Any) -> None:
    shop = await start()
    await shop.pay()
    statuses = []
    for _ in range(3):
        async with shop.session.get(
            f"{shop.base}/payments/pay_1", headers={"Sim-Fault": "503,500_charged"}
        ) as answer:
            statuses.append(answer.status)
    assert statuses == [503, 500, 200]


async def test_a_misspelt_fault_is_an_error_and_never_a_charge(start: Any) -> None:
    shop = await start()
    for fault in ("504_hmtl", "slow=soon", "401=3", "slow=-1"):
        status, _, document = await shop.pay(Sim_Fault=fault)
        assert (status, document["error"]["code"]) == (400, "unknown_fault")
    assert shop.simulator.charge_count == 0


async def test_chance_picks_from_the_mix_by_its_shares(start: Any) -> None:
    rolls = cycle([0.05, 0.15, 0.5])
    shop = await start(mix={"503": 0.1, "429=1": 0.1}, roll=lambda: next(rolls))
    statuses = [(await shop.pay())[0] for _ in range(3)]
    assert statuses == [503, 429, 200]
    assert (await shop.pay(Sim_Fault="none"))[0] == 200


@pytest.mark.parametrize("mix", [{"503": 0.7, "429": 0.7}, {"503": -0.1}, {"teapot": 0.1}])
def test_a_mix_that_makes_no_sense_is_refused(mix: dict[str, float]) -> None:
    with pytest.raises(ValueError, match=r"mix|teapot"):
        Simulator(clock=FakeClock(), roll=lambda: 0.0, mix=mix)
