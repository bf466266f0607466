"""The places of a body where an error may stand, their members by name.

An error stands in the body itself or in a member such as `error`, `errors[0]` or `fault.detail`.
These places are its scopes, the outermost first. Members are known by their squashed name: without
regard to case, `_`, `-` and spaces.
"""

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

    __slots__ = ("ranks",)

    def __init__(self, *names: str) -> None:
        self.ranks = {name: rank for rank, name in enumerate(names)}


class Form(dict[Names, tuple[tuple[str, str], ...]]):
    """What an object's names say before a value is read.

    `form[NAMES]` gives which of a list of names stand there, the more telling first, each squashed
    and as it is written; of two that are squashed to one the first counts. The errors of a provider
    have few forms: each list is looked for once in each of them.
    """

    __slots__ = ("_written",)

    def __init__(self, names: tuple[str, ...]) -> None:
        super().__init__()
        self._written: dict[str, str] = {}
        for name in names:
            self._written.setdefault(name[:MAX_WORD].translate(_SQUASH).lower(), name)

    def __missing__(self, wanted: Names) -> tuple[tuple[str, str], ...]:
        ranks = wanted.ranks
        said = sorted(ranks.keys() & self._written.keys(), key=ranks.__getitem__)
        found = self[wanted] = tuple([(name, self._written[name]) for name in said])
        return found


_kept = lru_cache(256)(Form)


def form_of(members: dict[str, object]) -> Form:
    """Give the form of an object, of its first members where it has very many."""
    names = tuple(members)[:_MAX_MEMBERS]
    return _kept(names) if len("".join(names)) <= _MAX_KEPT else Form(names)


_SCOPES: Final = Names(
    "error", "errors", "fault", "status", "detail", "details", "cause", "causes", "response",
    "embedded", "errorinformation", "validationerrors", "extensions", "meta",
    "reasons", "body", "exception", "data",
)  # fmt: skip
_SPEAKS_OF_ERRORS: Final = ("err", "fault", "cause")


class Scope(Struct, frozen=True):
    """A place where an error stands."""

    members: dict[str, object]
    form: Form
    is_in_error: bool  # it stands under a name that speaks of errors, or in a list of them


def find_scopes(tree: object) -> tuple[Scope, ...]:
    """Give the places where an error may stand, the outermost first."""
    found: list[Scope] = []
    queue: list[tuple[object, bool]] = [(tree, False)]
    for node, is_in_error in queue:
        member = node if isinstance(node, dict) else _unwrap(node)
        if isinstance(member, dict) and member:
            form = form_of(member)
            found.append(Scope(member, form, is_in_error or member is not node))
            queue += [
                (value, is_in_error or said.startswith(_SPEAKS_OF_ERRORS))
                for said, name in form[_SCOPES]
                if isinstance(value := member[name], dict | list)
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
