"""Profiles from YAML: bundled by name, a user's own by path; all faults at once."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from importlib import resources
from pathlib import Path
from typing import Final, TypeAlias

import yaml
from pydantic import ValidationError

from .schema import Profile

_Loader: Final = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_SUFFIX: Final = ".yaml"
_MAX_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 32

Place: TypeAlias = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class Fault:
    """Something wrong with a profile: where, and what."""

    path: str  # dotted; "" for the file as a whole
    line: int  # the first is 1
    message: str


class ProfileError(Exception):
    """A profile that cannot be used, with everything that is wrong with it."""

    def __init__(self, name: str, faults: tuple[Fault, ...]) -> None:
        self.name = name
        self.faults = faults
        super().__init__(
            "\n".join(
                f"{name}:{fault.line}: {fault.path}{': ' if fault.path else ''}{fault.message}"
                for fault in faults
            )
        )


class _BombError(Exception):
    def __init__(self, line: int, message: str) -> None:
        self.line = line
        super().__init__(message)


def names() -> list[str]:
    """Give the names of the bundled profiles, sorted."""
    catalogue = resources.files(__package__) / "catalogue"
    return sorted(
        entry.name.removesuffix(_SUFFIX)
        for entry in catalogue.iterdir()
        if entry.name.endswith(_SUFFIX)
    )


def text(name: str) -> str:
    """Give the YAML of the bundled profile called *name*.

    Raises:
        ProfileError: there is none.
    """
    if name not in names():
        message = f"no such profile; bundled are: {', '.join(names())}"
        raise ProfileError(name, (Fault("", 1, message),))
    entry = resources.files(__package__) / "catalogue" / f"{name}{_SUFFIX}"
    return entry.read_text(encoding="utf-8")


def load(name_or_path: str, *, read_match: Callable[[str], object] = str) -> Profile:
    """Give the profile called so, or in that file (a path has a `/` or ends in `.yaml`).

    *read_match* reads the patterns of its routes, and raises ValueError at one that is none.

    Raises:
        ProfileError: it is not there, or something is wrong with it.
    """
    if "/" not in name_or_path and not name_or_path.endswith(_SUFFIX):
        source = text(name_or_path)
        return parse(source, name=name_or_path, read_match=read_match, is_bundled=True)
    try:
        raw = Path(name_or_path).read_bytes()
    except OSError as error:
        fault = Fault("", 1, f"cannot be read: {error.strerror}")
        raise ProfileError(name_or_path, (fault,)) from None
    if len(raw) > _MAX_BYTES:
        raise ProfileError(name_or_path, (Fault("", 1, "is larger than 1 MiB"),))
    try:
        return parse(raw.decode("utf-8-sig"), name=name_or_path, read_match=read_match)
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise ProfileError(name_or_path, (Fault("", line, "is not UTF-8"),)) from None


def parse(
    source: str,
    *,
    name: str,
    read_match: Callable[[str], object] = str,
    is_bundled: bool = False,
) -> Profile:
    """Turn YAML into a profile; *name* is what its faults call it. Ours are known to be no bombs.

    Raises:
        ProfileError: something is wrong with it.
    """
    try:
        if not is_bundled:
            _refuse_bombs(source)
        root, value = _read(source)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or "cannot be read as YAML"
        fault = Fault("", mark.line + 1 if mark else 1, f"is not YAML: {problem}")
        raise ProfileError(name, (fault,)) from None
    except _BombError as error:
        raise ProfileError(name, (Fault("", error.line, str(error)),)) from None
    except ValueError as error:  # a date that is none, say
        raise ProfileError(name, (Fault("", 1, f"cannot be read: {error}"),)) from None
    faults = [Fault(_dotted(place), line, "stands twice") for place, line in _twice(root, ())]
    profile = None
    try:
        profile = Profile.model_validate(value)
    except ValidationError as error:
        for found in error.errors(include_url=False, include_context=False, include_input=False):
            place, line = _locate(root, found["loc"])
            message = found["msg"].removeprefix("Value error, ")
            faults.append(Fault(_dotted(place), line, message))
    else:
        faults += [
            Fault(_dotted(place), _locate(root, place)[1], message)
            for place, message in (*_loose_ends(profile), *_unread(profile, read_match))
        ]
    if faults or profile is None:
        raise ProfileError(name, tuple(sorted(faults, key=lambda fault: fault.line)))
    return profile


def _read(source: str) -> tuple[yaml.Node | None, object]:
    """Give the nodes of a document, which know their lines, and its value."""
    loader = _Loader(source)
    try:
        root = loader.get_single_node()
        return root, None if root is None else loader.construct_document(root)
    finally:
        loader.dispose()


def _refuse_bombs(source: str) -> None:
    """Refuse what can make a small file a huge or a deep document; no profile needs it."""
    depth = 0
    for event in yaml.parse(source, Loader=_Loader):
        line = event.start_mark.line + 1 if event.start_mark else 1
        if isinstance(event, yaml.AliasEvent):
            raise _BombError(line, "an alias; write it out")
        depth += isinstance(event, yaml.CollectionStartEvent)
        depth -= isinstance(event, yaml.CollectionEndEvent)
        if depth > _MAX_DEPTH:
            raise _BombError(line, "is nested too deep")


def _loose_ends(profile: Profile) -> Iterator[tuple[Place, str]]:
    """Find names that lead nowhere."""
    for place, claim in profile.claims():
        for evidence in claim.evidence:
            if evidence not in profile.sources and not evidence.startswith(("http", "docs/")):
                yield (*place, "evidence"), f"{evidence!r} is neither in `sources` nor a URL"
    yield from _lost_operations(profile)


def _lost_operations(profile: Profile) -> Iterator[tuple[Place, str]]:
    routes = {route.name for route in profile.routes}
    named: list[tuple[Place, tuple[str, ...]]] = [
        (("rules", index, "when", "operations"), rule.when.operations)
        for index, rule in enumerate(profile.rules)
    ]
    for part in ("idempotency", "payments", "lookups"):
        named += [
            ((part, index, "operations"), claim.operations)
            for index, claim in enumerate(getattr(profile, part))
        ]
    if profile.events is not None:
        named.append((("events", "operations"), profile.events.operations))
    for place, operations in named:
        for operation in operations:
            if operation not in routes:
                yield place, f"no route is called {operation!r}"


def _unread(profile: Profile, read_match: Callable[[str], object]) -> Iterator[tuple[Place, str]]:
    for index, route in enumerate(profile.routes):
        try:
            read_match(route.match)
        except ValueError as error:
            yield ("routes", index, "match"), str(error)


def _twice(node: yaml.Node | None, place: Place) -> Iterator[tuple[Place, int]]:
    """Find keys that stand twice in one mapping: YAML would take the last without a word."""
    if isinstance(node, yaml.MappingNode):
        seen: set[str] = set()
        for key, value in node.value:
            name = str(key.value)
            if name in seen:
                yield (*place, name), key.start_mark.line + 1
            seen.add(name)
            yield from _twice(value, (*place, name))
    elif isinstance(node, yaml.SequenceNode):
        for index, value in enumerate(node.value):
            yield from _twice(value, (*place, index))


def _locate(node: yaml.Node | None, loc: tuple[str | int, ...]) -> tuple[Place, int]:
    """Follow *loc* as far as the file goes: what is missing is where it should be."""
    place: list[str | int] = []
    line = node.start_mark.line + 1 if node is not None else 1
    for depth, step in enumerate(loc):
        child = None
        if isinstance(node, yaml.MappingNode):
            found = next((pair for pair in node.value if pair[0].value == str(step)), None)
            if found is not None:
                child, line = found[1], found[0].start_mark.line + 1
        elif isinstance(node, yaml.SequenceNode) and isinstance(step, int):
            child = node.value[step] if step < len(node.value) else None
            line = child.start_mark.line + 1 if child is not None else line
        if child is None:
            if isinstance(node, yaml.MappingNode) and depth == len(loc) - 1:
                place.append(step)
            break
        place.append(step)
        node = child
    return tuple(place), line


def _dotted(place: Place) -> str:
    return ".".join(str(step) for step in place)
