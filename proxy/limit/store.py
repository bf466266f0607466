"""What keeps the tokens must promise."""

from typing import Final, Protocol

from msgspec import Struct

from .decide import Ask, NotYet, Taken

__all__ = ["AWAY", "Ask", "Away", "LimitStore", "NotYet", "Taken"]


class Away(Struct, frozen=True):
    """The store cannot be asked, and nobody is to go by anything else: no token was taken."""


AWAY: Final = Away()


class LimitStore(Protocol):
    """Keeps the tokens of all limits. One an app; it may be shared by many sidecars."""

    async def take(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet | Away:
        """Take one token of each bucket, or of none, in one atomic step.

        There is no `get` and no `set`: between them another sidecar would take the same token.
        *now* is this sidecar's monotonic clock; a shared store goes by its own. Whoever is
        cancelled meanwhile has taken nothing.
        """

    async def give_back(self, asks: tuple[Ask, ...], now: float) -> None:
        """Put back what was taken for a call that never went out."""
