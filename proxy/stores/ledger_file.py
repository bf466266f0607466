"""The file of SQLite that is the ledger: how it is made, locked, and told from any other."""

import contextlib
import sqlite3
from pathlib import Path
from typing import Final

from proxy.ledger.store import LedgerError

_APPLICATION: Final = 0x50534C31  # "PSL1", as `file` shows it
_VERSION: Final = 1
_SCHEMA: Final = (
    """CREATE TABLE entries (
        id TEXT PRIMARY KEY, provider TEXT NOT NULL, scope TEXT NOT NULL, route TEXT NOT NULL,
        operation TEXT NOT NULL, key_hash BLOB, fingerprint BLOB NOT NULL, state TEXT NOT NULL,
        sidecar TEXT NOT NULL, epoch INTEGER NOT NULL, lease_until REAL NOT NULL,
        created_at REAL NOT NULL, changed_at REAL NOT NULL, attempts INTEGER NOT NULL, result TEXT,
        status INTEGER, reason BLOB, headers TEXT, body BLOB, key_id BLOB, amount TEXT,
        currency TEXT, reference TEXT
    ) WITHOUT ROWID""",
    # What stands under a key. A payment that a person released keeps its record, not its key.
    """CREATE UNIQUE INDEX entries_key ON entries (scope, key_hash)
        WHERE key_hash IS NOT NULL AND state <> 'released'""",
    """CREATE INDEX entries_open ON entries (created_at)
        WHERE state IN ('sending', 'unknown')""",
    """CREATE INDEX entries_age ON entries (provider, changed_at)
        WHERE state IN ('begun', 'done', 'gone', 'released')""",
    """CREATE TABLE evidence (
        number INTEGER PRIMARY KEY, entry_id TEXT NOT NULL, source TEXT NOT NULL,
        said TEXT NOT NULL, note TEXT NOT NULL, at REAL NOT NULL, settlement TEXT NOT NULL
    )""",
    "CREATE INDEX evidence_entry ON evidence (entry_id)",
    """CREATE INDEX entries_reference ON entries (provider, reference)
        WHERE reference IS NOT NULL""",
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
            for statement in _SCHEMA:
                rows.execute(statement)
        # Nobody else has the file: whoever began or sent these is gone.
        rows.execute("UPDATE entries SET state = 'released' WHERE state = 'begun'")
        rows.execute("UPDATE entries SET state = 'unknown' WHERE state = 'sending'")
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
