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
   - `settle`: asked again, it adds its evidence a second time, as confirmed.
4. A payment that was under way when its sidecar died is unknown once its lease is over: others may
   live on, so a start changes nothing.
"""

from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final

from proxy.ledger.book import (
    TOMBSTONE_S,
    Claim,
    Ended,
    Evidence,
    Met,
    abandon,
    begin,
    end,
    expired,
    is_forgettable,
    purged,
    send,
    settle,
    unknowns,
)
from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Entry, Owner, Recorded, Result, State
from proxy.ledger.store import Away
from proxy.terms import Clock

from . import ledger_statements as ask
from .ledger_rows import to_change, to_entry, to_evidence, to_row
from .ledger_schema import prepare
from .transactions import Again, Rows, Transactions, connect

_SECRET_BYTES: Final = 32


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
        key = (_text(claim.scope), claim.key_hash)

        async def write(rows: Rows) -> Met:
            now, there = await self._one(rows, ask.BY_KEY, *key)
            met = begin(there, claim, now)
            if there is not None and met.meeting is Meeting.NEW:
                # Its owner is gone, and sent nothing: unless it does just now.
                now, there = await self._one(rows, ask.BY_KEY_LOCKED, *key)
                met = begin(there, claim, now)
                if met.gave_way is not None:
                    await rows.execute(ask.CHANGE, *_change(met.gave_way))
            if met.meeting is Meeting.NEW and not _count(
                await rows.execute(ask.ADD, *_values(met.entry))
            ):
                raise Again
            return met

        return await self._transactions.write(write)

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | Away | None:
        """Take the claim for one attempt, just before its first byte; None: it is lost."""

        async def write(rows: Rows) -> Entry | None:
            now, there = await self._one(rows, ask.BY_ID_LOCKED, entry_id)
            entry = send(there, owner, lease_s, now)
            if entry is not None:
                await rows.execute(ask.CHANGE, *_change(entry))
            return entry

        return await self._transactions.write(write)

    async def finish(
        self,
        entry_id: str,
        owner: Owner,
        how: End,
        result: Result | None = None,
        recorded: Recorded | None = None,
    ) -> Ended | Away | None:
        """Note what became of a payment; None where it is not there any more."""

        async def ended(rows: Rows, entry: Entry, now: float) -> Ended:
            told = await _said_of(rows, entry_id) if how is End.FREE else ()
            is_taken = await self._is_key_taken(rows, entry)
            return end(entry, owner, how, result, recorded, now, said=told, is_key_taken=is_taken)

        return await self._end(entry_id, ended)

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | Away | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""

        async def ended(_: Rows, entry: Entry, now: float) -> Ended:
            return abandon(entry, owner, now)

        return await self._end(entry_id, ended)

    async def forget(self, entry_id: str, owner: Owner) -> bool | Away:
        """Drop what is `SENDING`, unless somebody spoke of it; say whether it is gone."""

        async def write(rows: Rows) -> bool:
            _, entry = await self._one(rows, ask.BY_ID_LOCKED, entry_id)
            if entry is None:
                return True
            reference = entry.money.reference
            alike = await self._alike(rows, entry.provider, reference) if reference else ()
            is_gone = is_forgettable(entry, owner, await _said_of(rows, entry_id), alike)
            if is_gone:
                await rows.execute(ask.DROP, entry_id)
            return is_gone

        return await self._transactions.write(write)

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

        async def write(rows: Rows) -> Evidence | None:
            now, there = await self._one(rows, ask.BY_ID_LOCKED, entry_id)
            if there is None:
                return None
            if event_id is not None and await _saw(rows, there.provider, event_id, now):
                return Evidence(source, said, note, now, Settlement.REPEATED)
            entry, told = settle(
                there,
                source,
                said,
                note,
                now=now,
                attempt_timeout_s=attempt_timeout_s,
                is_key_taken=await self._is_key_taken(rows, there),
            )
            await _put(rows, there, entry)
            said_of = (entry_id, told.source, told.said, _text(told.note), told.at)
            await rows.execute(ask.ADD_EVIDENCE, *said_of, told.settlement)
            return told

        return await self._transactions.write(write)

    async def find(self, entry_id: str) -> Entry | Away | None:
        """Give a payment as it is now."""

        async def read(rows: Rows) -> Entry | None:
            now, entry = await self._one(rows, ask.BY_ID, entry_id)
            return None if entry is None else expired(entry, now)

        return await self._transactions.read(read)

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...] | Away:
        """Give all that was said of a payment, in order."""
        return await self._transactions.read(lambda rows: _said_of(rows, entry_id))

    async def by_reference(self, provider: str, reference: str) -> tuple[Entry, ...] | Away:
        """Give a provider's payments with the merchant's own *reference*, the oldest first."""
        return await self._transactions.read(lambda rows: self._alike(rows, provider, reference))

    async def settled(self, limit: int) -> tuple[Entry, ...] | Away:
        """Give the payments of which somebody has said something, the latest said first."""

        async def read(rows: Rows) -> tuple[Entry, ...]:
            found = await rows.fetch(ask.SETTLED, limit)
            return tuple(to_entry(tuple(row)) for row in found)

        return await self._transactions.read(read)

    async def unknowns(self) -> tuple[Entry, ...] | Away:
        """Give the payments of which nobody knows what came, the oldest first."""

        async def read(rows: Rows) -> tuple[Entry, ...]:
            now, found = await self._all(rows, ask.OPEN)
            return unknowns(found, now)

        return await self._transactions.read(read)

    async def purge(self, provider: str, record_for_s: float) -> int | Away:
        """Drop what of a provider's payments need not be kept any more."""

        async def write(rows: Rows) -> int:
            now = await self._now(rows)
            await rows.execute(ask.FORGET, provider, now - TOMBSTONE_S)
            old = (now, now - record_for_s, now - TOMBSTONE_S)
            entries = [to_entry(tuple(row)) for row in await rows.fetch(ask.OLD, provider, *old)]
            after = [purged(entry, record_for_s=record_for_s, now=now) for entry in entries]
            dropped = [(was.id,) for was, kept in zip(entries, after, strict=True) if kept is None]
            await rows.executemany(
                ask.CHANGE, [_change(kept) for kept in after if kept is not None]
            )
            await rows.executemany(ask.DROP, dropped)
            await rows.executemany(ask.DROP_EVIDENCE, dropped)
            return len(entries)

        return await self._transactions.write(write)

    async def _end(
        self, entry_id: str, how: Callable[[Rows, Entry, float], Awaitable[Ended]]
    ) -> Ended | Away | None:
        async def write(rows: Rows) -> Ended | None:
            now, entry = await self._one(rows, ask.BY_ID_LOCKED, entry_id)
            if entry is None:
                return None
            ended = await how(rows, entry, now)
            await _put(rows, entry, ended.entry)
            return ended

        return await self._transactions.write(write)

    async def _alike(self, rows: Rows, provider: str, reference: str) -> tuple[Entry, ...]:
        now, found = await self._all(rows, ask.BY_REFERENCE, provider, _text(reference))
        found.sort(key=lambda entry: entry.created_at)
        return tuple(expired(entry, now) for entry in found)

    async def _is_key_taken(self, rows: Rows, entry: Entry) -> bool:
        """Whether the key of an entry that was released is another's by now."""
        if entry.state is not State.RELEASED or entry.key_hash is None:
            return False
        _, there = await self._one(rows, ask.BY_KEY, _text(entry.scope), entry.key_hash)
        return there is not None

    async def _one(
        self, rows: Rows, look: str, *values: str | bytes | None
    ) -> tuple[float, Entry | None]:
        now, found = await self._all(rows, look, *values)
        return now, next(iter(found), None)

    async def _all(
        self, rows: Rows, look: str, *values: str | bytes | None
    ) -> tuple[float, list[Entry]]:
        """Give the time, and what is found: with nothing found there is one row of the time."""
        found = await rows.fetch(look, *values)
        now = found[0][0] if self._goes_by is None else self._goes_by.wall()
        return now, [to_entry(row[1:]) for row in map(tuple, found) if row[1] is not None]

    async def _now(self, rows: Rows) -> float:
        if self._goes_by is not None:
            return self._goes_by.wall()
        return float(await rows.fetchval(ask.NOW))


async def _put(rows: Rows, before: Entry, after: Entry) -> None:
    if after.key_hash != before.key_hash:
        await rows.execute(ask.KEY, after.id, after.key_hash)
    if after != before:
        await rows.execute(ask.CHANGE, *_change(after))


async def _said_of(rows: Rows, entry_id: str) -> tuple[Evidence, ...]:
    found = await rows.fetch(ask.EVIDENCE, entry_id)
    return tuple(to_evidence(tuple(row)) for row in found)


async def _saw(rows: Rows, provider: str, event_id: str, now: float) -> bool:
    event = (provider, _text(event_id))
    return not _count(await rows.execute(ask.SAW, *event, now, now - TOMBSTONE_S))


def _change(entry: Entry) -> Sequence[Any]:
    return (entry.id, *to_change(entry))


def _count(status: str) -> int:
    """Give how many rows a command has changed: its status ends with that."""
    return int(status.rpartition(" ")[2])


def _values(entry: Entry) -> Sequence[Any]:
    return [_text(value) if isinstance(value, str) else value for value in to_row(entry)]


def _text(value: str) -> str:
    """Give a text as the database can keep it: one strange reference may not refuse a payment."""
    return value.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
