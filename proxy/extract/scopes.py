"""The places of a body where an error may stand, their members by name.

An error stands in the body itself or in a member such as `error`, `errors[0]` or `fault.detail`.
These places are its scopes, the outermost first. Members are known by their squashed name: written
without regard to case, `_`, `-` and spaces.
"""

from collections.abc import Iterable
from functools import lru_cache
from itertools import islice
from typing import Final

from msgspec import Struct

from .clean import MAX_WORD

MAX_UNWRAPPED: Final = 8
_MAX_SCOPES: Final = 12
_MAX_MEMBERS: Final = 200
_MAX_KEPT: Final = 1024  # letters of all names of an object whose form is kept
_SQUASH: Final = str.maketrans("", "", "_- ")


class Names:
    """Squashed names that say one thing, the more telling first."""

    __slots__ = ("_ranks",)

    def __init__(self, *names: str) -> None:
        self._ranks = {name: rank for rank, name in enumerate(names)}

    def among(self, names: Iterable[str]) -> tuple[str, ...]:
        """Give which of *names* are of these, the more telling first."""
        ranks = self._ranks
        return tuple(sorted({name for name in names if name in ranks}, key=ranks.__getitem__))


class Form(dict[Names, tuple[str, ...]]):
    """What an object's names say before a value is read: which of a list of names stand there.

    The errors of a provider have few forms: each list is looked for once in each of them.
    """

    __slots__ = ("has_twins", "names")

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self.names = tuple(name[:MAX_WORD].translate(_SQUASH).lower() for name in names)
        self.has_twins = len(set(self.names)) < len(names)

    def __missing__(self, wanted: Names) -> tuple[str, ...]:
        found = self[wanted] = wanted.among(self.names)
        return found


_kept = lru_cache(256)(Form)


class Members(dict[str, object]):
    """The members of an object by squashed name; of two that become one the first counts.

    `present[NAMES]` gives which of a list of names stand among them, the more telling first.
    """

    __slots__ = ("present",)
    present: Form


def squashed(members: dict[str, object]) -> Members:
    """Give *members* by squashed name."""
    names = tuple(members)[:_MAX_MEMBERS]
    form = _kept(names) if len("".join(names)) <= _MAX_KEPT else Form(names)
    pairs = zip(form.names, members.values(), strict=False)
    by_name = Members(_firsts(pairs) if form.has_twins else pairs)
    by_name.present = form
    return by_name


def _firsts(pairs: Iterable[tuple[str, object]]) -> dict[str, object]:
    firsts: dict[str, object] = {}
    for name, value in pairs:
        firsts.setdefault(name, value)
    return firsts


_SCOPES: Final = Names(
    "error", "errors", "fault", "status", "detail", "details", "cause", "causes", "response",
    "embedded", "errorinformation", "validationerrors", "extensions", "meta",
    "reasons", "body", "exception", "data",
)  # fmt: skip


class Scope(Struct, frozen=True):
    """A place where an error stands."""

    members: Members
    is_in_error: bool  # it stands under a name that speaks of errors, or in a list of them


def find_scopes(tree: object) -> tuple[Scope, ...]:
    """Give the places where an error may stand, the outermost first."""
    found: list[Scope] = []
    queue: list[tuple[object, bool]] = [(tree, False)]
    for node, is_in_error in queue:
        member = node if isinstance(node, dict) else _unwrap(node)
        if isinstance(member, dict) and member:
            members = squashed(member)
            found.append(Scope(members, is_in_error or member is not node))
            queue += [
                (value, is_in_error or name.startswith(("err", "fault", "cause")))
                for name in members.present[_SCOPES]
                if isinstance(value := members[name], dict | list)
            ]
        if len(found) >= _MAX_SCOPES or len(queue) > _MAX_SCOPES * 4:
            break
    return tuple(found)


def _unwrap(node: object) -> object:
    """Give the first object of a list, however often it is wrapped."""
    for _ in range(MAX_UNWRAPPED):
        if not isinstance(node, list):
            break
        some = islice(node, _MAX_MEMBERS)
        node = next((item for item in some if isinstance(item, dict | list) and item), None)
    return node
