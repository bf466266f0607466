"""The file of SQLite that is the ledger: how it is made, locked, and told from any other."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from proxy.ledger.store import LedgerError

from .ledger_entries import AT_START, TABLE

_APPLICATION: Final = 0x50534C31  # "PSL1", as `file` shows it
_VERSION: Final = 3
_OLDEST: Final = 2
_SCHEMA: Final = (
    *TABLE,
    """CREATE TABLE evidence (
        number INTEGER PRIMARY KEY, entry_id TEXT NOT NULL, source TEXT NOT NULL,
        said TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL, settlement TEXT NOT NULL
    )""",
    "CREATE INDEX evidence_entry ON evidence (entry_id)",
    # Of webhooks: a provider sends each more than once.
    """CREATE TABLE events (
        provider TEXT NOT NULL, id TEXT NOT NULL, at REAL NOT NULL, PRIMARY KEY (provider, id)
    ) WITHOUT ROWID""",
    "CREATE INDEX events_age ON events (at)",
    # What keys and requests are hashed with: whoever has the file has it, and nobody else.
    "CREATE TABLE secret (value BLOB NOT NULL)",
    "INSERT INTO secret (value) VALUES (randomblob(32))",
    f"PRAGMA application_id = {_APPLICATION}",
    f"PRAGMA user_version = {_VERSION}",
)
# Bring a file of the version before to this one.
_FROM_OLDEST: Final = (
    "ALTER TABLE entries ADD COLUMN is_spoken_of INTEGER NOT NULL DEFAULT 0",
    "UPDATE entries SET is_spoken_of = 1 WHERE id IN (SELECT entry_id FROM evidence)",
    f"PRAGMA user_version = {_VERSION}",
)


class LedgerFileError(LedgerError):
    """A file that cannot be the ledger."""


def open_file(path: Path) -> sqlite3.Connection:
    """Open the file at *path*, or make it, and lock it for this process.

    Raises:
        LedgerFileError: it is broken, not ours, of a newer version, or another process has it.
    """
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
            steps: tuple[str, ...] = _SCHEMA
        elif rows.execute("PRAGMA user_version").fetchone()[0] == _OLDEST:
            steps = _FROM_OLDEST
        else:
            steps = ()
        for statement in (*steps, *AT_START):
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
    if not _OLDEST <= version <= _VERSION:
        msg = f"{path} was written by another version (schema {version}, known is {_VERSION})"
        raise LedgerFileError(msg)


def _why(path: Path, error: sqlite3.Error) -> str:
    if getattr(error, "sqlite_errorcode", None) in {sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED}:
        return f"{path} is in use by another process: one sidecar has one ledger file"
    return f"{path} cannot be used as a ledger: {error}"
