"""`PAYSLUICE__A__B=…` as the values of a configuration, one level for each `__`."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Final, cast

from .fault import Fault, Loc, render
from .file import Plain

PREFIX: Final = "PAYSLUICE__"
_MAX_DEPTH: Final = 24
_HEADERS_AT: Final = 3  # providers, NAME, headers, and then a field name


@dataclass(frozen=True, slots=True)
class Overrides:
    """What the environment sets, the variable that sets each value, and what is wrong with it."""

    values: dict[str, Plain] = field(default_factory=dict)
    variables: dict[Loc, str] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def parse(environ: Mapping[str, str], file: Mapping[str, Any]) -> Overrides:
    """Collect the settings in *environ*; header names find their like in *file*, whatever case."""
    found = Overrides()
    names = [name for name in environ if name.startswith(PREFIX)]
    for name in sorted(names, key=lambda name: (name.count("__"), name)):
        keys = tuple(name.removeprefix(PREFIX).lower().split("__"))
        if not all(keys):
            found.faults.append(Fault("", "names no setting", variable=name))
            continue
        named = keys[2:] if keys[0] == "providers" else keys  # a provider may be called 1
        if any(key.isdigit() for key in named):
            message = "names a part of a list; a list is replaced whole, as JSON"
            found.faults.append(Fault(render(keys), message, variable=name))
            continue
        loc = _with_header_name(keys, file)
        value = _value(environ[name])
        if _is_deep(value, _MAX_DEPTH):
            message = "nested too deeply"
        elif not _put(found.values, loc, value):
            message = "is set by another variable too, or that sets what this should stand in"
        else:
            found.variables.update(dict.fromkeys(_leaves(loc, value), name))
            continue
        found.faults.append(Fault(render(loc), message, variable=name))
    return found


def _value(text: str) -> Plain:
    """Read what a variable holds: a JSON list or mapping, `null`, or text."""
    if text == "null":
        return None
    if text[:1] in ("[", "{"):
        try:
            return cast("Plain", json.loads(text))
        except (ValueError, RecursionError):  # `[::1]:8080` is no JSON either
            return text
    return text


def _is_deep(value: Plain, depth: int) -> bool:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return depth == 0 or any(_is_deep(each, depth - 1) for each in inner)


def _with_header_name(keys: tuple[str, ...], file: Mapping[str, Any]) -> tuple[str, ...]:
    """Turn `x_api_key` below `headers` into `X-Api-Key`, or into the name that the file uses."""
    if len(keys) != _HEADERS_AT + 1 or (keys[0], keys[2]) != ("providers", "headers"):
        return keys
    name = keys[3].replace("_", "-")
    here: Any = file
    for key in keys[:_HEADERS_AT]:
        here = here.get(key) if isinstance(here, Mapping) else None
    for known in here if isinstance(here, Mapping) else ():
        if known.lower() in (name, keys[3]):
            return (*keys[:_HEADERS_AT], known)
    return (*keys[:_HEADERS_AT], "-".join(part.capitalize() for part in name.split("-")))


def _put(values: dict[str, Plain], loc: tuple[str, ...], value: Plain) -> bool:
    """Set *value* at *loc*, shorter paths first; False where something else stands there."""
    here = values
    for key in loc[:-1]:
        inner = here.setdefault(key, {})
        if not isinstance(inner, dict):
            return False
        here = inner
    if loc[-1] in here:
        return False
    here[loc[-1]] = value
    return True


def _leaves(loc: Loc, value: Plain) -> Iterator[Loc]:
    """Give the places that *value* sets: a list is one, a mapping as many as it has members."""
    if isinstance(value, dict) and value:
        for key, inner in value.items():
            yield from _leaves((*loc, key), inner)
    else:
        yield loc
