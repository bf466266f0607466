"""Reads a Structured Field List as strictly as RFC 9651 section 4.2.1 does."""

import re
from collections.abc import Callable
from dataclasses import dataclass

_NUMBER = re.compile(r"-?\d{1,15}(?!\d)")
_TOKEN = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")
_STRING = re.compile(r'"((?:[\x20-\x21\x23-\x5b\x5d-\x7e]|\\["\\])*)"')
_BOOLEAN = re.compile(r"\?([01])")
_KEY = re.compile(r"[a-z*][a-z0-9_.*-]*")
_OWS = re.compile(r"[ \t]*")
_SPACES = re.compile(r" *")


class Token(str):
    """A Token: no String, though both are text."""

    __slots__ = ()


Bare = int | str | bool
_KINDS: tuple[tuple[re.Pattern[str], Callable[[re.Match[str]], Bare]], ...] = (
    (_NUMBER, lambda found: int(found[0])),
    (_STRING, lambda found: re.sub(r"\\(.)", r"\1", found[1])),
    (_BOOLEAN, lambda found: found[1] == "1"),
    (_TOKEN, lambda found: Token(found[0])),
)


@dataclass(frozen=True)
class Member:
    """An Item of a List, with its Parameters."""

    value: Bare
    parameters: dict[str, Bare]


def read_list(text: str) -> list[Member]:
    """Give the members of *text*; Inner Lists, Decimals, Byte Sequences and Dates are refused.

    Raises:
        ValueError: it is no List of such Items; a reader has to ignore the whole of it.
    """
    if not text.isascii():
        raise ValueError(text)
    members: list[Member] = []
    at = _SPACES.match(text).end()  # type: ignore[union-attr]
    text = text.rstrip(" ")
    while at < len(text):
        member, at = _item(text, at)
        members.append(member)
        at = _OWS.match(text, at).end()  # type: ignore[union-attr]
        if at == len(text):
            return members
        if text[at] != ",":
            raise ValueError(text[at:])
        at = _OWS.match(text, at + 1).end()  # type: ignore[union-attr]
        if at == len(text):
            raise ValueError(text)  # a comma at the end
    return members


def _item(text: str, at: int) -> tuple[Member, int]:
    value, at = _bare(text, at)
    parameters: dict[str, Bare] = {}
    while text[at : at + 1] == ";":
        key = _KEY.match(text, _SPACES.match(text, at + 1).end())  # type: ignore[union-attr]
        if key is None:
            raise ValueError(text[at:])
        at, said = key.end(), True
        parameters[key[0]] = said
        if text[at : at + 1] == "=":
            parameters[key[0]], at = _bare(text, at + 1)
    return Member(value, parameters), at


def _bare(text: str, at: int) -> tuple[Bare, int]:
    for kind, read in _KINDS:
        found = kind.match(text, at)
        if found is not None:
            return read(found), found.end()
    raise ValueError(text[at:])
