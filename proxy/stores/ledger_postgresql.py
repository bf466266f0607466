"""The ledger in PostgreSQL, for many sidecars that share it: durable when a method returns.

Rules:

1. Each method is one transaction. What changes an entry locks its row first, and reads the server's
   clock after that: who waited for the row decides by the time it is then.
2. A key is taken by the unique index alone: of all who insert under it one succeeds, and the others
   look again. What stands there is told without a lock, so that a replay writes nothing.
3. While the server is away nothing is known: `Away`, within seconds. That is said, too, where a
   connection is lost while it commits, and so of what may have been kept. Hence
   - `begin`: nothing was sent; a key that was taken is free again when its lease is over;
   - `sending`: its caller sends nothing. If it was kept the payment is `SENDING`, which its owner
     may still end with `finish`, and which nobody else sends; else it turns to unknown;
   - `finish`, `abandon`: to be asked again. An end that was kept stays: that is no contradiction;
   - `forget`: to be asked again. What is gone by then is gone;
   - `settle`: asked again, it adds its evidence a second time, as confirmed; of an event it says
     that it was taken before.
4. A payment that was under way when its sidecar died is unknown once its lease is over: others may
   live on, so a start changes nothing.
"""

from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

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
from proxy.ledger.keeping import is_forgettable, purged, unknowns
from proxy.ledger.store import Away
from proxy.terms import Clock

from .ledger_schema import prepare
from .ledger_tables import Tables
from .transactions import Again, Transactions, connect

_SECRET_BYTES: Final = 32
_T = TypeVar("_T")


class PostgresqlLedger:
    """Keeps payments in a database. `open` makes one; `close` lets its connections go."""

    def __init__(
        self, transactions: Transactions, secret: bytes, goes_by: Clock | None = None
    ) -> None:
        self._transactions = transactions
        self._secret = secret
        self._goes_by = goes_by

    @classmethod
    async def open(
        cls,
        url: str,
        clock: Clock,
        random_bytes: Callable[[int], bytes],
        *,
        goes_by: Clock | None = None,
    ) -> "PostgresqlLedger":
        """Wait for the server at *url*, and make the tables, or bring them up to date.

        Entries go by the server's time, which all sidecars share; tests have them go by theirs.

        Raises:
            LedgerDatabaseError: it cannot be reached or used, is not ours, or of a newer version.
        """
        secret = random_bytes(_SECRET_BYTES)
        transactions, secret = await connect(url, clock, lambda rows: prepare(rows, secret))
        return cls(transactions, secret, goes_by)

    @property
    def is_durable(self) -> bool:
        """Whether what it keeps outlives the process."""
        return True

    @property
    def secret(self) -> bytes:
        """What keys are hashed with: made with the tables, and kept in them."""
        return self._secret

    async def close(self) -> None:
        """Let what is under way end, and the connections go. After it all is `AWAY`."""
        await self._transactions.close()

    async def begin(self, claim: Claim) -> Met | Away:
        """Take a key, or say what stands under it. A claim without a key is always new."""

        async def write(tables: Tables) -> Met:
            now, there = await tables.by_key(claim.scope, claim.key_hash)
            met = begin(there, claim, now)
            if there is not None and met.meeting is Meeting.NEW:
                # Its owner is gone, and sent nothing: unless it does just now.
                now, there = await tables.by_key(claim.scope, claim.key_hash, is_locked=True)
                met = begin(there, claim, now)
                if met.gave_way is not None:
                    await tables.change(met.gave_way)
            if met.meeting is Meeting.NEW and not await tables.add(met.entry):
                raise Again
            return met

        return await self._write(write)

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | Away | None:
        """Take the claim for one attempt, just before its first byte; None: it is lost."""

        async def write(tables: Tables) -> Entry | None:
            now, there = await tables.by_id(entry_id)
            entry = send(there, owner, lease_s, now)
            if there is not None and entry is not None:
                await tables.put(there, entry)
            return entry

        return await self._write(write)

    async def finish(
        self,
        entry_id: str,
        owner: Owner,
        how: End,
        result: Result | None = None,
        recorded: Recorded | None = None,
    ) -> Ended | Away | None:
        """Note what became of a payment; None where it is not there any more."""

        async def write(tables: Tables) -> Ended | None:
            now, entry = await tables.by_id(entry_id)
            if entry is None:
                return None
            said = await tables.words_on(entry)
            is_taken = await tables.holder(entry) is not None
            ended = end(entry, owner, how, result, recorded, now, said=said, is_key_taken=is_taken)
            await tables.put(entry, ended.entry)
            return ended

        return await self._write(write)

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | Away | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""

        async def write(tables: Tables) -> Ended | None:
            now, entry = await tables.by_id(entry_id)
            if entry is None:
                return None
            ended = abandon(entry, owner, now, await tables.words_on(entry))
            await tables.put(entry, ended.entry)
            return ended

        return await self._write(write)

    async def forget(self, entry_id: str, owner: Owner) -> bool | Away:
        """Drop what is `SENDING`, unless somebody spoke of it; say whether it is gone."""

        async def write(tables: Tables) -> bool:
            _, entry = await tables.by_id(entry_id)
            if entry is None:
                return True
            # The rest of what is asked is asked with the step itself: each question is a way there.
            return is_forgettable(entry, owner, ()) and await tables.forget(entry)

        return await self._write(write)

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

        async def write(tables: Tables) -> Evidence | None:
            now, entry = await tables.by_id(entry_id)
            if entry is None:
                return None
            if event_id is not None and await tables.saw(entry.provider, event_id, now):
                return Evidence(source, said, note, now, Settlement.REPEATED)
            after, told = settle(
                entry,
                source,
                said,
                note,
                now=now,
                attempt_timeout_s=attempt_timeout_s,
                is_key_taken=await tables.holder(entry) is not None,
            )
            await tables.put(entry, after)
            await tables.tell(entry, told)
            return told

        return await self._write(write)

    async def find(self, entry_id: str) -> Entry | Away | None:
        """Give a payment as it is now."""

        async def read(tables: Tables) -> Entry | None:
            now, entry = await tables.by_id(entry_id, is_locked=False)
            return None if entry is None else expired(entry, now)

        return await self._read(read)

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...] | Away:
        """Give all that was said of a payment, in order."""
        return await self._read(lambda tables: tables.said_of(entry_id))

    async def by_reference(self, provider: str, reference: str) -> tuple[Entry, ...] | Away:
        """Give a provider's payments with the merchant's own *reference*, the oldest first."""
        return await self._read(lambda tables: tables.by_reference(provider, reference))

    async def settled(self, limit: int) -> tuple[Entry, ...] | Away:
        """Give the payments of which somebody has said something, the latest said first."""
        return await self._read(lambda tables: tables.settled(limit))

    async def unknowns(self) -> tuple[Entry, ...] | Away:
        """Give the payments of which nobody knows what came, the oldest first."""

        async def read(tables: Tables) -> tuple[Entry, ...]:
            now, found = await tables.opened()
            return unknowns(found, now)

        return await self._read(read)

    async def early(self) -> tuple[Entry, ...] | Away:
        """Give the payments that are unknown now, of which more was said while they were sent."""

        async def read(tables: Tables) -> tuple[Entry, ...]:
            now, found = await tables.early()
            return unknowns(found, now)

        return await self._read(read)

    async def purge(self, provider: str, record_for_s: float) -> int | Away:
        """Drop what of a provider's payments need not be kept any more."""

        async def write(tables: Tables) -> int:
            now = await tables.now()
            await tables.forget_events(provider, now)
            entries = await tables.old(provider, record_for_s, now)
            after = [purged(entry, record_for_s=record_for_s, now=now) for entry in entries]
            await tables.change(*(kept for kept in after if kept is not None))
            pairs = zip(entries, after, strict=True)
            await tables.drop(entry for entry, kept in pairs if kept is None)
            return len(entries)

        return await self._write(write)

    async def _write(self, step: Callable[[Tables], Awaitable[_T]]) -> _T | Away:
        return await self._transactions.write(lambda rows: step(Tables(rows, self._goes_by)))

    async def _read(self, step: Callable[[Tables], Awaitable[_T]]) -> _T | Away:
        return await self._transactions.read(lambda rows: step(Tables(rows, self._goes_by)))
