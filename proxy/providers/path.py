"""Paths into a parsed body: dotted ones are a few dictionary look-ups, JMESPath the rest."""

import re
from collections.abc import Callable
from typing import Final, TypeAlias

import jmespath
from jmespath.exceptions import JMESPathError

Lookup: TypeAlias = Callable[[object], object]

_NAME: Final = r"[A-Za-z_][A-Za-z0-9_]*"
_PLAIN: Final = re.compile(rf"{_NAME}(?:\[\d+\])?(?:\.{_NAME}(?:\[\d+\])?)*")
_STEP: Final = re.compile(rf"({_NAME})|\[(\d+)\]")


def compile_path(path: str) -> Lookup:
    """Turn *path* into a function that gives what stands there, or None. It never raises.

    Raises:
        ValueError: *path* is no JMESPath expression.
    """
    if _PLAIN.fullmatch(path):
        return _plain([step[1] or int(step[2]) for step in _STEP.finditer(path)])
    try:
        expression = jmespath.compile(path)
    except JMESPathError as error:
        msg = f"is not a JMESPath expression: {str(error).splitlines()[0]}"
        raise ValueError(msg) from None

    def search(document: object) -> object:
        try:
            return expression.search(document)
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
