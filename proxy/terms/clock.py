"""Time and chance as arguments: only `system` knows the real ones."""

from collections.abc import Callable
from typing import Protocol, TypeAlias

Roll: TypeAlias = Callable[[], float]  # gives a number in [0, 1)
NewId: TypeAlias = Callable[[], str]  # gives an identifier nobody can guess


class Clock(Protocol):
    """Where time comes from, and how one waits for it."""

    def monotonic(self) -> float:
        """Give seconds that never go back; the same scale as the event loop's time."""

    def wall(self) -> float:
        """Give seconds since the Unix epoch."""

    async def sleep(self, seconds: float) -> None:
        """Wait for *seconds*."""
