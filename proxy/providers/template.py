"""A body with places to fill: how an error is said in a provider's own shape. Pure."""

import re
from collections.abc import Mapping
from typing import Any, Final

PLACES: Final = frozenset({"message", "error_code", "error_type", "request_id", "status"})
_PLACE: Final = re.compile(r"\{([a-z_]+)\}")


class TemplateError(ValueError):
    """A template that cannot be filled."""


def check_template(tree: Any) -> None:
    """See that every place of *tree* is one that can be filled.

    Raises:
        TemplateError: one is not.
    """
    match tree:
        case str():
            unknown = set(_PLACE.findall(tree)) - PLACES
            if unknown:
                msg = f"{{{min(unknown)}}} is no place: there are {', '.join(sorted(PLACES))}"
                raise TemplateError(msg)
        case list():
            for member in tree:
                check_template(member)
        case dict():
            for member in tree.values():
                check_template(member)
        case int() | float() | None:
            pass
        case _:
            msg = "holds something that JSON cannot"
            raise TemplateError(msg)


def fill(tree: Any, values: Mapping[str, str | int]) -> Any:
    """Give *tree* with its places filled; a text that is nothing but a place takes its value."""
    match tree:
        case str():
            whole = _PLACE.fullmatch(tree)
            if whole is not None:
                return values[whole[1]]
            return _PLACE.sub(lambda found: str(values[found[1]]), tree)
        case list():
            return [fill(member, values) for member in tree]
        case dict():
            return {name: fill(member, values) for name, member in tree.items()}
        case _:
            return tree
