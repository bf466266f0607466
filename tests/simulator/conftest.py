"""A simulator on a real socket, and a shop that pays there."""

import asyncio
from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest

from proxy.simulator import Simulator
from tests.support.clock import FakeClock

ORDER = {"amount": 1000, "currency": "EUR", "reference": "order-1"}


class Shop:
    def __init__(self, simulator: Simulator, session: aiohttp.ClientSession) -> None:
        self.simulator = simulator
        self.session = session
        self.base = f"http://127.0.0.1:{simulator.port}"

    async def pay(self, **headers: str) -> tuple[int, dict[str, str], Any]:
        sent = {name.replace("_", "-"): value for name, value in headers.items()}
        async with self.session.post(f"{self.base}/payments", json=ORDER, headers=sent) as answer:
            is_json = answer.content_type == "application/json"
            document = await answer.json() if is_json else await answer.text()
            return answer.status, dict(answer.headers), document

    async def get(self, path: str) -> Any:
        async with self.session.get(self.base + path) as answer:
            return await answer.json()

    async def until(self, is_so: Callable[[], bool]) -> None:
        async with asyncio.timeout(5):
            while not is_so():  # noqa: ASYNC110 - it polls what has no event
                await asyncio.sleep(0)


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    running: list[Simulator] = []
    # aiohttp repeats a GET by itself when a reused connection drops: never reuse one here.
    connector = aiohttp.TCPConnector(force_close=True)
    async with aiohttp.ClientSession(connector=connector) as session:

        async def begin(**members: Any) -> Shop:
            simulator = Simulator(**({"clock": FakeClock(), "roll": lambda: 0.0} | members))
            await simulator.start()
            running.append(simulator)
            return Shop(simulator, session)

        yield begin
        for simulator in running:
            await simulator.stop()
