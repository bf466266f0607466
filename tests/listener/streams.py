"""An answer's rest, as a script of pieces."""

from collections.abc import Callable

from proxy.terms import StreamEnd


class Rest:
    """Gives *pieces*, and counts how often it was closed."""

    def __init__(self, *pieces: bytes | StreamEnd, length: int | None = None) -> None:
        self.length = length
        self.closed = 0
        self._pieces = iter(pieces)

    async def read(self) -> bytes | StreamEnd:
        return next(self._pieces)

    def on_end(self, _: Callable[[], None]) -> None:
        raise AssertionError

    def close(self) -> None:
        self.closed += 1
