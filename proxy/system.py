"""The real clock, the real dice: the only module that may reach for either."""

import asyncio
import random
import secrets
import time


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


def new_id() -> str:
    """Give an identifier nobody can guess: 128 bits, as 32 hexadecimal digits."""
    return secrets.token_hex(16)
