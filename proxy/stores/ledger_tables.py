"""PostgreSQL's tables, as one step of the ledger reads and changes them.

What changes an entry locks its row first, and reads the server's clock after that.
"""

from collections.abc import Iterable, Sequence
from typing import Any

from proxy.ledger.book import Evidence, expired, of_key
from proxy.ledger.entry import Entry, State
from proxy.ledger.keeping import TOMBSTONE_S
from proxy.terms import Clock

from . import ledger_statements as ask
from .ledger_rows import to_change, to_entry, to_evidence, to_row
from .transactions import Rows


class Tables:
    """Used within one transaction. Entries go by the server's time, or by that of a clock."""

    def __init__(self, rows: Rows, goes_by: Clock | None) -> None:
        self._rows = rows
        self._goes_by = goes_by

    async def now(self) -> float:
        """Give the time, in seconds since the Unix epoch."""
        if self._goes_by is not None:
            return self._goes_by.wall()
        return float(await self._rows.fetchval(ask.NOW))

    async def by_id(self, entry_id: str, *, is_locked: bool = True) -> tuple[float, Entry | None]:
        """Give the time, and one entry."""
        return await self._one(ask.BY_ID_LOCKED if is_locked else ask.BY_ID, entry_id)

    async def by_key(
        self, scope: str, key_hash: bytes | None, *, is_locked: bool = False
    ) -> tuple[float, Entry | None]:
        """Give the time, and what stands under a key."""
        look = ask.BY_KEY_LOCKED if is_locked else ask.BY_KEY
        return await self._one(look, _text(scope), key_hash)

    async def holder(self, entry: Entry) -> Entry | None:
        """Give who has the key of an entry that was released."""
        if entry.state is not State.RELEASED or entry.key_hash is None:
            return None
        _, there = await self.by_key(entry.scope, entry.key_hash, is_locked=True)
        return there

    async def by_reference(self, provider: str, reference: str) -> tuple[Entry, ...]:
        """Give a provider's entries with a merchant's reference, the oldest first."""
        now, found = await self._all(ask.BY_REFERENCE, provider, _text(reference))
        found.sort(key=lambda entry: entry.created_at)
        return tuple(expired(entry, now) for entry in found)

    async def forget(self, entry: Entry) -> bool:
        """Drop an entry of which nobody spoke, unless another has its reference."""
        reference = None if entry.money.reference is None else _text(entry.money.reference)
        done = await self._rows.execute(ask.FORGET_ENTRY, entry.id, entry.provider, reference)
        return _count(done) > 0

    async def opened(self) -> tuple[float, list[Entry]]:
        """Give the time, and what is under way or unknown."""
        return await self._all(ask.OPEN)

    async def early(self) -> tuple[float, list[Entry]]:
        """Give the time, and what is under way or unknown of which something was said too early."""
        return await self._all(ask.EARLY)

    async def settled(self, limit: int) -> tuple[Entry, ...]:
        """Give those of which somebody has said something, the latest said first."""
        found = await self._rows.fetch(ask.SETTLED, limit)
        return tuple(to_entry(tuple(row)) for row in found)

    async def old(self, provider: str, record_for_s: float, now: float) -> list[Entry]:
        """Give what may be kept as less, or not at all."""
        since = (now, now - record_for_s, now - TOMBSTONE_S)
        found = await self._rows.fetch(ask.OLD, provider, *since)
        return [to_entry(tuple(row)) for row in found]

    async def add(self, entry: Entry) -> bool:
        """Put a new entry in; say whether its key was free."""
        values = [_text(value) if isinstance(value, str) else value for value in to_row(entry)]
        return _count(await self._rows.execute(ask.ADD, *values)) > 0

    async def change(self, *entries: Entry) -> None:
        """Keep what may change of entries."""
        await self._rows.executemany(ask.CHANGE, [_change(entry) for entry in entries])

    async def put(self, before: Entry, after: Entry) -> None:
        """Keep an entry as it is *after* a step, if that changed it."""
        if after.key_hash != before.key_hash:
            await self._rows.execute(ask.KEY, after.id, after.key_hash)
            holder = await self.holder(before)
            if holder is not None:
                told, evidence = of_key(holder, after, after.changed_at)
                await self.change(told)
                await self.tell(told, evidence)
        if after != before:
            await self._rows.execute(ask.CHANGE, *_change(after))

    async def drop(self, entries: Iterable[Entry]) -> None:
        """Keep entries no longer, nor what was said of them."""
        dropped = [(entry.id,) for entry in entries]
        await self._rows.executemany(ask.DROP, dropped)
        await self._rows.executemany(ask.DROP_EVIDENCE, dropped)

    async def tell(self, entry: Entry, told: Evidence) -> None:
        """Keep what was said of an entry."""
        values = (entry.id, told.source, told.said, _text(told.note), told.at, told.settlement)
        await self._rows.execute(ask.ADD_EVIDENCE, *values)

    async def said_of(self, entry_id: str) -> tuple[Evidence, ...]:
        """Give all that was said of an entry, in order."""
        found = await self._rows.fetch(ask.EVIDENCE, entry_id)
        return tuple(to_evidence(tuple(row)) for row in found)

    async def words_on(self, entry: Entry) -> tuple[Evidence, ...]:
        """Give all that was said of an entry, asking only where something was."""
        return await self.said_of(entry.id) if entry.is_spoken_of else ()

    async def saw(self, provider: str, event_id: str, now: float) -> bool:
        """Note an event of a provider; say whether it came before."""
        event = (provider, _text(event_id), now, now - TOMBSTONE_S)
        return not _count(await self._rows.execute(ask.SAW, *event))

    async def forget_events(self, provider: str, now: float) -> None:
        """Drop events as old as a tombstone."""
        await self._rows.execute(ask.FORGET, provider, now - TOMBSTONE_S)

    async def _one(self, look: str, *values: str | bytes | None) -> tuple[float, Entry | None]:
        now, found = await self._all(look, *values)
        return now, next(iter(found), None)

    async def _all(self, look: str, *values: str | bytes | None) -> tuple[float, list[Entry]]:
        """Give the time, and what is found: with nothing found there is one row of the time."""
        found = await self._rows.fetch(look, *values)
        now = found[0][0] if self._goes_by is None else self._goes_by.wall()
        return now, [to_entry(row[1:]) for row in map(tuple, found) if row[1] is not None]


def _change(entry: Entry) -> Sequence[Any]:
    return (entry.id, *to_change(entry))


def _count(status: str) -> int:
    """Give how many rows a command has changed: its status ends with that."""
    return int(status.rpartition(" ")[2])


def _text(value: str) -> str:
    """Give a text as the database can keep it: one strange reference may not refuse a payment."""
    return value.encode(errors="replace").decode().replace("\0", "\N{REPLACEMENT CHARACTER}")
