"""A sidecar that guards payments to a simulated provider which knows no keys."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.simulator import Simulator
from proxy.system import SystemClock, roll
from tests.support.sidecar import Reply, Sidecar, provider, sidecar

EMULATE = {"mode": "emulate"}
FORWARD = {"mode": "forward"}
SHORT = {"attempt": "300ms", "total": "1s"}


@dataclass
class Till:
    """A sidecar, its provider, and a caller that pays."""

    proxy: Sidecar
    sim: Simulator

    async def pay(
        self,
        key: str | None = "order-1",
        fault: str | None = None,
        *,
        amount: int = 1050,
        reference: str | None = None,
        **headers: str,
    ) -> Reply:
        """Pay once; *headers* with `_` for `-`."""
        fields = {name.replace("_", "-"): value for name, value in headers.items()}
        if key is not None:
            fields["Idempotency-Key"] = key
        if fault is not None:
            fields["Sim-Fault"] = fault
        body = {"amount": amount, "currency": "EUR", "reference": reference or key or "none"}
        return await self.proxy.ask(
            headers={"Content-Type": "application/json", **fields}, body=json.dumps(body).encode()
        )

    async def outcome(self, outcome_id: str, wait: str | None = None) -> Reply:
        """Ask what became of a payment, as its caller."""
        query = "" if wait is None else f"?wait={wait}"
        return await self.proxy.ask("GET", f"/_paysluice/outcomes/{outcome_id}{query}")

    @property
    def charges(self) -> int:
        return self.sim.charge_count


@asynccontextmanager
async def till(
    folder: Path | None = None,
    *,
    sim: Simulator | None = None,
    honours_keys: bool = False,
    keys: dict[str, Any] | None = None,
    stores: dict[str, Any] | None = None,
    admin: dict[str, Any] | None = None,
    **settings: Any,
) -> AsyncIterator[Till]:
    """Run a sidecar whose ledger lies in *folder*, if it is durable, in front of a simulator."""
    own = sim is None
    sim = sim or Simulator(clock=SystemClock(), roll=roll, honours_keys=honours_keys)
    if own:
        await sim.start()
    ledger = "memory" if folder is None else f"sqlite:{folder / 'ledger.db'}"
    acme = provider(
        sim.port,
        **{"profile": "sim", "timeouts": SHORT, "idempotency": keys or EMULATE, **settings},
    )
    try:
        async with sidecar(
            {"acme": provider(sim.port, **acme)},
            stores={"ledger": ledger, **(stores or {})},
            **(admin or {}),
        ) as proxy:
            yield Till(proxy, sim)
    finally:
        if own:
            await sim.stop()
