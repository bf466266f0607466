"""How many callers are owed an answer, so that a drain can wait for the last of them."""

import asyncio
from contextlib import suppress


class Owed:
    """A count that can be waited for to become zero."""

    def __init__(self) -> None:
        self.count = 0
        self._is_zero = asyncio.Event()
        self._is_zero.set()

    def begin(self) -> None:
        """Count one more."""
        self.count += 1
        self._is_zero.clear()

    def end(self) -> None:
        """Count one less."""
        self.count -= 1
        if not self.count:
            self._is_zero.set()

    async def wait(self, timeout_s: float) -> None:
        """Wait until nobody is left, for *timeout_s* at most."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while self.count:  # it may have risen again before we came to look
                    await self._is_zero.wait()
