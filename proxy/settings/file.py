"""One YAML file as plain values, with the line of each; never more than its bounds allow.

The values are built from the parser's events: so duplicate keys are seen, lines are known, aliases
cost nothing, and `off`, `no` and `0660` stay the words they are (YAML 1.2's core schema).
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from .fault import ConfigError, Fault, Loc, render

MAX_BYTES: Final = 1024 * 1024
_MAX_DEPTH: Final = 24
_MAX_NODES: Final = 20_000  # aliases counted as what they stand for

_LOADER: Final[Any] = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_NULL: Final = frozenset({"", "~", "null", "Null", "NULL"})
_BOOL: Final = {"true": True, "True": True, "TRUE": True} | dict.fromkeys(
    ("false", "False", "FALSE"), False
)
_INT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})")
_FLOAT: Final = re.compile(r"-?(?:0|[1-9][0-9]{0,17})\.[0-9]{1,18}")

Plain: TypeAlias = "bool | int | float | str | list[Plain] | dict[str, Plain] | None"


@dataclass(frozen=True, slots=True)
class Document:
    """What a file says, where each part stands, and what is wrong with it so far."""

    values: dict[str, Plain]
    lines: dict[Loc, int] = field(default_factory=dict)
    faults: list[Fault] = field(default_factory=list)


def read(path: Path) -> Document:
    """Read the file at *path*.

    Raises:
        ConfigError: it cannot be read, is too large, or is no YAML mapping.
    """
    try:
        with path.open("rb") as file:
            data = file.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "not a path"
        raise ConfigError([Fault("", f"{path}: cannot be read: {reason}")]) from None
    return parse(data)


def parse(data: bytes) -> Document:
    """Turn the bytes of a file into its values.

    Raises:
        ConfigError: they are too many, or no YAML mapping.
    """
    if len(data) > MAX_BYTES:
        raise ConfigError([Fault("", "the file is larger than 1 MiB")])
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise ConfigError([Fault("", "the file is not UTF-8", line)]) from None
    builder = _Builder()
    try:
        values = builder.document(yaml.parse(text, Loader=_LOADER))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        known = None if mark is None else mark.line + 1
        raise ConfigError([Fault("", f"not YAML: {error.problem}", known)]) from None
    except yaml.YAMLError as error:  # a character that YAML does not allow
        position = getattr(error, "position", 0)
        line = data.count(b"\n", 0, position) + 1
        raise ConfigError([Fault("", "not YAML: a character that is not allowed", line)]) from None
    return Document(values, builder.lines, builder.faults)


class _Builder:
    """Builds values out of the parser's events."""

    def __init__(self) -> None:
        self.lines: dict[Loc, int] = {}
        self.faults: list[Fault] = []
        self._anchors: dict[str, tuple[Plain, int]] = {}
        self._nodes = 0

    def document(self, events: Iterator[Any]) -> dict[str, Plain]:
        """Give the values of the one document; an empty one has none."""
        values: Plain = None
        documents = 0
        for event in events:
            if isinstance(event, yaml.DocumentStartEvent):
                documents += 1
                if documents > 1:
                    raise _stop((), "a second document; one is all that is read", event)
                values = self._node(next(events), events, ())
        if values is None:
            return {}
        if not isinstance(values, dict):
            raise ConfigError([Fault("", "must be a mapping of settings", 1)])
        return values

    def _node(self, event: Any, events: Iterator[Any], loc: Loc) -> Plain:
        if isinstance(event, yaml.AliasEvent):
            return self._alias(event, loc)
        before = self._nodes
        self._count(1, event, loc)
        if event.tag is not None and event.tag != "!":
            self._fault(loc, "a YAML tag is not supported here", event)
        if len(loc) > _MAX_DEPTH:
            raise _stop((), "nested too deeply", event)
        value: Plain
        if isinstance(event, yaml.MappingStartEvent):
            value = self._mapping(events, loc)
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(events, loc)
        else:
            value = scalar(event.value) if event.implicit[0] else event.value
        if event.anchor is not None:  # only now: within itself an anchor is not known
            self._anchors[event.anchor] = (value, self._nodes - before)
        return value

    def _mapping(self, events: Iterator[Any], loc: Loc) -> Plain:
        values: dict[str, Plain] = {}
        while not isinstance(event := next(events), yaml.MappingEndEvent):
            if not isinstance(event, yaml.ScalarEvent):
                raise _stop(loc, "a key must be plain text", event)
            key: str = event.value
            where = (*loc, key)
            if key == "<<" and event.implicit[0]:
                self._fault(loc, "merge keys (<<) are not supported", event)
            elif key in values:
                first = self.lines[where]
                self._fault(where, f"is set twice; the first time on line {first}", event)
            self.lines[where] = _line(event)
            values[key] = self._node(next(events), events, where)
        values.pop("<<", None)
        return values

    def _sequence(self, events: Iterator[Any], loc: Loc) -> Plain:
        values: list[Plain] = []
        while not isinstance(event := next(events), yaml.SequenceEndEvent):
            where = (*loc, len(values))
            self.lines[where] = _line(event)
            values.append(self._node(event, events, where))
        return values

    def _alias(self, event: Any, loc: Loc) -> Plain:
        if event.anchor not in self._anchors:
            raise _stop(loc, "an alias of an anchor that is not known here", event)
        value, size = self._anchors[event.anchor]
        self._count(size, event, loc)
        return value

    def _count(self, nodes: int, event: Any, loc: Loc) -> None:
        self._nodes += nodes
        if self._nodes > _MAX_NODES:
            raise _stop(loc, f"more than {_MAX_NODES} values", event)

    def _fault(self, loc: Loc, message: str, event: Any) -> None:
        self.faults.append(Fault(render(loc), message, _line(event)))


def scalar(text: str) -> bool | int | float | str | None:
    """Give what plain *text* means in YAML 1.2's core schema; whatever is doubtful stays text."""
    if text in _NULL:
        return None
    if text in _BOOL:
        return _BOOL[text]
    if _INT.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text


def _line(event: Any) -> int:
    line: int = event.start_mark.line
    return line + 1


def _stop(loc: Loc, message: str, event: Any) -> ConfigError:
    return ConfigError([Fault(render(loc), message, _line(event))])
