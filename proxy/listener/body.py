"""A caller's body: whole where it is small enough to be kept, else a stream read once."""

import asyncio

from aiohttp import StreamReader

from proxy.terms import StreamEnd


class CallerBody:
    """A request body as a stream, bounded in bytes and in the time between two pieces."""

    def __init__(
        self, content: StreamReader, *, length: int | None, max_bytes: int, idle_s: float
    ) -> None:
        self._content = content
        self._length = length
        self._left_bytes = max_bytes
        self._idle_s = idle_s
        self._kept: list[bytes] = []
        self._end: StreamEnd | None = None

    @property
    def length(self) -> int | None:
        """Bytes announced by Content-Length; None where the body is chunked."""
        return self._length

    async def keep(self, max_bytes: int) -> bytes | StreamEnd | None:
        """Read the whole body if it fits into *max_bytes*; None where it does not.

        What was read is not lost: `read` gives it first.
        """
        if self._length == 0:
            return b""
        if self._length is not None and self._length > max_bytes:
            return None
        size = 0
        while isinstance(piece := await self._next(), bytes):
            self._kept.append(piece)
            size += len(piece)
            if size > max_bytes:
                return None
        return b"".join(self._kept) if piece is StreamEnd.WHOLE else piece

    async def read(self) -> bytes | StreamEnd:
        """Give the next piece, or how the body ended."""
        if self._kept:
            return self._kept.pop(0)
        return await self._next()

    async def _next(self) -> bytes | StreamEnd:
        if self._end is None:
            piece = await self._receive()
            if isinstance(piece, bytes):
                self._left_bytes -= len(piece)
                if self._left_bytes >= 0:
                    return piece
                piece = StreamEnd.TOO_LARGE
            self._end = piece
        return self._end

    async def _receive(self) -> bytes | StreamEnd:
        try:
            async with asyncio.timeout(self._idle_s):
                piece = await self._content.readany()
        except Exception:  # noqa: BLE001 - aiohttp raises many classes for one fact
            return StreamEnd.CUT
        return piece or StreamEnd.WHOLE
