"""Payments that no ledger guards: what is known of them before, and when, they are answered."""

import asyncio
import json
import signal
import time
from pathlib import Path

import pytest

from proxy.simulator import Simulator
from proxy.system import SystemClock, roll
from tests.journey.test_settling import OPEN, TOLD, became, deliver, event, signed
from tests.support.payments import FORWARD, Till, till
from tests.support.process import process
from tests.support.raw import RawProvider, answer, close, hang
from tests.support.sidecar import read_reply

SLOW = {"attempt": "600ms", "total": "900ms"}
UNASKED = {"outcomes": {"lookup": "off"}}
FOLLOWED = [FORWARD, {"mode": "off"}]


async def kept_of(here: Till, reference: str) -> int:
    """Count the payments that the ledger knows with a reference."""
    assert here.proxy.app._ledger is not None
    found = await here.proxy.app._ledger.keeper.store.by_reference("acme", reference)
    assert isinstance(found, tuple)
    return len(found)


async def made(sim: Simulator, count: int = 1) -> None:
    """Wait until the provider has taken the money so many times."""
    async with asyncio.timeout(5):
        while sim.charge_count < count:  # noqa: ASYNC110 - it is another's to tell
            await asyncio.sleep(0.005)


async def unknown(here: Till) -> set[str]:
    """Give the ids of what the ledger's store holds as unknown."""
    assert here.proxy.app._ledger is not None
    found = await here.proxy.app._ledger.keeper.unknowns()
    assert isinstance(found, tuple)
    return {entry.id for entry in found}


def url(provider: RawProvider) -> str:
    return f"http://127.0.0.1:{provider.port}"


@pytest.mark.parametrize("keys", FOLLOWED)
async def test_it_is_there_before_its_first_byte_and_forgotten_once_it_is_answered(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    async with till(tmp_path, keys=keys, timeouts=SLOW) as here:
        assert (await here.pay("order-1")).status == 200
        assert (await here.pay("order-2", "400")).status == 400
        paying = asyncio.ensure_future(
            here.pay("order-3", "charge_then_hang", Paysluice_Retry="off")
        )
        await made(here.sim, 2)
        assert await kept_of(here, "order-3") == 1
        assert (await paying).json["outcome"] == "unknown"
        for reference, count in (("order-1", 0), ("order-2", 0), ("order-3", 1)):
            assert await kept_of(here, reference) == count


@pytest.mark.parametrize("keys", FOLLOWED)
async def test_a_time_out_is_found_by_asking(tmp_path: Path, keys: dict[str, str]) -> None:
    """The provider's record is as old as the first byte, and the time-out is later."""
    settings = {"timeouts": {"attempt": "2100ms", "total": "3s"}, "outcomes": {"every": "40ms"}}
    async with till(tmp_path, keys=keys, **settings) as here:
        lost = await here.pay("order-1", "charge_then_hang", Paysluice_Retry="off")
        assert lost.json["outcome"] == "unknown"
        assert await became(here, lost.json["outcome_id"]) == "succeeded"


async def test_in_memory_it_is_dated_by_its_first_byte_too() -> None:
    settings = {"timeouts": {"attempt": "2100ms", "total": "3s"}, "outcomes": {"every": "40ms"}}
    async with till(keys={"mode": "off"}, **settings) as here:
        lost = await here.pay("order-1", "charge_then_hang")
        assert await became(here, lost.json["outcome_id"]) == "succeeded"


@pytest.mark.parametrize("keys", [{"mode": "emulate"}, *FOLLOWED])
async def test_a_webhook_that_comes_before_the_time_out_settles(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    async with till(tmp_path, keys=keys, admin=OPEN, timeouts=SLOW, **TOLD) as here:
        paying = asyncio.ensure_future(
            here.pay("order-1", "charge_then_hang", Paysluice_Retry="off")
        )
        await made(here.sim)
        body, signature = await event(here, "order-1")
        assert await deliver(here, body, signature) == 200
        lost = await paying
        assert lost.json["outcome"] == "unknown"
        assert await became(here, lost.json["outcome_id"]) == "succeeded"
        assert await deliver(here, body, signature) == 200
        shown = await here.proxy.app._outcomes.shown(lost.json["outcome_id"])
        assert shown is not None
        assert [told["result"] for told in shown["evidence"]] == ["too_early", "settled"]


async def test_the_webhook_of_another_payment_of_the_reference_settles_nothing(
    tmp_path: Path,
) -> None:
    keys = {"mode": "off"}
    async with till(tmp_path, keys=keys, admin=OPEN, **TOLD) as here:
        lost = await here.pay("k1", "hang", reference="order-1")  # never made
        assert (await here.pay("k2", reference="order-1")).status == 200
        assert await deliver(here, *(await event(here, "order-1"))) == 200
        assert (await here.outcome(lost.json["outcome_id"])).json["outcome"] == "unknown"


async def test_a_repeat_of_what_is_under_way_settles_it(tmp_path: Path) -> None:
    async with (
        RawProvider([hang, answer(200, b'{"id": "pay_1", "status": "succeeded"}')]) as acme,
        till(tmp_path, keys=FORWARD, timeouts=SLOW, base_url=url(acme), **UNASKED) as here,
    ):
        lost = await here.pay("order-1", Paysluice_Timeout="200ms", Paysluice_Retry="off")
        assert lost.json["outcome"] == "unknown"
        assert (await here.pay("order-1", Paysluice_Retry="off")).status == 200
        assert await became(here, lost.json["outcome_id"]) == "succeeded"


async def test_a_refused_repeat_of_what_is_under_way_is_unknown(tmp_path: Path) -> None:
    refusal = b'{"error": {"code": "rate_limit_exceeded"}}'
    async with (
        RawProvider([hang, answer(429, refusal)]) as acme,
        till(tmp_path, keys=FORWARD, timeouts=SLOW, base_url=url(acme), **UNASKED) as here,
    ):
        lost = await here.pay("order-1", Paysluice_Timeout="200ms", Paysluice_Retry="off")
        again = await here.pay("order-1", Paysluice_Retry="off")
        assert (again.status, again.json["outcome"]) == (429, "unknown")
        assert again.json["outcome_id"] == lost.json["outcome_id"]


async def test_what_a_person_freed_while_its_repeat_was_under_way_is_listed(tmp_path: Path) -> None:
    steps = {"attempt": "400ms", "total": "400ms"}
    async with (
        RawProvider([close, hang]) as acme,
        till(tmp_path, keys=FORWARD, timeouts=steps, base_url=url(acme), **UNASKED) as here,
    ):
        lost = await here.pay("order-1", Paysluice_Retry="off")
        await asyncio.sleep(1.3)  # its lease and one attempt are over
        paying = asyncio.ensure_future(here.pay("order-1", Paysluice_Retry="off"))
        while acme.requests < 2:  # noqa: ASYNC110 - it is another's to tell
            await asyncio.sleep(0.005)
        name = lost.json["outcome_id"]
        await here.proxy.app._outcomes.resolve(name, "not_processed", "not in the dashboard")
        await paying
        async with asyncio.timeout(5):
            while len(await unknown(here)) != 1:  # noqa: ASYNC110 - as above
                await asyncio.sleep(0.02)
        assert await unknown(here) != {name}


async def test_a_webhook_is_taken_only_once_its_word_is_kept(tmp_path: Path) -> None:
    async with till(tmp_path, admin=OPEN, **TOLD) as here:
        lost = await here.pay("order-1", "charge_then_drop")
        body, signature = await event(here, "order-1")
        assert here.proxy.app._ledger is not None
        rows = here.proxy.app._ledger.keeper.store._connection  # type: ignore[attr-defined]
        rows.set_authorizer(lambda action, table, *_: int(action == 18 and table == "evidence"))
        assert await deliver(here, body, signature) == 503
        rows.set_authorizer(None)
        assert await deliver(here, body, signature) == 200
        assert await became(here, lost.json["outcome_id"]) == "succeeded"


async def test_a_payment_that_was_refused_and_is_said_to_be_made_is_unknown(
    tmp_path: Path,
) -> None:
    async with till(tmp_path, admin=OPEN, **TOLD) as here:
        refused = await here.pay("order-1", "400")
        assert refused.json["outcome"] == "rejected"
        payment = {"id": "pay_1", "status": "succeeded", "amount": 1050, "currency": "EUR"}
        now = int(time.time())
        told = {"id": "evt_1", "payment": payment | {"reference": "order-1", "created": now}}
        body = json.dumps(told).encode()
        assert await deliver(here, body, signed(body, now)) == 200
        again = await here.pay("order-1")
        assert (again.status, again.json["error_code"]) == (409, "outcome_pending")
        assert here.charges == 0
        assert 'paysluice_outcomes_contradicted_total{provider="acme"} 1' in here.proxy.metrics()


@pytest.mark.parametrize("keys", [{"mode": "emulate"}, FORWARD])
async def test_the_ledgers_time_is_not_taken_from_the_provider(
    tmp_path: Path, keys: dict[str, str]
) -> None:
    """A disk that stalls for longer than an attempt makes a payment late, not unknown."""
    steps = {"attempt": "200ms", "total": "5s"}
    async with till(tmp_path, keys=keys, timeouts=steps, **UNASKED) as here:
        assert here.proxy.app._ledger is not None
        store = here.proxy.app._ledger.keeper.store
        stall = asyncio.ensure_future(store._commits.take(lambda: time.sleep(0.4)))  # type: ignore[attr-defined]
        await asyncio.sleep(0.05)
        assert (await here.pay("order-1")).status == 200
        await stall


@pytest.mark.parametrize("mode", ["emulate", "auto", "off"])
async def test_what_kill_9_cuts_off_is_unknown(tmp_path: Path, mode: str) -> None:
    sim = Simulator(clock=SystemClock(), roll=roll)
    await sim.start()
    acme = {
        "profile": "sim",
        "base_url": f"http://127.0.0.1:{sim.port}",
        "idempotency": {"mode": mode},
        "outcomes": {"lookup": "off"},
    }
    config = {"stores": {"ledger": f"sqlite:{tmp_path}/l.db"}, "providers": {"acme": acme}}
    body = json.dumps({"amount": 100, "currency": "EUR", "reference": "k"}).encode()
    fields = "Idempotency-Key: k\r\nSim-Fault: charge_then_hang\r\nContent-Type: application/json"
    try:
        async with process(tmp_path, **config) as first:
            _, writer = await asyncio.open_connection("127.0.0.1", first.port)
            head = f"POST /acme/payments HTTP/1.1\r\nHost: x\r\n{fields}\r\n"
            writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
            await made(sim)
            first.signal(signal.SIGKILL)
            await first.ended()
            writer.close()
        async with process(tmp_path, **config):
            reader, writer = await asyncio.open_unix_connection(f"{tmp_path}/admin.sock")
            writer.write(b"GET /outcomes HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
            (told,) = read_reply(await reader.read()).json["outcomes"]
            writer.close()
    finally:
        await sim.stop()
    assert (told["outcome"], told["reference"], told["amount"]) == ("unknown", "k", "1")
