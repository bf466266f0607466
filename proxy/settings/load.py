"""A file and an environment become one `Settings`, or all that is wrong with them."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Final, cast

from pydantic import ValidationError

from . import environment
from .fault import ConfigError, Fault, Loc, Origins, in_order
from .file import Document, Plain, read
from .models import Settings
from .rules import broken
from .secret import resolve
from .words import told

QUICKSTART: Final = Path(__file__).parent.parent / "quickstart.yaml"
_ROUNDS: Final = 4
_IN_PROVIDER: Final = 3  # providers, NAME, and then a group of settings

_Values = dict[str, Any]


def load(path: str | None, environ: Mapping[str, str]) -> Settings:
    """Read the configuration at *path*, with what *environ* overrides.

    Without *path* it is the file that `PAYSLUICE_CONFIG` names, else the embedded quickstart.

    Raises:
        ConfigError: it cannot be used. It holds all faults at once, and no secret.
    """
    named = path or environ.get("PAYSLUICE_CONFIG")
    return build(read(Path(named) if named else QUICKSTART), environ)


def build(document: Document, environ: Mapping[str, str]) -> Settings:
    """Make settings of what a file says and what *environ* overrides.

    Raises:
        ConfigError: they cannot be used.
    """
    overrides = environment.parse(environ, document.values)
    origins = Origins(document.lines, overrides.variables)
    secrets = _Secrets(environ, origins)
    sources = [secrets.resolved(overrides.values), secrets.resolved(document.values)]
    faults = [*document.faults, *overrides.faults, *secrets.faults]

    settings, found = _validated(origins, sources)
    faults += [origins.fault(loc, text) for loc, text in found if loc not in secrets.missing]
    if settings is None:
        found = list(_beyond(origins, sources, {loc for loc, _ in found}))
    else:
        found = [*broken(settings)]
    faults += [origins.fault(loc, text) for loc, text in found]
    if faults or settings is None:
        raise ConfigError(in_order(faults))
    return settings


class _Secrets:
    """Looks up the secrets of both sources; what the environment overrides need not be there."""

    def __init__(self, environ: Mapping[str, str], origins: Origins) -> None:
        self._environ = environ
        self._origins = origins
        self._is_first = True
        self.missing: set[Loc] = set()
        self.faults: list[Fault] = []

    def resolved(self, values: dict[str, Plain]) -> _Values:
        """Give *values* with their secrets looked up: of the environment first, then the file."""
        is_file, self._is_first = not self._is_first, False

        def report(loc: Loc, message: str) -> None:
            if not (is_file and self._origins.variable(loc)):
                self.missing.add(loc)
                self.faults.append(self._origins.fault(loc, message))

        return cast("_Values", resolve(values, self._environ, report))


def _validated(
    origins: Origins, sources: list[_Values]
) -> tuple[Settings | None, list[tuple[Loc, str]]]:
    try:
        return Settings.from_sources(origins, *sources), []
    except ValidationError as error:
        return None, list(told(error))


def _beyond(origins: Origins, sources: list[_Values], wrong: set[Loc]) -> Iterator[tuple[Loc, str]]:
    """Give the faults that are hidden behind others: leave out what is *wrong*, and look again."""
    cut: set[Loc] = set()
    for _ in range(_ROUNDS):
        before = frozenset(cut)
        for loc in wrong:
            place = next((loc[:n] for n, step in enumerate(loc) if isinstance(step, int)), loc)
            while place in before:  # it is wrong without that too: around it
                place = place[:-1]
            cut.add(place)
        if () in cut:
            return
        left = [_without(values, cut) for values in sources]
        settings, found = _validated(origins, [*left, _placeholders(left)])
        if settings is not None:
            for loc, text in broken(settings):
                if not any(_touches(each, loc) for each in cut):
                    yield loc, text
            return
        wrong = {loc for loc, _ in found}


def _without(value: Any, cut: set[Loc], loc: Loc = ()) -> Any:
    if not isinstance(value, dict):
        return value
    return {
        key: _without(member, cut, (*loc, key))
        for key, member in value.items()
        if (*loc, key) not in cut
    }


def _placeholders(sources: list[_Values]) -> _Values:
    """Give each provider what it cannot do without, and one provider where none is left."""
    names = [name for values in reversed(sources) for name in values.get("providers", ())]
    return {"providers": {name: {"base_url": "simulator"} for name in names or ["none"]}}


def _touches(cut: Loc, loc: Loc) -> bool:
    """Whether what was left out at *cut* may be why something seems wrong at *loc*."""
    inside = loc[:-1] if len(loc) > _IN_PROVIDER else loc
    return cut[: len(inside)] == inside or loc[: len(cut)] == cut
