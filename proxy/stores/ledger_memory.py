"""The ledger in memory: for the simulator and for tests. It is gone with the process."""

from collections.abc import Callable, Iterator
from itertools import islice
from typing import Final

from proxy.ledger.book import (
    Claim,
    Ended,
    Evidence,
    Met,
    abandon,
    begin,
    end,
    expired,
    of_key,
    send,
    settle,
)
from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Entry, Owner, Recorded, Result, State
from proxy.ledger.keeping import TOMBSTONE_S, is_early, is_forgettable, purged, unknowns
from proxy.ledger.store import AWAY, PURGED, Away
from proxy.terms import Clock

MAX_ENTRIES: Final = 100_000  # some 100 MiB; then it refuses: nothing is dropped for room


class MemoryLedger:
    """Keeps payments in dictionaries. No method awaits, so each is one step."""

    def __init__(self, clock: Clock, secret: bytes = bytes(32)) -> None:
        self._clock = clock
        self._secret = secret
        self._entries: dict[str, Entry] = {}
        self._ids: dict[tuple[str, bytes], str] = {}  # of what stands under a key
        self._evidence: dict[str, list[Evidence]] = {}
        self._events: dict[tuple[str, str], float] = {}

    @property
    def is_durable(self) -> bool:
        """Whether what it keeps outlives the process."""
        return False

    @property
    def secret(self) -> bytes:
        """What keys are hashed with."""
        return self._secret

    async def close(self) -> None:
        """Forget everything: there is nothing to let go of."""
        self._entries.clear()
        self._ids.clear()

    async def begin(self, claim: Claim) -> Met | Away:
        """Take a key, or say what stands under it. A claim without a key is always new."""
        there = None
        if claim.key_hash is not None:
            there = self._entries.get(self._ids.get((claim.scope, claim.key_hash), ""))
        if there is None and len(self._entries) >= MAX_ENTRIES:
            return AWAY
        met = begin(there, claim, self._clock.wall())
        if met.meeting is Meeting.NEW and claim.id in self._entries:
            return AWAY  # no payment is written over another
        if met.gave_way is not None:
            self._keep(met.gave_way)
        self._keep(met.entry)
        return met

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | None:
        """Take the claim for one attempt, just before its first byte; None: it is lost."""
        entry = send(self._entries.get(entry_id), owner, lease_s, self._clock.wall())
        if entry is not None:
            self._keep(entry)
        return entry

    async def finish(
        self,
        entry_id: str,
        owner: Owner,
        how: End,
        result: Result | None = None,
        recorded: Recorded | None = None,
    ) -> Ended | None:
        """Note what became of a payment; None where it is not there any more."""
        now, told = self._clock.wall(), self._evidence.get(entry_id, ())

        def ended(entry: Entry) -> Ended:
            holder = self._holder(entry)
            is_taken = holder is not None
            late = end(entry, owner, how, result, recorded, now, said=told, is_key_taken=is_taken)
            self._tell_holder(holder, entry, late.entry, now)
            return late

        return self._end(entry_id, ended)

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""
        now = self._clock.wall()
        told = self._evidence.get(entry_id, ())
        return self._end(entry_id, lambda entry: abandon(entry, owner, now, told))

    async def forget(self, entry_id: str, owner: Owner) -> bool:
        """Drop what is `SENDING`, unless somebody spoke of it; say whether it is gone."""
        entry = self._entries.get(entry_id)
        if entry is None:
            return True
        alike = self._alike(entry.provider, entry.money.reference)
        is_gone = is_forgettable(entry, owner, alike)
        if is_gone:
            self._drop(entry)
        return is_gone

    async def settle(
        self,
        entry_id: str,
        source: Source,
        said: Said,
        note: str,
        *,
        attempt_timeout_s: float,
        event_id: str | None = None,
    ) -> Evidence | None:
        """Take what somebody says of a payment, and keep it; None where there is no payment."""
        entry, now = self._entries.get(entry_id), self._clock.wall()
        if entry is None:
            return None
        if event_id is not None and self._saw(entry.provider, event_id, now):
            return Evidence(source, said, note, now, Settlement.REPEATED)
        holder = self._holder(entry)
        after, evidence = settle(
            entry,
            source,
            said,
            note,
            now=now,
            attempt_timeout_s=attempt_timeout_s,
            is_key_taken=holder is not None,
        )
        self._keep(after)
        self._tell_holder(holder, entry, after, now)
        told = self._evidence.pop(entry_id, [])
        self._evidence[entry_id] = [*told, evidence]  # the latest said stand last
        return evidence

    async def find(self, entry_id: str) -> Entry | None:
        """Give a payment as it is now."""
        entry = self._entries.get(entry_id)
        return None if entry is None else expired(entry, self._clock.wall())

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...]:
        """Give all that was said of a payment, in order."""
        return tuple(self._evidence.get(entry_id, ()))

    async def by_reference(self, provider: str, reference: str) -> tuple[Entry, ...]:
        """Give a provider's payments with the merchant's own *reference*, the oldest first."""
        now = self._clock.wall()
        found = (expired(entry, now) for entry in self._alike(provider, reference))
        return tuple(sorted(found, key=lambda entry: entry.created_at))

    def _saw(self, provider: str, event_id: str, now: float) -> bool:
        for event in [event for event, at in self._events.items() if at <= now - TOMBSTONE_S]:
            del self._events[event]
        is_known = (provider, event_id) in self._events
        self._events.setdefault((provider, event_id), now)
        return is_known

    async def settled(self, limit: int) -> tuple[Entry, ...]:
        """Give the payments of which somebody has said something, the latest said first."""
        latest = (self._entries.get(entry_id) for entry_id in reversed(self._evidence))
        return tuple(islice((entry for entry in latest if entry is not None), limit))

    async def unknowns(self) -> tuple[Entry, ...]:
        """Give the payments of which nobody knows what came, the oldest first."""
        return unknowns(self._entries.values(), self._clock.wall())

    async def early(self) -> tuple[Entry, ...]:
        """Give the payments that are unknown now, of which more was said while they were sent."""
        known = (self._entries.get(each) for each, said in self._evidence.items() if is_early(said))
        return unknowns((entry for entry in known if entry is not None), self._clock.wall())

    async def purge(self, provider: str, record_for_s: float) -> int:
        """Drop what of a provider's payments need not be kept any more."""
        now = self._clock.wall()
        mine = (each for each in self._entries.values() if each.provider == provider)
        kept = ((each, purged(each, record_for_s=record_for_s, now=now)) for each in mine)
        changed = list(islice((pair for pair in kept if pair[0] is not pair[1]), PURGED))
        for entry, after in changed:
            if after is not None:
                self._keep(after)
            else:
                self._drop(entry)
        return len(changed)

    def _end(self, entry_id: str, how: Callable[[Entry], Ended]) -> Ended | None:
        entry = self._entries.get(entry_id)
        if entry is None:
            return None
        ended = how(entry)
        self._keep(ended.entry)
        return ended

    def _alike(self, provider: str, reference: str | None) -> Iterator[Entry]:
        for entry in self._entries.values() if reference is not None else ():
            if entry.provider == provider and entry.money.reference == reference:
                yield entry

    def _holder(self, entry: Entry) -> Entry | None:
        """Give who has the key of an entry that was released."""
        if entry.state is not State.RELEASED or entry.key_hash is None:
            return None
        there = self._entries.get(self._ids.get((entry.scope, entry.key_hash), ""))
        return None if there is None or there.state is State.RELEASED else there

    def _tell_holder(self, holder: Entry | None, before: Entry, after: Entry, now: float) -> None:
        if holder is not None and after.state is not before.state:
            told, evidence = of_key(holder, after, now)
            self._keep(told)
            self._evidence.setdefault(holder.id, []).append(evidence)

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        if entry.key_hash is not None and entry.state is not State.RELEASED:
            self._ids[entry.scope, entry.key_hash] = entry.id

    def _drop(self, entry: Entry) -> None:
        del self._entries[entry.id]
        self._evidence.pop(entry.id, None)
        if entry.key_hash is not None and self._ids.get((entry.scope, entry.key_hash)) == entry.id:
            del self._ids[entry.scope, entry.key_hash]
