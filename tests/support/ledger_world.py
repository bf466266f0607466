"""A ledger store of any kind, and the clock it goes by."""

from proxy.ledger.book import Evidence, Met
from proxy.ledger.decide import Said, Source
from proxy.ledger.entry import Entry, State
from proxy.ledger.store import LedgerStore
from tests.support.clock import FakeClock
from tests.support.ledger import claim

LEASE_S = 10.0


class World:
    """A store, and the clock it goes by."""

    def __init__(self, store: LedgerStore, clock: FakeClock) -> None:
        self.clock = clock
        self.store = store

    async def begun(self, **members: object) -> Met:
        met = await self.store.begin(claim(**members))
        assert isinstance(met, Met)
        return met

    async def sent(self, **members: object) -> Entry:
        met = await self.begun(**members)
        entry = await self.store.sending(met.entry.id, met.entry.owner, LEASE_S)
        assert isinstance(entry, Entry)
        return entry

    async def state(self, entry_id: str = "p1") -> State | None:
        entry = await self.store.find(entry_id)
        return entry.state if isinstance(entry, Entry) else None

    async def said(
        self, said: Said, entry_id: str = "p1", *, event_id: str | None = None
    ) -> Evidence:
        """Have a webhook say something of a payment."""
        told = await self.store.settle(
            entry_id, Source.WEBHOOK, said, "event", attempt_timeout_s=LEASE_S, event_id=event_id
        )
        assert isinstance(told, Evidence)
        return told
