"""An attempt on its own, over real sockets, with all that it is built from."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest

from proxy.attempt.connect import Connector, Origin, tls_context
from proxy.attempt.pool import Pool
from proxy.attempt.request import RequestHead
from proxy.attempt.send import Attempt
from proxy.attempt.settings import ConnectionSettings, TimeoutSettings, TlsSettings
from proxy.attempt.tunnel import Tunnel
from proxy.classify import Classifier
from proxy.providers import load
from proxy.system import NewIds, SystemClock
from proxy.terms import Call, Event, Headers, Outcome
from tests.support import make


@dataclass
class Leg:
    """One provider's leg: its pool, its attempt, and what it reported."""

    attempt: Attempt
    pool: Pool
    events: list[Event] = field(default_factory=list)

    async def send(self, **members: Any) -> Outcome:
        return await self.attempt(self.call(**members))

    def call(self, **members: Any) -> Call:
        deadline = asyncio.get_running_loop().time() + 5.0
        return make.call(**{"deadline": deadline, **members})


MakeLeg = Callable[..., Any]


@pytest.fixture
def leg() -> MakeLeg:
    @asynccontextmanager
    async def open_leg(
        port: int,
        *,
        host: str = "127.0.0.1",
        tls: TlsSettings | None = None,
        tls_s: str = "3s",
        connections: dict[str, Any] | None = None,
        headers: Headers = (),
        tunnel: Tunnel | None = None,
        **timeouts: Any,
    ) -> AsyncIterator[Leg]:
        events: list[Event] = []
        clock = SystemClock()
        settings = TimeoutSettings(**{"attempt": "1s", "tls": tls_s, **timeouts})
        origin = Origin(host, port, is_tls=tls is not None)
        connector = Connector(
            origin,
            settings,
            None if tls is None else tls_context(tls),
            clock,
            tunnel,
        )
        pool = Pool(
            "acme",
            ConnectionSettings(**(connections or {})),
            connector,
            events.append,
            wait_s=settings.pool,
        )
        attempt = Attempt(
            pool,
            RequestHead(origin.authority, lambda: headers),
            Classifier(load("generic")),
            settings,
            clock,
            events.append,
            NewIds(),
        )
        try:
            yield Leg(attempt, pool, events)
        finally:
            pool.close()

    return open_leg
