"""The table of entries in SQLite.

Rules:

1. Nobody else has the file, so what is under way stands in memory too: the step before a first byte
   reads nothing. What a transaction changed in vain is forgotten with it.
2. What an index looks for stands in columns of its own, so that a change writes few of them: the
   step before a first byte none, the end of a payment two.
"""

import sqlite3
from collections.abc import Iterator
from typing import Final

from proxy.ledger.book import Evidence, of_key
from proxy.ledger.entry import Entry, State
from proxy.ledger.keeping import TOMBSTONE_S

from .ledger_rows import CHANGING, COLUMNS, to_change, to_entry, to_evidence, to_row

_MAX_HELD: Final = 4096  # entries in memory; the rest is read
_OPEN: Final = frozenset({State.BEGUN, State.SENDING})
_MARKS: Final = ("open_since", "closed_as", "closed_at")
# An answer may be purged, or what it released dropped; after it, and without it, a mark stays.
_ANSWER, _MARK = 1, 2

TABLE: Final = (
    """CREATE TABLE entries (
        number INTEGER PRIMARY KEY,
        id TEXT NOT NULL UNIQUE, provider TEXT NOT NULL, scope TEXT NOT NULL, route TEXT NOT NULL,
        operation TEXT NOT NULL, key_hash BLOB, fingerprint BLOB NOT NULL, state TEXT NOT NULL,
        sidecar TEXT NOT NULL, epoch INTEGER NOT NULL, lease_until REAL NOT NULL,
        created_at REAL NOT NULL, changed_at REAL NOT NULL, attempts INTEGER NOT NULL, result TEXT,
        status INTEGER, reason BLOB, headers TEXT, body BLOB, key_id BLOB, amount TEXT,
        currency TEXT, reference TEXT, is_spoken_of INTEGER NOT NULL,
        held_key BLOB, open_since REAL, closed_as INTEGER, closed_at REAL
    )""",
    # What stands under a key. A payment that was released keeps its record, not its key.
    "CREATE UNIQUE INDEX entries_key ON entries (scope, held_key) WHERE held_key IS NOT NULL",
    "CREATE INDEX entries_open ON entries (open_since) WHERE open_since IS NOT NULL",
    """CREATE INDEX entries_closed ON entries (provider, closed_as, closed_at)
        WHERE closed_as IS NOT NULL""",
    """CREATE INDEX entries_reference ON entries (provider, reference)
        WHERE reference IS NOT NULL""",
)
# Whoever began or sent what is open is gone, where nobody had the file.
AT_START: Final = (
    f"""UPDATE entries
        SET state = 'released', held_key = NULL, open_since = NULL, closed_as = {_MARK},
            closed_at = changed_at
        WHERE open_since IS NOT NULL AND state = 'begun' AND NOT is_spoken_of""",  # noqa: S608 - our own number
    "UPDATE entries SET state = 'unknown' WHERE open_since IS NOT NULL AND state <> 'unknown'",
)

_WRITTEN: Final = (*COLUMNS, "held_key", *_MARKS)
_ALL: Final = ", ".join(COLUMNS)
_PLACES: Final = ", ".join("?" * len(_WRITTEN))
_ADD: Final = f"INSERT INTO entries ({', '.join(_WRITTEN)}) VALUES ({_PLACES})"  # noqa: S608
_NEW: Final = ", ".join(f"{name} = ?" for name in (*CHANGING, *_MARKS))
_CHANGE: Final = f"UPDATE entries SET {_NEW} WHERE id = ?"  # noqa: S608 - our own columns
_RELEASE: Final = "UPDATE entries SET held_key = NULL WHERE id = ?"
_TAKE_BACK: Final = "UPDATE entries SET key_hash = ?, held_key = ? WHERE id = ?"
_SEND: Final = (
    "UPDATE entries SET state = ?, lease_until = ?, changed_at = ?, attempts = ? WHERE id = ?"
)
_TELL: Final = (
    "INSERT INTO evidence (entry_id, source, said, note, at, settlement) VALUES (?, ?, ?, ?, ?, ?)"
)
_SAID_OF: Final = (
    "SELECT source, said, note, at, settlement FROM evidence WHERE entry_id = ? ORDER BY number"
)
_BY_ID: Final = f"SELECT {_ALL} FROM entries WHERE id = ?"  # noqa: S608 - our own columns
_BY_KEY: Final = f"SELECT {_ALL} FROM entries WHERE scope = ? AND held_key = ?"  # noqa: S608
_BY_REFERENCE: Final = (
    f"SELECT {_ALL} FROM entries WHERE provider = ? AND reference = ?"  # noqa: S608
    " ORDER BY created_at LIMIT 100"
)
_BESIDE: Final = (
    f"SELECT {_ALL} FROM entries WHERE provider = ? AND reference = ? AND id <> ?"  # noqa: S608
    " LIMIT 1"
)
_SETTLED: Final = (
    f"SELECT {_ALL} FROM entries JOIN"  # noqa: S608
    " (SELECT entry_id, max(evidence.number) AS said FROM evidence GROUP BY entry_id"
    "  ORDER BY said DESC LIMIT ?)"
    " ON entry_id = id ORDER BY said DESC"
)
_OPENED: Final = f"SELECT {_ALL} FROM entries WHERE open_since IS NOT NULL"  # noqa: S608
_EARLY: Final = (
    f"{_OPENED} AND EXISTS (SELECT 1 FROM evidence WHERE entry_id = entries.id"  # noqa: S608
    " AND settlement = 'too_early' AND said <> 'not_processed')"
)
_OLD: Final = (
    f"SELECT {_ALL} FROM entries"  # noqa: S608
    " WHERE provider = ? AND closed_as = ? AND closed_at <= ? LIMIT ?"
)
_LEFT: Final = (
    f"SELECT {_ALL} FROM entries"  # noqa: S608
    " WHERE open_since IS NOT NULL AND state = 'begun' AND provider = ? AND lease_until <= ?"
    " LIMIT ?"
)


class Entries:
    """The entries of one file. Used by its one thread."""

    def __init__(self, rows: sqlite3.Connection) -> None:
        self._rows = rows
        self._held: dict[str, Entry] = {}

    def forget(self) -> None:
        """Read anew: what was changed is not kept."""
        self._held.clear()

    def by_id(self, entry_id: str) -> Entry | None:
        """Give one entry."""
        return self._held.get(entry_id) or next(self._read(_BY_ID, entry_id), None)

    def by_key(self, scope: str, key_hash: bytes) -> Entry | None:
        """Give what stands under a key."""
        return next(self._read(_BY_KEY, scope, key_hash), None)

    def by_reference(self, provider: str, reference: str) -> Iterator[Entry]:
        """Give a provider's entries with a merchant's reference, the oldest first."""
        return self._read(_BY_REFERENCE, provider, reference)

    def beside(self, entry: Entry) -> list[Entry]:
        """Give one other that has the reference of *entry*, if there is one."""
        reference = entry.money.reference
        if reference is None:
            return []
        return list(self._read(_BESIDE, entry.provider, reference, entry.id))

    def opened(self) -> Iterator[Entry]:
        """Give what is under way or unknown."""
        return self._read(_OPENED)

    def early(self) -> Iterator[Entry]:
        """Give what is under way or unknown, of which something was said too early."""
        return self._read(_EARLY)

    def settled(self, limit: int) -> Iterator[Entry]:
        """Give those of which somebody has said something, the latest said first."""
        return self._read(_SETTLED, limit)

    def old(self, provider: str, record_for_s: float, now: float, limit: int) -> list[Entry]:
        """Give what may be kept as less, or not at all."""
        found: list[Entry] = []
        for query, *values in (
            (_OLD, provider, _ANSWER, now - record_for_s),
            (_OLD, provider, _MARK, now - TOMBSTONE_S),
            (_LEFT, provider, now),
        ):
            found += self._read(query, *values, limit - len(found))
        return found

    def add(self, entry: Entry) -> None:
        """Put a new entry in."""
        self._rows.execute(_ADD, (*to_row(entry), entry.key_hash, *_marks(entry)))
        self._hold(entry)

    def send(self, entry: Entry) -> None:
        """Keep what the claim before a first byte changes."""
        values = (entry.state.value, entry.lease_until, entry.changed_at, entry.attempts, entry.id)
        self._rows.execute(_SEND, values)
        self._hold(entry)

    def change(self, entry: Entry) -> None:
        """Keep what may change of an entry."""
        self._rows.execute(_CHANGE, (*to_change(entry), *_marks(entry), entry.id))
        if entry.state is State.RELEASED:
            self._rows.execute(_RELEASE, (entry.id,))
        self._hold(entry)

    def put(self, before: Entry, after: Entry) -> None:
        """Keep an entry as it is *after* a step, if that changed it."""
        if after == before:
            return
        holder = self.holder(before)
        self.change(after)
        if before.state is State.RELEASED and after.state is not State.RELEASED:
            self._rows.execute(_TAKE_BACK, (after.key_hash, after.key_hash, after.id))
            if holder is not None:
                told, evidence = of_key(holder, after, after.changed_at)
                self.change(told)
                self.tell(told, evidence)

    def holder(self, entry: Entry) -> Entry | None:
        """Give who has the key of an entry that was released."""
        if entry.state is not State.RELEASED or entry.key_hash is None:
            return None
        return self.by_key(entry.scope, entry.key_hash)

    def tell(self, entry: Entry, told: Evidence) -> None:
        """Keep what was said of an entry."""
        values = (entry.id, told.source, told.said, told.note, told.at, told.settlement)
        self._rows.execute(_TELL, values)

    def said_of(self, entry_id: str) -> tuple[Evidence, ...]:
        """Give all that was said of an entry, in order."""
        return tuple(map(to_evidence, self._rows.execute(_SAID_OF, (entry_id,))))

    def words_on(self, entry: Entry) -> tuple[Evidence, ...]:
        """Give all that was said of an entry, asking only where something was."""
        return self.said_of(entry.id) if entry.is_spoken_of else ()

    def drop(self, entry: Entry) -> None:
        """Keep an entry no longer, nor what was said of it."""
        self._rows.execute("DELETE FROM entries WHERE id = ?", (entry.id,))
        self._rows.execute("DELETE FROM evidence WHERE entry_id = ?", (entry.id,))
        self._held.pop(entry.id, None)

    def _hold(self, entry: Entry) -> None:
        """Hold what is under way, as far as there is room."""
        if entry.state not in _OPEN:
            self._held.pop(entry.id, None)
        elif entry.id in self._held or len(self._held) < _MAX_HELD:
            self._held[entry.id] = entry

    def _read(self, query: str, *values: object) -> Iterator[Entry]:
        return map(to_entry, self._rows.execute(query, values))


def _marks(entry: Entry) -> tuple[object, ...]:
    """Give the values of `_MARKS`."""
    if not entry.state.is_decided:
        return (entry.created_at, None, None)
    is_answer = entry.state is State.DONE or (
        entry.state is State.RELEASED and not entry.is_spoken_of
    )
    return (None, _ANSWER if is_answer else _MARK, entry.changed_at)
