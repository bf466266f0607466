"""The process is killed under load, at any moment, and started again: one key, one charge.

`PAYSLUICE_KILLS` says how often: 30 in the suite, more by `make crash`. The seed is printed.
"""

import asyncio
import json
import os
import random
import signal
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from proxy.simulator import Simulator
from proxy.system import SystemClock, roll
from tests.support.process import process
from tests.support.sidecar import Reply, read_reply

KILLS = int(os.environ.get("PAYSLUICE_KILLS", "30"))
SEED = int(os.environ.get("PAYSLUICE_SEED", "0")) or random.SystemRandom().randrange(1, 10**9)
CALLERS = 12
FAULTS = ("none", "none", "slow=0.02", "charge_then_drop", "decline", "429; none", "500_charged")
ANSWERED = {200, 402}


@dataclass
class Load:
    """Callers that pay, and what they were told."""

    chance: random.Random
    port: int = 0
    names: int = 0
    faults: dict[str, str] = field(default_factory=dict)
    told: dict[str, bytes] = field(default_factory=dict)  # of a key: what was answered for good

    async def pay(self, key: str) -> Reply | None:
        """Pay once; None where the connection broke."""
        body = json.dumps({"amount": 100, "currency": "EUR", "reference": key}).encode()
        head = (
            "POST /acme/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\n"
            f"Idempotency-Key: {key}\r\nSim-Fault: {self.faults[key]}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        try:
            reader, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.write(head.encode() + body)
            data = await reader.read()
            writer.close()
        except OSError:
            return None
        if not data:
            return None
        reply = read_reply(data)
        if not reply.is_whole:
            return None
        self._see(key, reply)
        return reply

    def _see(self, key: str, reply: Reply) -> None:
        if reply.status not in ANSWERED:
            return
        said = reply.json if reply.status == 200 else reply.json["provider"]["body"]
        told = json.dumps(said, sort_keys=True).encode()
        assert self.told.setdefault(key, told) == told, f"{key} was answered in two ways"

    async def caller(self) -> None:
        """Pay with one key after the other, each twice, until nobody answers."""
        while True:
            self.names += 1
            key = f"key-{self.names}"
            self.faults[key] = self.chance.choice(FAULTS)
            for _ in range(2):
                if await self.pay(key) is None:
                    return


async def kill(folder: Path, load: Load, provider: object, *, is_last: bool) -> None:
    """Run the sidecar, repeat what is open, pay until it is killed."""
    stores = {"ledger": f"sqlite:{folder / 'ledger.db'}"}
    async with process(folder, providers={"acme": provider}, stores=stores) as one:
        load.port = one.port
        known = list(load.faults)
        again = known if is_last else load.chance.sample(known, min(len(known), 20))
        for start in range(0, len(again), CALLERS):
            await asyncio.gather(*(load.pay(key) for key in again[start : start + CALLERS]))
        if is_last:
            return
        callers = [asyncio.create_task(load.caller()) for _ in range(CALLERS)]
        await asyncio.sleep(load.chance.uniform(0.0, 0.15))
        one.signal(signal.SIGKILL)
        await one.ended()
        await asyncio.gather(*callers)


@pytest.mark.timeout(max(300, 6 * KILLS))
@pytest.mark.parametrize("half", [0, 1])
async def test_a_killed_sidecar_charges_no_key_twice_and_forgets_none(
    tmp_path: Path, half: int
) -> None:
    seed = SEED + half
    print(f"seed {seed}: repeat with PAYSLUICE_SEED={seed}")  # noqa: T201
    load = Load(random.Random(seed))  # noqa: S311
    sim = Simulator(clock=SystemClock(), roll=roll, honours_keys=False, keep=1_000_000)
    await sim.start()
    provider = {
        "profile": "sim",
        "base_url": f"http://127.0.0.1:{sim.port}",
        "idempotency": {"mode": "emulate"},
        "outcomes": {"lookup": "off"},
        "timeouts": {"attempt": "2s", "total": "4s"},
        "retry": {"backoff": {"base": "1ms", "cap": "2ms"}},
    }
    try:
        for _ in range(KILLS // 2):
            await kill(tmp_path, load, provider, is_last=False)
        await kill(tmp_path, load, provider, is_last=True)
    finally:
        await sim.stop()
    charged = Counter(charge.key for charge in sim.charges)
    twice = [key for key, count in charged.items() if count > 1]
    assert not twice
    assert charged.total() == sim.charge_count
    assert len(load.told) > KILLS  # it was alive in between
    declined = {key for key, fault in load.faults.items() if fault == "decline"}
    assert not declined & set(charged)
    paid = {key for key, told in load.told.items() if b"succeeded" in told}
    assert paid <= set(charged)
