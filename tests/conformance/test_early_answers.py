"""A provider that answers before it has the whole request: the upload stops, the answer counts."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import pytest

from tests.support.caller import Caller, caller, head, sound_envelope
from tests.support.raw import Connected, Step
from tests.support.world import World, world

REFUSED = b"HTTP/1.1 413 Content Too Large\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}"
SIZE = 8_000_000
PIECE = b"x" * 65_536
ONCE = {"retry": {"max_attempts": 1}, "timeouts": {"write_idle": "10s", "attempt": "20s"}}


async def stays(connected: Connected) -> None:
    await connected.reader.read(1)
    await asyncio.Event().wait()


async def ends(connected: Connected) -> None:
    connected.writer.write_eof()
    await asyncio.Event().wait()


async def closes(connected: Connected) -> None:
    connected.close()


async def resets(connected: Connected) -> None:
    connected.reset()


@dataclass
class Early:
    """Reads a head and *enough* of its body, answers, and does *then*."""

    then: Step
    enough: int = 0
    said: bytes = REFUSED
    answered: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, connected: Connected) -> None:
        await connected.reader.readuntil(b"\r\n\r\n")
        await connected.reader.readexactly(self.enough)
        connected.writer.write(self.said)
        self.answered.set()
        await self.then(connected)


@asynccontextmanager
async def uploading(here: World, method: str, framing: str) -> AsyncIterator[Caller]:
    """Upload, as far as it is taken, while the block runs."""
    is_chunked = framing == "chunked"
    fields = "Transfer-Encoding: chunked" if is_chunked else f"Content-Length: {SIZE}"
    piece = b"%x\r\n%b\r\n" % (len(PIECE), PIECE) if is_chunked else PIECE

    async def upload(one: Caller) -> None:
        with contextlib.suppress(ConnectionError):
            for _ in range(SIZE // len(PIECE)):
                await one.send(piece)

    async with caller(here.proxy.port) as one:
        await one.send(head(f"{method} /acme/x HTTP/1.1", fields))
        task = asyncio.create_task(upload(one))
        try:
            yield one
        finally:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)


@pytest.mark.item(61)
@pytest.mark.parametrize("then", [stays, ends, closes, resets], ids=lambda step: step.__name__)
@pytest.mark.parametrize("framing", ["length", "chunked"])
@pytest.mark.parametrize("method", ["POST", "PUT", "GET"])
async def test_an_early_no_is_delivered_however_the_provider_goes_on(
    method: str, framing: str, then: Step
) -> None:
    early = Early(then)
    async with world(acme=ONCE, replay_body="1KiB") as here:
        here.upstream.before_read = early
        async with uploading(here, method, framing) as one:
            reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["provider"]["status"]) == (413, 413)
        assert (envelope["outcome"], envelope["origin"]) == ("rejected", "provider")
        assert here.upstream.connections == 1


@pytest.mark.item(61)
async def test_an_upload_stops_where_an_early_no_came() -> None:
    over = asyncio.Event()
    got = 0

    async def counts(connected: Connected) -> None:
        nonlocal got
        with contextlib.suppress(ConnectionError):
            while piece := await connected.reader.read(65_536):
                got += len(piece)
        over.set()

    async with world(acme=ONCE, replay_body="1KiB") as here:
        here.upstream.before_read = Early(counts, enough=100_000)
        async with uploading(here, "POST", "length") as one:
            assert (await one.answer()).status == 413
            async with asyncio.timeout(5):
                await over.wait()
        assert got < SIZE - 100_000  # and then its connection ended


@pytest.mark.item(61)
@pytest.mark.parametrize("method", ["POST", "GET"])
async def test_a_success_that_begins_early_and_is_not_over_does_not_stop_an_upload(
    method: str,
) -> None:
    got = bytearray()

    async def takes_all(connected: Connected) -> None:
        got.extend(await connected.reader.readexactly(1_000_000))
        connected.writer.write(b"2\r\nok\r\n0\r\n\r\n")
        await asyncio.Event().wait()

    early = Early(takes_all, said=b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
    async with world(acme=ONCE, replay_body="1KiB") as here:
        here.upstream.before_read = early
        async with caller(here.proxy.port) as one:
            await one.send(head(f"{method} /acme/x HTTP/1.1", "Content-Length: 1000000"))
            await early.answered.wait()
            await one.send(b"y" * 1_000_000)
            assert (await one.answer()).body == b"ok"
    assert bytes(got) == b"y" * 1_000_000
