"""The ledger in one file of SQLite, for one sidecar: durable when a method returns.

Rules:

1. One thread writes. What has come while it wrote before is written together, with one sync to
   disk for all of it (group commit), and nobody is answered before that.
2. The file is locked for as long as the process lives: a second sidecar is refused at its start.
3. A file that is not ours, or is broken, is left as it is: the start is refused.
4. While the disk cannot be written nothing is known: `Away`, and the caller of this sends nothing.
"""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, SimpleQueue
from typing import Final, TypeAlias, TypeVar

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
)
from proxy.ledger.decide import End, Meeting, Said, Source
from proxy.ledger.entry import Entry, Owner, Recorded, Result, State
from proxy.ledger.store import AWAY, Away
from proxy.terms import Clock

from .ledger_rows import COLUMNS, to_entry, to_evidence, to_row

_APPLICATION: Final = 0x50534C31  # "PSL1", as `file` shows it
_VERSION: Final = 1
_MAX_TOGETHER: Final = 256
_SCHEMA: Final = (
    """CREATE TABLE entries (
        id TEXT PRIMARY KEY, provider TEXT NOT NULL, scope TEXT NOT NULL, route TEXT NOT NULL,
        key_hash BLOB, fingerprint BLOB NOT NULL, state TEXT NOT NULL, sidecar TEXT NOT NULL,
        epoch INTEGER NOT NULL, lease_until REAL NOT NULL, created_at REAL NOT NULL,
        changed_at REAL NOT NULL, attempts INTEGER NOT NULL, result TEXT, status INTEGER,
        reason BLOB, headers TEXT, body BLOB, amount TEXT, currency TEXT, reference TEXT
    ) WITHOUT ROWID""",
    # What stands under a key. A payment that a person released keeps its record, not its key.
    """CREATE UNIQUE INDEX entries_key ON entries (scope, key_hash)
        WHERE key_hash IS NOT NULL AND state <> 'released'""",
    """CREATE INDEX entries_open ON entries (created_at)
        WHERE state IN ('sending', 'unknown')""",
    "CREATE INDEX entries_age ON entries (provider, changed_at)",
    """CREATE TABLE evidence (
        number INTEGER PRIMARY KEY, entry_id TEXT NOT NULL, source TEXT NOT NULL,
        said TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL, settlement TEXT NOT NULL
    )""",
    "CREATE INDEX evidence_entry ON evidence (entry_id)",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
_ALL: Final = ", ".join(COLUMNS)
# A conflict of keys is a fault, never a reason to drop what stands there.
_PUT: Final = (
    f"INSERT INTO entries ({_ALL}) VALUES ({', '.join('?' * len(COLUMNS))})"  # noqa: S608
    f" ON CONFLICT (id) DO UPDATE SET {', '.join(f'{name} = excluded.{name}' for name in COLUMNS)}"
)
_BY_ID: Final = f"SELECT {_ALL} FROM entries WHERE id = ?"  # noqa: S608 - our own columns
_BY_KEY: Final = (
    f"SELECT {_ALL} FROM entries WHERE scope = ? AND key_hash = ? AND state <> 'released'"  # noqa: S608
)
_UNKNOWNS: Final = (
    f"SELECT {_ALL} FROM entries WHERE state IN ('sending', 'unknown') ORDER BY created_at"  # noqa: S608
)
_OLD: Final = f"SELECT {_ALL} FROM entries WHERE provider = ? AND changed_at <= ?"  # noqa: S608

_T = TypeVar("_T")
_Job: TypeAlias = Callable[[sqlite3.Connection], None]


class LedgerFileError(Exception):
    """A file that cannot be the ledger; its text is one line for the operator."""


class SqliteLedger:
    """Keeps payments in a file. `open` makes one; `close` ends its thread."""

    def __init__(self, connection: sqlite3.Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock
        self._jobs: SimpleQueue[_Write | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    @classmethod
    def open(cls, path: Path, clock: Clock) -> "SqliteLedger":
        """Open the file at *path*, or make it.

        Raises:
            LedgerFileError: it is broken, not ours, of a newer version, or another process has it.
        """
        return cls(_connect(path), clock)

    async def close(self) -> None:
        """Write what was asked for, and let the file go."""
        self._jobs.put(None)
        await asyncio.to_thread(self._thread.join)
        self._connection.close()

    async def begin(self, claim: Claim) -> Met | Away:
        """Take a key, or say what stands under it. A claim without a key is always new."""

        def write(rows: sqlite3.Connection) -> Met:
            there = None
            if claim.key_hash is not None:
                there = _one(rows, _BY_KEY, claim.scope, claim.key_hash)
            met = begin(there, claim, self._clock.wall())
            if met.meeting is Meeting.NEW and there is not None:
                _drop(rows, there)  # its owner is gone, and sent nothing
            _put(rows, met.entry)
            return met

        return await self._do(write)

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | Away | None:
        """Take the claim for one attempt, just before its first byte; None: it is lost."""

        def write(rows: sqlite3.Connection) -> Entry | None:
            entry = send(_one(rows, _BY_ID, entry_id), owner, lease_s, self._clock.wall())
            if entry is not None:
                _put(rows, entry)
            return entry

        return await self._do(write)

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
        return await self._end(entry_id, lambda one: end(one, owner, how, result, recorded, now))

    async def abandon(self, entry_id: str, owner: Owner) -> Ended | Away | None:
        """Give a key back under which nothing was sent; what may have been sent stays."""
        return await self._end(entry_id, lambda entry: abandon(entry, owner))

    async def settle(
        self, entry_id: str, source: Source, said: Said, note: str, *, attempt_timeout_s: float
    ) -> Evidence | Away | None:
        """Take what somebody says of a payment, and keep it; None where there is no payment."""

        def write(rows: sqlite3.Connection) -> Evidence | None:
            entry = _one(rows, _BY_ID, entry_id)
            if entry is None:
                return None
            now = self._clock.wall()
            entry, told = settle(
                entry, source, said, note, now=now, attempt_timeout_s=attempt_timeout_s
            )
            _put(rows, entry)
            rows.execute(
                "INSERT INTO evidence (entry_id, source, said, note, at, settlement)"
                " VALUES (?, ?, ?, ?, ?, ?)",
                (entry_id, told.source, told.said, told.note, told.at, told.settlement),
            )
            return told

        return await self._do(write)

    async def find(self, entry_id: str) -> Entry | Away | None:
        """Give a payment as it is now."""

        def read(rows: sqlite3.Connection) -> Entry | None:
            entry = _one(rows, _BY_ID, entry_id)
            return None if entry is None else expired(entry, self._clock.wall())

        return await self._do(read)

    async def evidence(self, entry_id: str) -> tuple[Evidence, ...] | Away:
        """Give all that was said of a payment, in order."""
        query = (
            "SELECT source, said, note, at, settlement FROM evidence WHERE entry_id = ?"
            " ORDER BY number"
        )
        return await self._do(
            lambda rows: tuple(to_evidence(row) for row in rows.execute(query, (entry_id,)))
        )

    async def unknowns(self) -> tuple[Entry, ...] | Away:
        """Give the payments of which nobody knows what came, the oldest first."""

        def read(rows: sqlite3.Connection) -> tuple[Entry, ...]:
            now = self._clock.wall()
            found = [expired(to_entry(row), now) for row in rows.execute(_UNKNOWNS)]
            return tuple(entry for entry in found if entry.state is State.UNKNOWN)

        return await self._do(read)

    async def purge(self, provider: str, record_for_s: float) -> Away | None:
        """Drop what of a provider's payments need not be kept any more."""

        def write(rows: sqlite3.Connection) -> None:
            now = self._clock.wall()
            for entry in [to_entry(row) for row in rows.execute(_OLD, (provider, now))]:
                kept = purged(entry, record_for_s=record_for_s, now=now)
                if kept is not entry:
                    _replace(rows, entry, kept)

        return await self._do(write)

    async def _end(self, entry_id: str, how: Callable[[Entry], Ended]) -> Ended | Away | None:
        def write(rows: sqlite3.Connection) -> Ended | None:
            entry = _one(rows, _BY_ID, entry_id)
            if entry is None:
                return None
            ended = how(entry)
            _replace(rows, entry, ended.entry)
            return ended

        return await self._do(write)

    async def _do(self, step: Callable[[sqlite3.Connection], _T]) -> _T | Away:
        """Have the thread take *step*; give what came of it once it is on disk."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[_T | Away] = loop.create_future()
        found: list[_T] = []

        def tell(*, is_kept: bool) -> None:
            if not done.done():
                done.set_result(found[-1] if is_kept else AWAY)  # it may have been taken twice

        self._jobs.put(
            _Write(
                lambda rows: found.append(step(rows)),
                lambda is_kept: loop.call_soon_threadsafe(lambda: tell(is_kept=is_kept)),
            )
        )
        return await done

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            together = [job, *self._waiting()]
            kept = _write_all(self._connection, together)
            for each, is_kept in zip(together, kept, strict=True):
                with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                    each.tell(is_kept)

    def _waiting(self) -> "Iterator[_Write]":
        """Give what has come meanwhile; the end of it all is left for the next look."""
        for _ in range(_MAX_TOGETHER):
            try:
                job = self._jobs.get_nowait()
            except Empty:
                return
            if job is None:
                self._jobs.put(None)
                return
            yield job


class _Write:
    """One step, and whoever waits for it."""

    __slots__ = ("step", "tell")

    def __init__(self, step: _Job, tell: Callable[[bool], object]) -> None:
        self.step = step
        self.tell = tell


def _write_all(rows: sqlite3.Connection, together: "list[_Write]") -> list[bool]:
    """Take all steps in one transaction; where that fails, each in one of its own."""
    if len(together) > 1 and _write(rows, together):
        return [True] * len(together)
    return [_write(rows, [each]) for each in together]


def _write(rows: sqlite3.Connection, together: "list[_Write]") -> bool:
    try:
        rows.execute("BEGIN IMMEDIATE")
        for each in together:
            each.step(rows)
        rows.execute("COMMIT")
    except Exception:  # noqa: BLE001 - the thread must live: who waits is told that it failed
        with contextlib.suppress(sqlite3.Error):
            rows.execute("ROLLBACK")
        return False
    return True


def _one(rows: sqlite3.Connection, query: str, *values: object) -> Entry | None:
    row = rows.execute(query, values).fetchone()
    return None if row is None else to_entry(row)


def _put(rows: sqlite3.Connection, entry: Entry) -> None:
    rows.execute(_PUT, to_row(entry))


def _drop(rows: sqlite3.Connection, entry: Entry) -> None:
    rows.execute("DELETE FROM entries WHERE id = ?", (entry.id,))


def _replace(rows: sqlite3.Connection, entry: Entry, after: Entry | None) -> None:
    if after is None:
        _drop(rows, entry)
    elif after != entry:
        _put(rows, after)


def _connect(path: Path) -> sqlite3.Connection:
    try:
        if path.exists() and path.stat().st_size:
            _look_at(path)
        path.touch(mode=0o600)  # what was paid is nobody else's affair
    except OSError as error:
        msg = f"{path} cannot be used as a ledger: {error.strerror}"
        raise LedgerFileError(msg) from None
    rows = sqlite3.connect(path, isolation_level=None, check_same_thread=False, timeout=0.0)
    try:
        rows.execute("PRAGMA locking_mode = EXCLUSIVE")
        rows.execute("PRAGMA journal_mode = WAL")
        rows.execute("PRAGMA synchronous = FULL")
        rows.execute("BEGIN EXCLUSIVE")
        if rows.execute("PRAGMA application_id").fetchone()[0] == 0:
            for statement in _SCHEMA:
                rows.execute(statement)
        rows.execute("COMMIT")
    except sqlite3.Error as error:
        rows.close()
        raise LedgerFileError(_why(path, error)) from None
    return rows


def _look_at(path: Path) -> None:
    """Refuse a file that is not ours, without touching it."""
    try:
        with contextlib.closing(
            sqlite3.connect(f"file:{path}?mode=ro", uri=True, timeout=0.0)
        ) as rows:
            (application,) = rows.execute("PRAGMA application_id").fetchone()
            (version,) = rows.execute("PRAGMA user_version").fetchone()
            (tables,) = rows.execute("SELECT count(*) FROM sqlite_master").fetchone()
    except sqlite3.Error as error:
        raise LedgerFileError(_why(path, error)) from None
    if not tables and application == 0:
        return  # made, and never filled
    if application != _APPLICATION:
        msg = f"{path} is a database of something else: the ledger needs a file of its own"
        raise LedgerFileError(msg)
    if version != _VERSION:
        msg = f"{path} was written by another version (schema {version}, known is {_VERSION})"
        raise LedgerFileError(msg)


def _why(path: Path, error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"{path} is in use by another process: one sidecar has one ledger file"
    return f"{path} cannot be used as a ledger: {error}"
