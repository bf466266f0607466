"""The ledger in one file of SQLite, for one sidecar: durable when a method returns.

Rules:

1. One thread writes. What has come while it wrote before is written together, with one sync to
   disk for all of it (group commit), and nobody is answered before that.
2. The file is locked for as long as the process lives: a second sidecar is refused at its start.
3. A file that is not ours, or is broken, is left as it is: the start is refused.
4. While the disk cannot be written nothing is known: `Away`, and the caller of this sends nothing.
"""

import sqlite3
from collections.abc import Callable
from pathlib import Path

from proxy.ledger.book import (
    Claim,
    Ended,
    Evidence,
    Met,
    abandon,
    begin,
    end,
    expired,
    send,
    settle,
)
from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Entry, Owner, Recorded, Result
from proxy.ledger.keeping import TOMBSTONE_S, is_forgettable, purged, unknowns
from proxy.ledger.store import PURGED, Away
from proxy.terms import Clock

from .group_commit import GroupCommit
from .ledger_entries import Entries
from .ledger_file import open_file


class SqliteLedger:
    """Keeps payments in a file. `open` makes one; `close` ends its thread."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._secret = bytes(connection.execute("SELECT value FROM secret").fetchone()[0])
        self._entries = Entries(connection)
        self._commits = GroupCommit(connection, self._entries.forget)

    @classmethod
    def open(cls, path: Path, clock: Clock) -> "SqliteLedger":
        """Open the file at *path*, or make it.

        Raises:
            LedgerFileError: it is broken, not ours, of a newer version, or another process has it.
        """
        return cls(open_file(path), clock)

    @property
    def is_durable(self) -> bool:
        """Whether what it keeps outlives the process."""
        return True

    @property
    def secret(self) -> bytes:
        """What keys are hashed with: made with the file, and kept in it."""
        return self._secret

    async def close(self) -> None:
        """Write what was asked for, and let the file go."""
        await self._commits.close()
        self._connection.close()

    async def begin(self, claim: Claim) -> Met | Away:
        """Take a key, or say what stands under it. A claim without a key is always new."""

        def write() -> Met:
            there = None
            if claim.key_hash is not None:
                there = self._entries.by_key(claim.scope, claim.key_hash)
            met = begin(there, claim, self._clock.wall())
            if met.gave_way is not None:
                self._entries.change(met.gave_way)
            if met.meeting is Meeting.NEW:
                self._entries.add(met.entry)
            return met

        return await self._commits.take(write)

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | Away | None:
        """Take the claim for one attempt, just before its first byte; None: it is lost."""

        def write() -> Entry | None:
            entry = send(self._entries.by_id(entry_id), owner, lease_s, self._clock.wall())
            if entry is not None:
                self._entries.send(entry)
            return entry

        return await self._commits.take(write)

    async def finish(
        self,
        entry_id: str,
        owner: Owner,
        how: End,
        result: Result | None = None,
        recorded: Recorded | None = None,
    ) -> Ended | Away | None:
        """Note what became of a payment; None where it is not there any more."""
        now = self._clock.wall()

        def ended(entry: Entry) -> Ended:
            return end(
                entry,
                owner,
                how,
                result,
                recorded,
                now,
                said=self._entries.words_on(entry),
                is_key_taken=self._entries.holder(entry) is not None,
            )

        return await self._end(entry_id, ended)

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | Away | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""
        now = self._clock.wall()
        return await self._end(
            entry_id, lambda one: abandon(one, owner, now, self._entries.words_on(one))
        )

    async def forget(self, entry_id: str, owner: Owner) -> bool | Away:
        """Drop what is `SENDING`, unless somebody spoke of it; say whether it is gone."""

        def write() -> bool:
            entry = self._entries.by_id(entry_id)
            if entry is None:
                return True
            alike = self._entries.beside(entry)
            is_gone = is_forgettable(entry, owner, alike)
            if is_gone:
                self._entries.drop(entry)
            return is_gone

        return await self._commits.take(write)

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
        """Take what somebody says of a payment, and keep it; None where there is no payment."""

        def write() -> Evidence | None:
            entry, now = self._entries.by_id(entry_id), self._clock.wall()
            if entry is None:
                return None
            if event_id is not None and self._saw(entry.provider, event_id, now):
                return Evidence(source, said, note, now, Settlement.REPEATED)
            after, told = settle(
                entry,
                source,
                said,
                note,
                now=now,
                attempt_timeout_s=attempt_timeout_s,
                is_key_taken=self._entries.holder(entry) is not None,
            )
            self._entries.put(entry, after)
            self._entries.tell(entry, told)
            return told

        return await self._commits.take(write)

    async def find(self, entry_id: str) -> Entry | Away | None:
        """Give a payment as it is now."""

        def read() -> Entry | None:
            entry = self._entries.by_id(entry_id)
            return None if entry is None else expired(entry, self._clock.wall())

        return await self._commits.take(read)

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...] | Away:
        """Give all that was said of a payment, in order."""
        return await self._commits.take(lambda: self._entries.said_of(entry_id))

    async def by_reference(self, provider: str, reference: str) -> tuple[Entry, ...] | Away:
        """Give a provider's payments with the merchant's own *reference*, the oldest first."""

        def read() -> tuple[Entry, ...]:
            now = self._clock.wall()
            found = self._entries.by_reference(provider, reference)
            return tuple(expired(entry, now) for entry in found)

        return await self._commits.take(read)

    async def settled(self, limit: int) -> tuple[Entry, ...] | Away:
        """Give the payments of which somebody has said something, the latest said first."""
        return await self._commits.take(lambda: tuple(self._entries.settled(limit)))

    async def unknowns(self) -> tuple[Entry, ...] | Away:
        """Give the payments of which nobody knows what came, the oldest first."""
        return await self._commits.take(
            lambda: unknowns(self._entries.opened(), self._clock.wall())
        )

    async def early(self) -> tuple[Entry, ...] | Away:
        """Give the payments that are unknown now, of which more was said while they were sent."""
        return await self._commits.take(lambda: unknowns(self._entries.early(), self._clock.wall()))

    async def purge(self, provider: str, record_for_s: float) -> int | Away:
        """Drop what of a provider's payments need not be kept any more."""

        def write() -> int:
            now = self._clock.wall()
            found = self._entries.old(provider, record_for_s, now, PURGED)
            for entry in found:
                kept = purged(entry, record_for_s=record_for_s, now=now)
                if kept is not None:
                    self._entries.change(kept)
                else:
                    self._entries.drop(entry)
            return len(found)

        return await self._commits.take(write)

    async def _end(self, entry_id: str, how: Callable[[Entry], Ended]) -> Ended | Away | None:
        def write() -> Ended | None:
            entry = self._entries.by_id(entry_id)
            if entry is None:
                return None
            ended = how(entry)
            self._entries.put(entry, ended.entry)
            return ended

        return await self._commits.take(write)

    def _saw(self, provider: str, event_id: str, now: float) -> bool:
        self._connection.execute("DELETE FROM events WHERE at <= ?", (now - TOMBSTONE_S,))
        added = self._connection.execute(
            "INSERT INTO events (provider, id, at) VALUES (?, ?, ?) ON CONFLICT DO NOTHING",
            (provider, event_id, now),
        )
        return added.rowcount == 0
