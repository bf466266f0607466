"""Settings whose names are promised and whose behaviour is not there yet.

Each is refused wherever it would be ignored. Whoever builds the behaviour deletes its line.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from .fault import Loc
from .models import Settings

NOT_YET: Final = "not in this version yet"


class Later(NamedTuple):
    """A setting that cannot be kept yet, unless it says what it says by default."""

    path: str
    reason: str


LATER: Final = (
    Later("tracing.propagate", "taking trace headers out of requests"),
    Later("tracing.otlp", "exporting spans"),
)


def later(settings: Settings) -> Iterator[tuple[Loc, str]]:
    """Give each setting that this version cannot keep."""
    for row in LATER:
        steps = row.path.split(".")
        parent: Any = settings
        for step in steps[:-1]:
            parent = getattr(parent, step)
        if getattr(parent, steps[-1]) != type(parent).model_fields[steps[-1]].default:
            yield tuple(steps), f"{row.reason}: {NOT_YET}"
