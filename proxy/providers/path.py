"""Paths into a parsed body: dotted ones are a few dictionary look-ups, JMESPath the rest."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError
from jmespath.visitor import TreeInterpreter

Lookup: TypeAlias = Callable[[object], object]

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_PLAIN: Final = re.compile(rf"{_NAME}(?:\[\d+\])?(?:\.{_NAME}(?:\[\d+\])?)*")
_EITHER: Final = re.compile(r"\s*\|\|\s*")
_STEP: Final = re.compile(rf"({_NAME})|\[(\d+)\]")


def compile_path(path: str) -> Lookup:
    """Turn *path* into a function that gives what stands there, or None. It never raises.

    Raises:
        ValueError: *path* is no JMESPath expression.
    """
    paths = _EITHER.split(path.strip())
    if all(map(_PLAIN.fullmatch, paths)):
        plain = [_plain([s[1] or int(s[2]) for s in _STEP.finditer(each)]) for each in paths]
        return plain[0] if len(plain) == 1 else _either(plain)
    try:
        expression = jmespath.compile(path)
    except JMESPathError as error:
        msg = f"is not a JMESPath expression: {str(error).splitlines()[0]}"
        raise ValueError(msg) from None

    visit, parsed = TreeInterpreter().visit, expression.parsed

    def search(document: object) -> object:
        try:
            return visit(parsed, document)
        except (ArithmeticError, AttributeError, RecursionError, TypeError, ValueError):
            return None  # a function of JMESPath met a value of another type

    return search


def _plain(steps: list[str | int]) -> Lookup:
    names = [step for step in steps if isinstance(step, str)]
    if len(names) == len(steps):
        return _member(names[0]) if len(names) == 1 else _members(names)

    def walk(document: object) -> object:
        for step in steps:
            if isinstance(step, str):
                if not isinstance(document, dict):
                    return None
                document = document.get(step)
            elif isinstance(document, list) and step < len(document):
                document = document[step]
            else:
                return None
        return document

    return walk


def _either(finds: list[Lookup]) -> Lookup:
    """Give the first that is not false, as JMESPath means it; of false ones the last."""

    def walk(document: object) -> object:
        value: object = None
        for find in finds:
            value = find(document)
            if is_present(value):
                return value
        return value

    return walk


def is_present(value: object) -> bool:
    """Whether something is there: success bodies carry `"error": null`, `""`, `[]` and `false`.

    It is what JMESPath calls true.
    """
    return value is not None and value is not False and value not in ("", [], {})


def _member(name: str) -> Lookup:
    return lambda document: document.get(name) if isinstance(document, dict) else None


def _members(names: list[str]) -> Lookup:
    def walk(document: object) -> object:
        for name in names:
            if not isinstance(document, dict):
                return None
            document = document.get(name)
        return document

    return walk
