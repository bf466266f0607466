"""Callers that take their answers slowly, or not at all: neither kept for ever nor cut too soon."""

import asyncio
import ssl
import time
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import head
from tests.support.log import lines
from tests.support.raw import Connected, RawProvider, answer
from tests.support.sidecar import Sidecar, provider, sidecar
from tests.support.taker import CallersTls, owed, taker, until_nobody_is_owed

GET = head("GET /acme/x HTTP/1.1", "Connection: close")
OWN = head("GET /x HTTP/1.1")
LARGE = 8_000_000  # more than the kernel keeps on the way, twice over
WITH_TLS = pytest.mark.parametrize("has_tls", [False, True], ids=["plain", "tls"])


async def large(connected: Connected) -> None:
    """Answer with as much as is taken, `LARGE` at most."""
    connected.writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % LARGE)
    for _ in range(LARGE // 100_000):
        connected.writer.write(b"x" * 100_000)
        await connected.writer.drain()


@asynccontextmanager
async def serving(
    folder: Path, *, has_tls: bool, **members: Any
) -> AsyncIterator[tuple[Sidecar, ssl.SSLContext | None]]:
    own = CallersTls(folder)
    if has_tls:
        members["listen_tls"] = own.listen_tls
    async with (
        RawProvider([members.pop("step", large)]) as upstream,
        sidecar({"acme": provider(upstream.port)}, **members) as proxy,
    ):
        yield proxy, own.trusting if has_tls else None


@WITH_TLS
async def test_a_stream_that_nobody_takes_is_cut_off(tmp_path: Path, *, has_tls: bool) -> None:
    callers = {"body_timeout": "100ms"}
    async with serving(tmp_path, has_tls=has_tls, callers=callers) as (proxy, tls):
        async with taker(proxy.port, tls) as one:
            await asyncio.to_thread(one.ask, GET)
            await until_nobody_is_owed(proxy)
        told = lines(proxy, "responded")[0]
        assert (told["status"], told["is_whole"]) == (200, False)


@WITH_TLS
async def test_an_answer_kept_whole_that_nobody_takes_is_cut_off(
    tmp_path: Path, *, has_tls: bool
) -> None:
    """What does not fit the kernel's buffers waits here, over TLS where uvloop hides it."""
    callers, kept = {"body_timeout": "100ms"}, answer(body=b"x" * 900_000)
    many = head("POST /acme/x HTTP/1.1", "Content-Length: 0") * 20
    async with serving(tmp_path, has_tls=has_tls, callers=callers, step=kept) as (proxy, tls):
        async with taker(proxy.port, tls) as one:
            await asyncio.to_thread(one.ask, many)
            await until_nobody_is_owed(proxy)
        assert lines(proxy, "responded")[-1]["is_whole"] is False


@WITH_TLS
async def test_a_slow_but_steady_taker_is_left_alone(tmp_path: Path, *, has_tls: bool) -> None:
    """The kernel tells of room only when a third of its buffer is free: no sign of a stall."""
    callers = {"body_timeout": "200ms"}
    async with serving(tmp_path, has_tls=has_tls, callers=callers) as (proxy, tls):
        async with taker(proxy.port, tls) as one:
            await asyncio.to_thread(one.ask, GET)
            assert await asyncio.to_thread(one.take_all, 200_000, 1.5) >= 200_000
            assert owed(proxy) == 1
        await until_nobody_is_owed(proxy)


@WITH_TLS
async def test_a_stream_is_taken_to_its_end_though_the_sidecar_ends(
    tmp_path: Path, *, has_tls: bool
) -> None:
    drain = {"delay": "0ms", "timeout": "10s"}
    async with serving(tmp_path, has_tls=has_tls, drain=drain) as (proxy, tls):
        async with taker(proxy.port, tls) as one:
            begun = await asyncio.to_thread(one.ask, GET)
            draining = asyncio.ensure_future(proxy.app.drain())
            taken = await asyncio.to_thread(one.take_all, 20_000_000)
            assert len(begun) + taken == LARGE + begun.index(b"\r\n\r\n") + 4
            await draining
        assert "is_whole" not in lines(proxy, "responded")[0]


@pytest.mark.parametrize(("method", "status"), [("HEAD", 200), ("GET", 204)])
async def test_who_asks_on_and_takes_nothing_is_cut_off(
    tmp_path: Path, method: str, status: int
) -> None:
    """Answers without a body are waited for too: they would be kept here without an end."""
    callers = {"body_timeout": "100ms"}
    many = head(f"{method} /acme/x HTTP/1.1") * 500
    wide = answer(status, headers=[("X-Wide", "x" * 5_000)] * 3)
    async with serving(tmp_path, has_tls=False, callers=callers, step=wide) as (proxy, _):
        async with taker(proxy.port) as one:
            await asyncio.to_thread(one.push, many)
        await until_nobody_is_owed(proxy)


async def test_those_who_take_nothing_do_not_outlast_the_drain() -> None:
    names = [f"acme{number}" for number in range(4)]
    drain = {"delay": "0ms", "timeout": "300ms"}
    async with (
        RawProvider([large]) as upstream,
        sidecar(
            {name: provider(upstream.port, listen="127.0.0.1:0") for name in names}, drain=drain
        ) as proxy,
        AsyncExitStack() as open_ones,
    ):
        for address in proxy.app.addresses[1:]:
            one = await open_ones.enter_async_context(taker(address.port))
            await asyncio.to_thread(one.ask, OWN)
        assert owed(proxy) == len(names)
        begun = time.monotonic()
        await proxy.app.drain()
        took_s = time.monotonic() - begun
        assert owed(proxy) == 0
        assert took_s < 0.3 + 1.0 + 1.0  # the drain, the last answers, and a busy machine
