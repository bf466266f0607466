"""Large bodies in constant memory, both ways."""

import asyncio
import hashlib
import io
from typing import Any

import aiohttp
import pytest

from tests.support.clock import FakeClock


async def test_a_body_beyond_its_bound_is_refused(start: Any) -> None:
    shop = await start()
    async with shop.session.post(
        f"{shop.base}/payments", data=io.BytesIO(b"x" * (1024 * 1024 + 1))
    ) as answer:
        assert answer.status == 413
    assert not shop.simulator.requests[0].is_whole


@pytest.mark.parametrize("query", ["", "?chunked=1"])
async def test_a_large_answer_streams(query: str, start: Any) -> None:
    shop = await start()
    async with shop.session.get(f"{shop.base}/_sim/bytes/3000001{query}") as answer:
        assert answer.headers.get("Content-Length") == (None if query else "3000001")
        assert sum([len(piece) async for piece in answer.content.iter_any()]) == 3_000_001


async def test_a_large_answer_can_be_cut(start: Any) -> None:
    shop = await start()
    async with shop.session.get(
        f"{shop.base}/_sim/bytes/1000000", headers={"Sim-Fault": "close_mid_answer"}
    ) as answer:
        with pytest.raises(aiohttp.ClientPayloadError):
            await answer.read()


async def test_a_large_upload_is_read_and_proved(start: Any) -> None:
    shop = await start()
    body = b"payload!" * 400_000
    async with shop.session.post(f"{shop.base}/_sim/upload", data=io.BytesIO(body)) as answer:
        assert await answer.json() == {
            "bytes": len(body),
            "sha256": hashlib.sha256(body).hexdigest(),
        }
    assert shop.simulator.requests[0].is_whole


async def test_streams_can_be_refused_and_lost(start: Any) -> None:
    shop = await start()
    async with shop.session.post(
        f"{shop.base}/_sim/upload", data=b"x", headers={"Sim-Fault": "503"}
    ) as answer:
        assert answer.status == 503
    lost = {"Sim-Fault": "charge_then_drop,charge_then_drop"}  # aiohttp repeats a GET once
    with pytest.raises((aiohttp.ServerDisconnectedError, OSError)):
        await shop.session.post(f"{shop.base}/_sim/upload", data=b"x", headers=lost)
    with pytest.raises((aiohttp.ServerDisconnectedError, OSError)):
        await shop.session.get(f"{shop.base}/_sim/bytes/10", headers=lost)


async def test_a_stream_can_be_slow_or_never_come(start: Any) -> None:
    clock = FakeClock()
    shop = await start(clock=clock)
    path = f"{shop.base}/_sim/bytes/10"
    async with shop.session.get(path, headers={"Sim-Fault": "slow=2"}) as answer:
        assert await answer.read() == b"x" * 10
    assert clock.slept == [2.0]
    asked = asyncio.create_task(shop.session.get(path, headers={"Sim-Fault": "hang"}))
    await shop.until(lambda: len(shop.simulator.requests) == 2)
    asked.cancel()
