"""For how long an entry is kept, and as what. Pure."""

from collections.abc import Iterable
from typing import Final

from msgspec.structs import replace

from .book import Evidence, expired
from .decide import Said, Settlement
from .entry import Entry, Owner, State

TOMBSTONE_S: Final = 90 * 86_400.0  # contract section 6


def is_early(said: Iterable[Evidence]) -> bool:
    """Whether something was said of a payment while it was still under way, by who may say it."""
    return any(
        each.settlement is Settlement.TOO_EARLY and each.said is not Said.NOT_PROCESSED
        for each in said
    )


def is_forgettable(entry: Entry, owner: Owner, alike: Iterable[Entry]) -> bool:
    """Whether a payment that was only followed need not be kept, now that it is answered.

    Kept is what somebody spoke of, and what could be taken for another one: any of those *alike*,
    which have its reference, and of which what is said next could be said of it.
    """
    is_ours = entry.owner == owner and entry.state is State.SENDING
    return is_ours and not entry.is_spoken_of and all(each.id == entry.id for each in alike)


def purged(entry: Entry, *, record_for_s: float, now: float) -> Entry | None:
    """Give an entry as it is kept from *now* on; None where it need not be any more.

    What is unknown is kept for ever.
    """
    entry = expired(entry, now)
    age_s = now - entry.changed_at
    match entry.state:
        case State.DONE if age_s >= record_for_s:
            return replace(entry, state=State.GONE, recorded=None, changed_at=now)
        case State.RELEASED if not entry.is_spoken_of and age_s >= record_for_s:
            return None  # nobody's word on it is lost
        case State.GONE | State.RELEASED if age_s >= TOMBSTONE_S:
            return None
        case _:
            return entry


def is_unknown(entry: Entry, now: float) -> bool:
    """Whether nobody knows what came of it."""
    return expired(entry, now).state is State.UNKNOWN


def unknowns(entries: Iterable[Entry], now: float) -> tuple[Entry, ...]:
    """Give those of which nobody knows what came, the oldest first."""
    found = [expired(entry, now) for entry in entries if is_unknown(entry, now)]
    return tuple(sorted(found, key=lambda entry: entry.created_at))
