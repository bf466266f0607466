"""The ledger in memory: for the simulator and for tests. It is gone with the process."""

from collections.abc import Callable

from proxy.ledger.book import (
    Claim,
    Ended,
    Evidence,
    Met,
    abandon,
    begin,
    end,
    expired,
    purged,
    send,
    settle,
    unknowns,
)
from proxy.ledger.decide import End, Meeting, Said, Source
from proxy.ledger.entry import Entry, Owner, Recorded, Result, State
from proxy.terms import Clock


class MemoryLedger:
    """Keeps payments in dictionaries. No method awaits, so each is one step."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._entries: dict[str, Entry] = {}
        self._ids: dict[tuple[str, bytes], str] = {}  # of what stands under a key
        self._evidence: dict[str, list[Evidence]] = {}

    async def begin(self, claim: Claim) -> Met:
        """Take a key, or say what stands under it. A claim without a key is always new."""
        there = None
        if claim.key_hash is not None:
            there = self._entries.get(self._ids.get((claim.scope, claim.key_hash), ""))
        met = begin(there, claim, self._clock.wall())
        if met.meeting is Meeting.NEW and there is not None and there.state is State.BEGUN:
            del self._entries[there.id]  # its owner is gone, and sent nothing
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
        now = self._clock.wall()
        return self._end(entry_id, lambda one: end(one, owner, how, result, recorded, now))

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""
        return self._end(entry_id, lambda entry: abandon(entry, owner))

    async def settle(
        self, entry_id: str, source: Source, said: Said, note: str, *, attempt_timeout_s: float
    ) -> Evidence | None:
        """Take what somebody says of a payment, and keep it; None where there is no payment."""
        entry = self._entries.get(entry_id)
        if entry is None:
            return None
        entry, evidence = settle(
            entry,
            source,
            said,
            note,
            now=self._clock.wall(),
            attempt_timeout_s=attempt_timeout_s,
        )
        self._keep(entry)
        self._evidence.setdefault(entry_id, []).append(evidence)
        return evidence

    async def find(self, entry_id: str) -> Entry | None:
        """Give a payment as it is now."""
        entry = self._entries.get(entry_id)
        return None if entry is None else expired(entry, self._clock.wall())

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...]:
        """Give all that was said of a payment, in order."""
        return tuple(self._evidence.get(entry_id, ()))

    async def unknowns(self) -> tuple[Entry, ...]:
        """Give the payments of which nobody knows what came, the oldest first."""
        return unknowns(self._entries.values(), self._clock.wall())

    async def purge(self, provider: str, record_for_s: float) -> None:
        """Drop what of a provider's payments need not be kept any more."""
        now = self._clock.wall()
        for entry in [each for each in self._entries.values() if each.provider == provider]:
            self._replace(entry, purged(entry, record_for_s=record_for_s, now=now))

    def _end(self, entry_id: str, how: Callable[[Entry], Ended]) -> Ended | None:
        entry = self._entries.get(entry_id)
        if entry is None:
            return None
        ended = how(entry)
        self._replace(entry, ended.entry)
        return ended

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        if entry.key_hash is not None and entry.state is not State.RELEASED:
            self._ids[entry.scope, entry.key_hash] = entry.id

    def _replace(self, entry: Entry, after: Entry | None) -> None:
        if after is not None:
            self._keep(after)
            return
        del self._entries[entry.id]
        if entry.key_hash is not None and self._ids.get((entry.scope, entry.key_hash)) == entry.id:
            del self._ids[entry.scope, entry.key_hash]
