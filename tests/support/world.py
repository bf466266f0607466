"""A sidecar between a raw caller and a raw provider, and a request that carries a canary."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from tests.support.caller import caller, head
from tests.support.raw import RawProvider, Step, answer
from tests.support.sidecar import Sidecar, provider, sidecar

CANARY = "4111111111111111"
POST = f"POST /acme/payments?card={CANARY} HTTP/1.1"
SECRET = f"X-Canary: {CANARY}"


@dataclass
class World:
    """A sidecar between a raw caller and a raw provider."""

    proxy: Sidecar
    upstream: RawProvider

    async def ask(self, raw_request: bytes, *, is_head: bool = False) -> Any:
        async with caller(self.proxy.port) as one:
            await one.send(raw_request)
            return await one.answer(is_head=is_head)


@asynccontextmanager
async def world(*steps: Step, acme: Any = None, **members: Any) -> AsyncIterator[World]:
    async with RawProvider(list(steps) or [answer()]) as upstream:
        providers = {"acme": provider(upstream.port, **(acme or {}))}
        async with sidecar(providers, **members) as proxy:
            yield World(proxy, upstream)


def post(
    *fields: str, line: str = POST, host: str | None = "paysluice", body: bytes = b""
) -> bytes:
    return head(line, SECRET, *fields, host=host) + body
