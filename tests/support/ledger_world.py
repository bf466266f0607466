"""A ledger store of any kind, and the clock it goes by."""

from proxy.ledger.book import Evidence, Met
from proxy.ledger.decide import End, Said, Source
from proxy.ledger.entry import Entry, State
from proxy.ledger.store import LedgerStore
from tests.support.clock import FakeClock
from tests.support.ledger import ME, claim

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


async def two_unknown_one_settled(store: LedgerStore) -> None:
    """Leave two payments whose ends were unknown, of which a person has settled the first."""
    for name in ("p1", "p2"):
        await store.begin(claim(id=name, key_hash=name.encode()))
        await store.sending(name, ME, LEASE_S)
        await store.finish(name, ME, End.UNKNOWN)
    await store.settle("p1", Source.PERSON, Said.SUCCEEDED, "ann", attempt_timeout_s=1.0)


async def as_kept(store: LedgerStore) -> list[tuple[State, bool]]:
    """Give what became of these two, and whether somebody spoke of them."""
    found = [await store.find(name) for name in ("p1", "p2")]
    return [(each.state, each.is_spoken_of) for each in found if isinstance(each, Entry)]
