"""Settings whose names are promised and whose behaviour is not there yet.

Each is refused wherever it would be ignored. Whoever builds the behaviour deletes its line.
"""

from collections.abc import Iterator
from typing import Any, Final, NamedTuple

from pydantic import BaseModel

from .address import StoreAddress
from .fault import Loc
from .models import Settings

NOT_YET: Final = "not in this version yet"


class Later(NamedTuple):
    """A setting that cannot be kept yet; *only* names the one value that is meant, if not all."""

    path: str
    reason: str
    only: str | None = None


LATER: Final = (
    Later("stores.limits", "limits shared between sidecars"),
    Later("tracing.propagate", "taking trace headers out of requests"),
    Later("tracing.otlp", "exporting spans"),
    Later("providers.*.store_failure.limits", "stores that can be away"),
    Later("providers.*.routes.*.priority", "queueing by priority"),
)


def later(settings: Settings) -> Iterator[tuple[Loc, str]]:
    """Give each setting that this version cannot keep."""
    for row in LATER:
        for loc, value, default in _found(settings, tuple(row.path.split(".")), settings, ()):
            is_meant = value != default if row.only is None else value == row.only
            if is_meant and not (isinstance(value, StoreAddress) and value.is_memory):
                yield loc, f"{row.reason}: {NOT_YET}"


def _found(
    here: Any, path: tuple[str, ...], parent: Any, loc: Loc
) -> Iterator[tuple[Loc, Any, Any]]:
    """Give what stands at *path*, and its default; `*` takes every member."""
    if not path:
        default = type(parent).model_fields[loc[-1]].default
        yield loc, here, default
    elif path[0] == "*":
        for name, member in enumerate(here) if isinstance(here, tuple) else here.items():
            yield from _found(member, path[1:], here, (*loc, name))
    elif isinstance(here, BaseModel):
        yield from _found(getattr(here, path[0]), path[1:], here, (*loc, path[0]))
