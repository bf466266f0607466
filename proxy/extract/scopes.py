"""The places of a body where an error may stand, their members by name.

An error stands in the body itself or in a member such as `error`, `errors[0]` or `fault.detail`.
These places are its scopes, the outermost first. Members are known by their squashed name: written
without regard to case, `_`, `-` and spaces.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from typing import Final, TypeAlias

from .clean import MAX_WORD

Members: TypeAlias = dict[str, object]  # by squashed name
Ranks: TypeAlias = Mapping[str, int]  # squashed names, the more telling first

MAX_UNWRAPPED: Final = 8
_MAX_SCOPES: Final = 12
_MAX_MEMBERS: Final = 200
_SQUASH: Final = str.maketrans("", "", "_- ")


def ranked(*names: str) -> Ranks:
    """Give *names* with their rank."""
    return {name: rank for rank, name in enumerate(names)}


_SCOPES: Final = ranked(
    "error", "errors", "fault", "status", "detail", "details", "cause", "causes", "response",
    "embedded", "errorinformation", "validationerrors", "extensions", "meta",
    "reasons", "body", "exception", "data",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Scope:
    """A place where an error stands."""

    members: Members
    is_in_error: bool  # it stands under a name that speaks of errors, or in a list of them


def find_scopes(tree: object) -> tuple[Scope, ...]:
    """Give the places where an error may stand, the outermost first."""
    found: list[Scope] = []
    queue: list[tuple[object, bool]] = [(tree, False)]
    for node, is_in_error in queue:
        member = _unwrap(node)
        if isinstance(member, dict) and member:
            members = squashed(member)
            found.append(Scope(members, is_in_error or member is not node))
            queue += [
                (value, is_in_error or name.startswith(("err", "fault", "cause")))
                for name in present(members, _SCOPES)
                if isinstance(value := members[name], dict | list)
            ]
        if len(found) >= _MAX_SCOPES or len(queue) > _MAX_SCOPES * 4:
            break
    return tuple(found)


def present(members: Members, names: Ranks) -> list[str]:
    """Give which of *names* stand among *members*, the more telling first."""
    found = [name for name in members if name in names]
    if len(found) > 1:
        found.sort(key=names.__getitem__)
    return found


def squashed(members: dict[str, object]) -> Members:
    """Give *members* by squashed name; of two that become one the first counts."""
    by_name: Members = {}
    for name, value in islice(members.items(), _MAX_MEMBERS):
        by_name.setdefault(_squash(name[:MAX_WORD]), value)
    return by_name


@lru_cache(1024)  # the same few names in every answer of a provider
def _squash(name: str) -> str:
    return name.translate(_SQUASH).lower()


def _unwrap(node: object) -> object:
    """Give the first object of a list, however often it is wrapped."""
    for _ in range(MAX_UNWRAPPED):
        if not isinstance(node, list):
            break
        some = islice(node, _MAX_MEMBERS)
        node = next((item for item in some if isinstance(item, dict | list) and item), None)
    return node
