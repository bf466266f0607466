"""The stores that keep the ledger's promises."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from proxy.stores.ledger_memory import MemoryLedger
from proxy.stores.ledger_postgresql import PostgresqlLedger
from proxy.stores.ledger_sqlite import SqliteLedger
from proxy.system import SystemClock, random_bytes
from tests.support.clock import FakeClock
from tests.support.ledger_world import World
from tests.support.postgresql import Server


@pytest.fixture(params=["memory", "sqlite", "postgresql"])
async def here(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[World]:
    clock = FakeClock()
    if request.param == "memory":
        yield World(MemoryLedger(clock), clock)
        return
    store: SqliteLedger | PostgresqlLedger
    if request.param == "sqlite":
        store = SqliteLedger.open(tmp_path / "ledger.db", clock)
    else:
        server: Server = request.getfixturevalue("postgresql")
        store = await PostgresqlLedger.open(
            await server.fresh(), SystemClock(), random_bytes, goes_by=clock
        )
    yield World(store, clock)
    await store.close()
