"""A sidecar of its own process whose providers misbehave in every way that it can count."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from itertools import count
from pathlib import Path
from typing import Any

from tests.support.caller import caller, head
from tests.support.process import process
from tests.support.prometheus import free_port
from tests.support.sidecar import FAST, Reply

SIM = {"profile": "sim", "base_url": "simulator"}
TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
STAYS_CLOSED = {"breaker": {"min_requests": 10_000}}
PROVIDERS = {
    # Settled by look-ups and webhooks; its keys are guarded by our own ledger.
    "settled": {
        **SIM,
        **STAYS_CLOSED,
        "retry": FAST,
        "idempotency": {"mode": "emulate"},
        "outcomes": {"every": "100ms"},
        "webhook": {"secret": "whsec_sim"},
    },
    # Nobody settles what is unknown here, and no retry is paid for.
    "doubtful": {
        **SIM,
        **STAYS_CLOSED,
        "retry": {"budget": {"ratio": 0, "min_per_second": 0}},
        "outcomes": {"lookup": "off"},
        "webhook": {"secret": "whsec_sim"},
    },
    "limited": {
        **SIM,
        "retry": {"max_attempts": 1},
        "rate_limits": [{"name": "account", "rate": "20/s", "max_wait": "60ms"}],
    },
    "broken": {
        **SIM,
        "retry": {"max_attempts": 1},
        "breaker": {"min_requests": 3, "open_for": "500ms"},
    },
}
KINDLY = ("none", "429_retry_after=0; none", "decline", "503; none", "charge_then_drop", "400")


@dataclass
class Faulty:
    """The sidecar, and who calls it and runs it."""

    port: int
    admin: int
    webhooks: int
    numbers: "count[int]"

    async def round(self) -> None:
        """Have everything go wrong once."""
        keys = [f"order-{next(self.numbers)}" for _ in KINDLY]
        for key, fault in zip(keys, KINDLY, strict=True):
            await self.pay("settled", fault, key)
        await self.pay("settled", "none", keys[0])
        await self.pay("settled", "none")
        await self.pay("doubtful", "503; none", keys[1])
        await self.pay("doubtful", "charge_then_drop")
        await self.contradict(keys[2])
        for _ in range(4):
            await self.pay("limited", "none")
            await self.pay("broken", "503")
        await self.post(self.admin, "/reload", {})

    async def pay(self, provider: str, fault: str, key: str | None = None) -> Reply:
        """Pay once, with a key and its reference, or without both."""
        number = next(self.numbers)
        fields = [f"Sim-Fault: {fault}", f"Sim-Script-Id: {number}"]
        fields.append(f"traceparent: 00-{TRACE}-00f067aa0ba902b7-01")
        body: dict[str, Any] = {"amount": 1050, "currency": "EUR", "reference": f"none-{number}"}
        if key is not None:
            fields.append(f"Idempotency-Key: {key}")
            body["reference"] = key
        return await self.post(self.port, f"/{provider}/payments", body, *fields)

    async def contradict(self, key: str) -> None:
        """Have a person say of a payment what its provider's webhook then denies."""
        lost = await self.pay("doubtful", "charge_then_drop", f"{key}-lost")
        outcome_id = lost.json["outcome_id"]
        said = {"as": "declined", "note": "a guess"}
        await self.post(self.admin, f"/outcomes/{outcome_id}/resolve", said)
        told = await self.get(self.port, f"/doubtful/_sim/events?reference={key}-lost")
        signed = f"Sim-Signature: {told.json['signature']}"
        body = told.json["body"].encode()
        await self.send(self.webhooks, "POST", "/webhooks/doubtful", body, signed)
        await self.send(self.webhooks, "POST", "/webhooks/doubtful", body, "Sim-Signature: no")

    async def post(self, port: int, path: str, body: dict[str, Any], *fields: str) -> Reply:
        kind = "Content-Type: application/json"
        return await self.send(port, "POST", path, json.dumps(body).encode(), kind, *fields)

    async def get(self, port: int, path: str) -> Reply:
        return await self.send(port, "GET", path, b"")

    async def send(self, port: int, method: str, path: str, body: bytes, *fields: str) -> Reply:
        length = f"Content-Length: {len(body)}"
        async with caller(port) as here:
            line = f"{method} {path} HTTP/1.1"
            await here.send(head(line, length, *fields, host="localhost") + body)
            return await here.answer()


@asynccontextmanager
async def faulty(folder: Path) -> AsyncIterator[Faulty]:
    """Run the sidecar until the block ends; nothing has gone wrong yet."""
    admin, webhooks = free_port(), free_port()
    settings = {"admin": f"127.0.0.1:{admin}", "webhooks": f"127.0.0.1:{webhooks}"}
    async with process(folder, providers=PROVIDERS, **settings) as one:
        yield Faulty(one.port, admin, webhooks, count(1))
