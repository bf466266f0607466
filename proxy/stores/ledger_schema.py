"""The tables of PostgreSQL that are the ledger: how they are made, migrated, and told from others.

Rules:

1. All sidecars come here at their start. One at a time looks and makes: the lock is the
   transaction's own, so it holds behind PgBouncer, and is gone with whoever dies.
2. What is of a newer version, or is not ours, is left as it is: the start is refused.
3. The tables stand where the user's `search_path` leads, and each name says whose it is.
"""

from typing import TYPE_CHECKING, Final

import asyncpg

from proxy.ledger.store import LedgerError

from .ledger_rows import COLUMNS

if TYPE_CHECKING:
    from .transactions import Rows

_LOCK: Final = 0x50534C31  # "PSL1"
# Each brings the tables from the version of its place to the next. None is ever changed.
_STEPS: Final = (
    """
    CREATE TABLE paysluice_entries (
        id text PRIMARY KEY, provider text NOT NULL, scope text NOT NULL, route text NOT NULL,
        operation text NOT NULL, key_hash bytea, fingerprint bytea NOT NULL, state text NOT NULL,
        sidecar text NOT NULL, epoch bigint NOT NULL, lease_until double precision NOT NULL,
        created_at double precision NOT NULL, changed_at double precision NOT NULL,
        attempts integer NOT NULL, result text, status integer, reason bytea, headers text,
        body bytea, key_id bytea, amount text, currency text, reference text
    );
    -- What stands under a key. A payment that a person released keeps its record, not its key.
    CREATE UNIQUE INDEX paysluice_entries_key ON paysluice_entries (scope, key_hash)
        WHERE key_hash IS NOT NULL AND state <> 'released';
    CREATE INDEX paysluice_entries_open ON paysluice_entries (created_at)
        WHERE state IN ('sending', 'unknown');
    CREATE INDEX paysluice_entries_age ON paysluice_entries (provider, state, changed_at);
    CREATE INDEX paysluice_entries_reference ON paysluice_entries (provider, reference)
        WHERE reference IS NOT NULL;
    CREATE TABLE paysluice_evidence (
        number bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, entry_id text NOT NULL,
        source text NOT NULL, said text NOT NULL, note text NOT NULL,
        at double precision NOT NULL, settlement text NOT NULL
    );
    CREATE INDEX paysluice_evidence_entry ON paysluice_evidence (entry_id, number);
    -- Of webhooks: a provider sends each more than once.
    CREATE TABLE paysluice_events (
        provider text NOT NULL, id text NOT NULL, at double precision NOT NULL,
        PRIMARY KEY (provider, id)
    );
    CREATE INDEX paysluice_events_age ON paysluice_events (provider, at);
    -- What keys and requests are hashed with: whoever has the database has it, and nobody else.
    CREATE TABLE paysluice_secret (
        is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one), value bytea NOT NULL
    );
    CREATE TABLE paysluice_schema (
        is_one boolean PRIMARY KEY DEFAULT true CHECK (is_one), version integer NOT NULL
    );
    INSERT INTO paysluice_schema (version) VALUES (0);
    """,
    """
    ALTER TABLE paysluice_entries ADD COLUMN is_spoken_of boolean NOT NULL DEFAULT false;
    UPDATE paysluice_entries SET is_spoken_of = true
        WHERE id IN (SELECT entry_id FROM paysluice_evidence);
    -- Nothing is sent of it any more: once its lease is over it is unknown.
    CREATE INDEX paysluice_entries_spoken ON paysluice_entries (created_at)
        WHERE state = 'begun' AND is_spoken_of;
    """,
)
_VERSION: Final = len(_STEPS)
# Fails where a table has the name, and is none of ours.
_PROBES: Final = (
    f"SELECT {', '.join(COLUMNS)} FROM paysluice_entries LIMIT 0",  # noqa: S608 - our own columns
    "SELECT number, entry_id, source, said, note, at, settlement FROM paysluice_evidence LIMIT 0",
    "SELECT provider, id, at FROM paysluice_events LIMIT 0",
    "SELECT is_one, value FROM paysluice_secret LIMIT 0",
    "SELECT is_one, version FROM paysluice_schema LIMIT 0",
)
_NOT_OURS: Final = "its tables paysluice_… are of something else: the ledger needs them for itself"


class LedgerDatabaseError(LedgerError):
    """A database that cannot be the ledger."""


async def prepare(rows: "Rows", secret: bytes) -> bytes:
    """Make the tables, or bring them up to date; give the secret: *secret* where there is none.

    Raises:
        LedgerDatabaseError: they are not ours, or of a newer version.
    """
    await rows.execute(f"SELECT pg_advisory_xact_lock({_LOCK})")
    version = await _version(rows)
    if version > _VERSION:
        msg = f"it was written by another version (schema {version}, known is {_VERSION})"
        raise LedgerDatabaseError(msg)
    try:
        for step in _STEPS[version:]:
            await rows.execute(step)
        if version < _VERSION:
            await rows.execute(f"UPDATE paysluice_schema SET version = {_VERSION}")  # noqa: S608
        await rows.execute(";".join(_PROBES))
    except (
        asyncpg.DuplicateTableError,
        asyncpg.UndefinedTableError,
        asyncpg.UndefinedColumnError,
        asyncpg.WrongObjectTypeError,
    ):
        raise LedgerDatabaseError(_NOT_OURS) from None
    await rows.execute(
        "INSERT INTO paysluice_secret (value) VALUES ($1) ON CONFLICT DO NOTHING", secret
    )
    return bytes(await rows.fetchval("SELECT value FROM paysluice_secret"))


async def _version(rows: "Rows") -> int:
    """Give the version of the tables; 0 where there are none."""
    encoding = await rows.fetchval("SELECT current_setting('server_encoding')")
    if encoding != "UTF8":  # a reference that does not fit would refuse its payment
        msg = f"its encoding is {encoding}: the ledger needs UTF8"
        raise LedgerDatabaseError(msg)
    if await rows.fetchval("SELECT to_regclass('paysluice_schema') IS NULL"):
        return 0
    try:
        version = await rows.fetchval("SELECT version FROM paysluice_schema")
    except (asyncpg.UndefinedColumnError, asyncpg.WrongObjectTypeError):
        version = None
    if not isinstance(version, int):
        raise LedgerDatabaseError(_NOT_OURS)
    return version
