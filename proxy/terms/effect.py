"""What may have happened on the provider's side. Retry safety asks this and nothing else."""

from enum import Enum


class Effect(Enum):
    """What may have happened on the provider's side, measured on the wire."""

    NONE = "none"  # it never left, or the provider says that it did nothing
    UNKNOWN = "unknown"  # it may have left, and nobody said what came of it
    SETTLED = "settled"  # the provider decided


def join(known: Effect, latest: Effect, *, is_keyed: bool) -> Effect:
    """Give the effect of a call, from what was *known* and what its *latest* attempt says.

    `UNKNOWN` absorbs: a harmless last attempt never hides a dangerous first one. Only a decision
    of the provider under a key that it honours lifts it (contract section 4).
    """
    if known is Effect.UNKNOWN:
        return latest if latest is Effect.SETTLED and is_keyed else Effect.UNKNOWN
    return known if latest is Effect.NONE else latest
