"""What is asked of PostgreSQL's tables: `ledger_postgresql` says when. Pure."""

from typing import Final

from proxy.ledger.store import PURGED

from .ledger_rows import CHANGING, COLUMNS

_ALL: Final = ", ".join(COLUMNS)
_NOW: Final = "extract(epoch FROM clock_timestamp())::double precision"
NOW: Final = f"SELECT {_NOW}"
ADD: Final = (
    f"INSERT INTO paysluice_entries ({_ALL})"  # noqa: S608 - our own columns
    f" VALUES ({', '.join(f'${number}' for number in range(1, len(COLUMNS) + 1))})"
    " ON CONFLICT DO NOTHING"
)
CHANGE: Final = "UPDATE paysluice_entries SET {} WHERE id = $1".format(  # noqa: S608
    ", ".join(f"{name} = ${number}" for number, name in enumerate(CHANGING, 2))
)
KEY: Final = "UPDATE paysluice_entries SET key_hash = $2 WHERE id = $1"
DROP: Final = "DELETE FROM paysluice_entries WHERE id = $1"


def _look(where: str) -> str:
    """Give a query for the time and what is found, in this order: a lock is waited for first."""
    found = f"SELECT {_ALL} FROM paysluice_entries WHERE {where}"  # noqa: S608
    return f"SELECT {_NOW}, found.* FROM (SELECT) AS one LEFT JOIN ({found}) AS found ON true"  # noqa: S608


BY_ID: Final = _look("id = $1")
BY_ID_LOCKED: Final = _look("id = $1 FOR UPDATE")
BY_KEY: Final = _look("scope = $1 AND key_hash = $2 AND state <> 'released'")
BY_KEY_LOCKED: Final = _look("scope = $1 AND key_hash = $2 AND state <> 'released' FOR UPDATE")
BY_REFERENCE: Final = _look("provider = $1 AND reference = $2 ORDER BY created_at LIMIT 100")
_OPEN: Final = "(state IN ('sending', 'unknown') OR (state = 'begun' AND is_spoken_of))"
OPEN: Final = _look(_OPEN)
EARLY: Final = _look(
    f"{_OPEN} AND EXISTS (SELECT 1 FROM paysluice_evidence"  # noqa: S608 - our own words
    " WHERE entry_id = id AND settlement = 'too_early' AND said <> 'not_processed')"
)
SETTLED: Final = (
    f"SELECT {_ALL} FROM paysluice_entries JOIN"  # noqa: S608
    " (SELECT entry_id, max(number) AS said FROM paysluice_evidence GROUP BY entry_id"
    "  ORDER BY said DESC LIMIT $1) AS evidence"
    " ON entry_id = id ORDER BY said DESC"
)
# What `purged` changes: $2 is now, $3 and $4 what is old enough. Sidecars purge side by side.
OLD: Final = (
    f"SELECT {_ALL} FROM paysluice_entries WHERE provider = $1"  # noqa: S608
    " AND (((state = 'done' OR (state = 'released' AND NOT is_spoken_of)) AND changed_at <= $3)"
    " OR (state IN ('gone', 'released') AND changed_at <= $4)"
    f" OR (state = 'begun' AND lease_until <= $2)) LIMIT {PURGED} FOR UPDATE SKIP LOCKED"
)
ADD_EVIDENCE: Final = (
    "INSERT INTO paysluice_evidence (entry_id, source, said, note, at, settlement)"
    " VALUES ($1, $2, $3, $4, $5, $6)"
)
EVIDENCE: Final = (
    "SELECT source, said, note, at, settlement FROM paysluice_evidence"
    " WHERE entry_id = $1 ORDER BY number"
)
DROP_EVIDENCE: Final = "DELETE FROM paysluice_evidence WHERE entry_id = $1"
SAW: Final = (
    "INSERT INTO paysluice_events AS event (provider, id, at) VALUES ($1, $2, $3)"
    " ON CONFLICT (provider, id) DO UPDATE SET at = excluded.at WHERE event.at <= $4"
)
# Its row is locked, and nobody spoke of it.
FORGET_ENTRY: Final = (
    "DELETE FROM paysluice_entries WHERE id = $1 AND NOT EXISTS"
    " (SELECT 1 FROM paysluice_entries AS other"
    "  WHERE other.provider = $2 AND other.reference = $3 AND other.id <> $1)"
)
FORGET: Final = (
    "DELETE FROM paysluice_events WHERE (provider, id) IN"  # noqa: S608
    " (SELECT provider, id FROM paysluice_events WHERE provider = $1 AND at <= $2"
    f" LIMIT {PURGED} FOR UPDATE SKIP LOCKED)"
)
