"""A caller's body: whole where it is small enough to be kept, else a stream read once."""

import asyncio
from collections import deque

from aiohttp import StreamReader
from aiohttp.http_exceptions import HttpProcessingError

from proxy.terms import Refusal, StreamEnd

from .connection import GoingAway
from .settings import MIN_BYTES_PER_S


class CallerBody:
    """A request body as a stream, bounded in bytes, in the time between two pieces and in all.

    A piece may take *idle_s*, and the whole *idle_s* and a second for each `MIN_BYTES_PER_S`.
    """

    def __init__(
        self, content: StreamReader, *, length: int | None, max_bytes: int, idle_s: float
    ) -> None:
        self._content = content
        self._length = length
        self._left_bytes = max_bytes
        self._idle_s = idle_s
        self._waited_s = 0.0  # for the caller, all pieces together
        self._kept: deque[bytes] = deque()
        self._end: StreamEnd | None = None
        self._is_cut = False
        self.is_being_read = False
        self.cut_by = Refusal.CALLER_LEFT  # why the body was cut, once it was

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
        content = self._content
        is_here = content.is_eof() and content.exception() is None
        if is_here and content.total_bytes <= min(max_bytes, self._left_bytes):
            return content.read_nowait()  # it came with its head
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
            return self._kept.popleft()
        return await self._next()

    def cut(self) -> None:
        """End the body here: its request was answered, so what else comes is not for a provider.

        A shorter body that looks whole would be another payment (RFC 9112 section 8).
        """
        self._is_cut = True
        self._kept.clear()

    async def _next(self) -> bytes | StreamEnd:
        if self._end is None:
            piece = StreamEnd.CUT if self._is_cut else await self._receive()
            if isinstance(piece, bytes):
                self._left_bytes -= len(piece)
                if self._left_bytes >= 0:
                    return piece
                piece = StreamEnd.TOO_LARGE
            self._end = piece
        return self._end

    async def _receive(self) -> bytes | StreamEnd:
        self.is_being_read = True
        loop = asyncio.get_running_loop()
        began = loop.time()
        # A caller that sends just enough to be no stall is too slow all the same.
        granted_s = self._idle_s + self._content.total_bytes / MIN_BYTES_PER_S
        try:
            async with asyncio.timeout(min(self._idle_s, granted_s - self._waited_s)):
                piece = await self._content.readany()
        except TimeoutError:
            self.cut_by = Refusal.CALLER_TOO_SLOW
        except HttpProcessingError:
            self.cut_by = Refusal.MALFORMED
        except GoingAway:
            self.cut_by = Refusal.DRAINING
        except Exception:  # noqa: BLE001 - aiohttp raises many classes for a caller who left
            self.cut_by = Refusal.CALLER_LEFT
        else:
            if not self._is_cut:
                return piece or StreamEnd.WHOLE
        finally:
            self._waited_s += loop.time() - began
            self.is_being_read = False
        return StreamEnd.CUT
