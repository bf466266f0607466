"""What keeps the tokens must promise."""

from dataclasses import dataclass
from typing import Protocol

from proxy.terms.units import Rate

from .decide import NoToken

__all__ = ["LimitStore", "NoToken", "Taken"]


@dataclass(frozen=True, slots=True)
class Taken:
    """A token was taken, for use after *wait_s*."""

    wait_s: float
    full_in_s: float  # until all tokens are back; over `burst` intervals where some are waiting


class LimitStore(Protocol):
    """Keeps the tokens of all limits. One an app; it may be shared by many sidecars."""

    async def take(
        self, key: str, *, rate: Rate, burst: int, max_wait_s: float, now: float
    ) -> Taken | NoToken:
        """Take one token of the limit called *key*, or none, in one atomic step.

        There is no `get` and no `set`: between them another sidecar would take the same token.
        *now* is this sidecar's monotonic clock; a shared store goes by its own.
        """
