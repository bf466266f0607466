"""What of an answer is still on the wire, as a stream that holds its connection."""

from collections.abc import Callable

from proxy.terms import StreamEnd

from .connection import Connection
from .parse import ResponseParser


class RestOfBody:
    """The rest of an answer's body; its connection goes back to the pool when it ends."""

    def __init__(
        self,
        connection: Connection,
        parser: ResponseParser,
        *,
        body_idle_s: float,
        now: Callable[[], float],
    ) -> None:
        self._connection = connection
        self._parser = parser
        self._body_idle_s = body_idle_s
        self._now = now
        self._end: StreamEnd | None = None
        self._callbacks: list[Callable[[], None]] = []

    @property
    def length(self) -> int | None:
        """Bytes of the whole body, its beginning included; None where nobody said."""
        return self._parser.head.length if self._parser.head is not None else None

    def on_end(self, callback: Callable[[], None]) -> None:
        """Run *callback* once, when the stream has ended, however it did."""
        if self._end is None:
            self._callbacks.append(callback)
        else:
            callback()

    async def read(self) -> bytes | StreamEnd:
        """Give the next piece, or how the stream ended; a stall is a cut."""
        while self._end is None:
            if self._parser.buffered:
                return self._connection.take()
            if self._parser.is_complete:
                self._finish(StreamEnd.WHOLE)
            elif self._parser.problem is not None or not await self._connection.wait(
                self._now() + self._body_idle_s
            ):
                self._finish(StreamEnd.CUT)
        return self._end

    def close(self) -> None:
        """Give up: the connection is closed if the stream has not ended."""
        if self._end is None:
            self._finish(StreamEnd.CUT)

    def _finish(self, end: StreamEnd) -> None:
        self._end = end
        callbacks, self._callbacks = self._callbacks, []
        for callback in callbacks:
            callback()
