"""The real clock, the real dice: the only module that may reach for either."""

import asyncio
import random
import secrets
import time
from typing import Final

_ID_DIGITS: Final = 32
_IDS_AT_ONCE: Final = 128


class SystemClock:
    """Time as the machine tells it.

    `monotonic` gives seconds that never go back, on the event loop's scale; `wall` gives seconds
    since the Unix epoch. Both are the machine's own functions: the journey asks often.
    """

    monotonic = staticmethod(time.monotonic)
    wall = staticmethod(time.time)

    async def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""
        await asyncio.sleep(seconds)


def roll() -> float:
    """Give a number in [0, 1) for jitter: nobody gains by guessing it."""
    return random.random()  # noqa: S311


def random_bytes(count: int) -> bytes:
    """Give bytes nobody can guess: for secrets and nonces."""
    return secrets.token_bytes(count)


class NewIds:
    """Gives identifiers that nobody can guess: 128 bits, as 32 hexadecimal digits.

    The kernel is asked for many at once: each time costs as much as a policy of the journey.
    """

    def __init__(self) -> None:
        self._digits = ""
        self._place = 0

    def __call__(self) -> str:
        """Give one."""
        if self._place >= len(self._digits):
            self._digits, self._place = secrets.token_hex(_IDS_AT_ONCE * _ID_DIGITS // 2), 0
        begin = self._place
        self._place = begin + _ID_DIGITS
        return self._digits[begin : self._place]
