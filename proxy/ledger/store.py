"""What keeps the ledger must promise.

Each method is one atomic step, durable when it returns: between a look and a change another sidecar
would take the same key. How an entry changes is `book`'s affair; a store finds it, keeps what comes
of it, and goes by a clock that all who share it have in common.
"""

from typing import Final, Protocol

from msgspec import Struct

from .book import Claim, Ended, Evidence, Met
from .decide import End, Said, Source
from .entry import Entry, Owner, Recorded, Result


class LedgerError(Exception):
    """A store that cannot be the ledger; its text is one line for the operator, without secrets."""


class Away(Struct, frozen=True):
    """The store cannot be reached: nothing is known, and nothing was kept."""


AWAY = Away()
PURGED: Final = 500  # in one step: whoever pays waits for it


class LedgerStore(Protocol):
    """Keeps payments by their id, and by scope and key. One an app; many sidecars may share it."""

    @property
    def is_durable(self) -> bool:
        """Whether what it keeps outlives the process."""

    @property
    def secret(self) -> bytes:
        """32 random bytes, made with the store and kept in it: keys are hashed with them."""

    async def close(self) -> None:
        """Take what was asked for, and let the store go."""

    async def begin(self, claim: Claim) -> Met | Away:
        """Take a key, or say what stands under it. A claim without a key is always new."""

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | Away | None:
        """Take the claim for one attempt, just before its first byte; None: it is lost."""

    async def finish(
        self,
        entry_id: str,
        owner: Owner,
        how: End,
        result: Result | None = None,
        recorded: Recorded | None = None,
    ) -> Ended | Away | None:
        """Note what became of a payment; None where it is not there any more."""

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | Away | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""

    async def forget(self, entry_id: str, owner: Owner) -> bool | Away:
        """Drop what is `SENDING`, unless somebody spoke of it; say whether it is gone."""

    async def settle(
        self,
        entry_id: str,
        source: Source,
        said: Said,
        note: str,
        *,
        attempt_timeout_s: float,
        event_id: str | None = None,
    ) -> Evidence | Away | None:
        """Take what somebody says of a payment, and keep it; None where there is no payment.

        An event of its provider is taken once in the life of a tombstone, with what comes of it.
        """

    async def find(self, entry_id: str) -> Entry | Away | None:
        """Give a payment as it is now."""

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...] | Away:
        """Give all that was said of a payment, in order."""

    async def by_reference(self, provider: str, reference: str) -> tuple[Entry, ...] | Away:
        """Give a provider's payments with the merchant's own *reference*, the oldest first."""

    async def settled(self, limit: int) -> tuple[Entry, ...] | Away:
        """Give the payments of which somebody has said something, the latest said first."""

    async def unknowns(self) -> tuple[Entry, ...] | Away:
        """Give the payments of which nobody knows what came, the oldest first."""

    async def early(self) -> tuple[Entry, ...] | Away:
        """Give the payments that are unknown now, of which more was said while they were sent."""

    async def purge(self, provider: str, record_for_s: float) -> int | Away:
        """Drop what of a provider's payments need not be kept any more, `PURGED` of them at most.

        Gives how many that were: as many as that, and there may be more.
        """
