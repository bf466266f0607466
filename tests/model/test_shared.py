"""Two sidecars on one PostgreSQL: one is frozen and woken, or the server goes away."""

import asyncio
import json
import random
import signal
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from proxy.simulator import Simulator
from proxy.system import SystemClock, roll
from tests.support.postgresql import Server
from tests.support.process import Process, process
from tests.support.sidecar import Reply, read_reply

FREEZES = 12
SHORT = {"attempt": "400ms", "total": "600ms"}


@asynccontextmanager
async def two(folder: Path, url: str, sim: Simulator) -> AsyncIterator[list[Process]]:
    """Run two sidecars that share a ledger."""
    acme = {
        "profile": "sim",
        "base_url": f"http://127.0.0.1:{sim.port}",
        "idempotency": {"mode": "emulate"},
        "outcomes": {"lookup": "off"},
        "timeouts": SHORT,
    }
    async with AsyncExitStack() as stack:
        running = []
        for name in ("one", "two"):
            (folder / name).mkdir()
            settings: dict[str, Any] = {"providers": {"acme": acme}, "stores": {"ledger": url}}
            running.append(await stack.enter_async_context(process(folder / name, **settings)))
        yield running


async def pay(one: Process, key: str, fault: str = "none") -> Reply | None:
    body = json.dumps({"amount": 100, "currency": "EUR", "reference": key}).encode()
    head = (
        "POST /acme/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
        f"Idempotency-Key: {key}\r\nSim-Fault: {fault}\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    reader, writer = await asyncio.open_connection("127.0.0.1", one.port)
    try:
        writer.write(head.encode() + body)
        async with asyncio.timeout(20):
            data = await reader.read()
    finally:
        writer.close()
    return read_reply(data) if data else None


@asynccontextmanager
async def provider() -> AsyncIterator[Simulator]:
    sim = Simulator(clock=SystemClock(), roll=roll, honours_keys=False)
    await sim.start()
    yield sim
    await sim.stop()


@pytest.mark.timeout(120)
async def test_a_frozen_sidecar_that_wakes_charges_nothing_twice(
    tmp_path: Path, postgresql: Server
) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")  # noqa: T201
    chance = random.Random(seed)  # noqa: S311
    url = await postgresql.fresh()
    async with provider() as sim, two(tmp_path, url, sim) as (frozen, other):
        for number in range(FREEZES):
            key = f"key-{number}"
            first = asyncio.create_task(pay(frozen, key, chance.choice(("none", "slow=0.05"))))
            await asyncio.sleep(chance.uniform(0.0, 0.04))
            frozen.signal(signal.SIGSTOP)
            second = await pay(other, key)  # it joins, takes over, or is told
            if number % 3 == 0:  # longer than any lease
                await asyncio.sleep(1.1)
                second = await pay(other, key)
            frozen.signal(signal.SIGCONT)
            await first
            third = await pay(other, key)
            assert second is not None
            assert third is not None
            assert third.status in {200, 409}
        charged = Counter(charge.key for charge in sim.charges)
        assert max(charged.values()) == 1
        assert sim.charge_count >= FREEZES / 2  # it was no idle run


@pytest.mark.timeout(120)
async def test_who_comes_to_another_sidecar_gets_the_answer_of_the_first(
    tmp_path: Path, postgresql: Server
) -> None:
    url = await postgresql.fresh()
    async with provider() as sim, two(tmp_path, url, sim) as both:
        slow = [pay(each, "key", "slow=0.2") for each in both for _ in range(3)]
        replies = await asyncio.gather(*slow)
        assert {reply.status for reply in replies if reply} <= {200, 409}
        again = [await pay(each, "key", "slow=0.2") for each in both]
        assert [reply.status for reply in again if reply] == [200, 200]
        assert again[0] is not None
        assert again[1] is not None
        assert again[0].body == again[1].body
        assert sim.charge_count == 1


@pytest.mark.timeout(120)
async def test_without_the_ledgers_server_nothing_is_sent_and_with_it_all_goes_on(
    tmp_path: Path, postgresql: Server
) -> None:
    url = await postgresql.fresh()
    async with provider() as sim, two(tmp_path, url, sim) as both:
        for each in both:
            paid = await pay(each, f"before-{each.port}")
            assert paid is not None
            assert paid.status == 200
        before = sim.charge_count
        postgresql.stop()
        for each in both:
            refused = await pay(each, f"during-{each.port}")
            assert refused is not None
            assert (refused.status, refused.header("Paysluice-Outcome")) == (503, "not_sent")
        assert sim.charge_count == before
        postgresql.start()
        for each in both:
            async with asyncio.timeout(15):
                while True:
                    paid = await pay(each, f"during-{each.port}")
                    if paid is not None and paid.status == 200:
                        break
                    await asyncio.sleep(0.05)
            replayed = await pay(each, f"before-{each.port}")
            assert replayed is not None
            assert replayed.header("Idempotency-Replayed") == "true"
        assert max(Counter(charge.key for charge in sim.charges).values()) == 1
