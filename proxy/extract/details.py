"""The faulty fields of a request, from the shapes that frameworks and providers give them.

Lists of `{field, message}` under many names (PayPal's `issue`, FastAPI's `loc`, JSON:API's
`source.pointer`), maps of a field to its messages (Laravel, Django, ASP.NET), and one `field` or
`param` beside the message (Stripe).
"""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final, TypeAlias

from proxy.terms import Detail

from .clean import MAX_FIELD, as_message, as_word
from .scopes import Members, Names, Scope, squashed

_Told: TypeAlias = tuple[str, str]  # a field, and what is wrong with it

MAX_DETAILS: Final = 50
_MAX_DEPTH: Final = 6
_LISTS: Final = Names(
    "errors", "details", "detail", "invalidfields", "validationerrors", "invalidparams",
    "violations", "fielderrors", "fieldviolations", "fields", "error", "reasons",
)  # fmt: skip
_MAPS: Final = frozenset(
    {"errors", "error", "details", "fields", "fielderrors", "validationerrors"}
)
_FIELDS: Final = Names(
    "field", "fieldname", "param", "parameter", "path", "pointer", "jsonpath", "loc", "property",
    "propertypath", "propertyname", "attribute", "attributename", "requestpointer", "name",
)  # fmt: skip
_DESCRIPTIONS: Final = Names(
    "message", "description", "errormessage", "errordescription", "detail", "msg", "reason",
    "issue", "error", "title", "reasons", "code", "type",
)  # fmt: skip
_SINGLE: Final = Names("field", "param", "attribute", "fieldname", "parameter")
# Django's names for what concerns no one field.
_NO_FIELD: Final = frozenset({"non_field_errors", "nonFieldErrors", "__all__", "_schema"})


def find_details(tree: object, scopes: tuple[Scope, ...]) -> tuple[Detail, ...]:
    """Give the faulty fields, in the order of the body, each once."""
    found = islice(dict.fromkeys(_search(tree, scopes)), MAX_DETAILS)
    return tuple([Detail(field, description) for field, description in found])


def _search(tree: object, scopes: tuple[Scope, ...]) -> Iterator[_Told]:
    if isinstance(tree, list):
        yield from _from_items(tree, 0)
    elif isinstance(tree, dict) and not any(_is_about_errors(name) for name in tree):
        yield from _from_map(tree)  # Django REST framework: the map is the body
    for scope in scopes:
        for name in scope.members.present[_LISTS]:
            value = scope.members[name]
            if isinstance(value, list):
                yield from _from_items(value, 0)
            elif isinstance(value, dict) and name in _MAPS:
                yield from _from_map(value)
        for name in scope.members.present[_SINGLE]:
            field = _as_field(scope.members[name])
            if field is not None:
                yield field, _describe(scope.members) or ""
                break


def _from_items(items: Iterable[object], depth: int) -> Iterator[_Told]:
    for item in islice(items, MAX_DETAILS):
        if isinstance(item, list) and depth < _MAX_DEPTH:
            yield from _from_items(item, depth + 1)
        elif isinstance(item, dict):
            members = squashed(item)
            field = _name_field(members)
            if field is not None:
                yield field, _describe(members) or ""
            elif depth < _MAX_DEPTH:
                for name in members.present[_LISTS]:
                    value = members[name]
                    if isinstance(value, list):
                        yield from _from_items(value, depth + 1)


def _from_map(items: dict[str, object]) -> Iterator[_Told]:
    """Read a map of fields to messages; an object with other things in it is none."""
    if not all(_is_messages(value) for value in items.values()):
        return
    for name, value in islice(items.items(), MAX_DETAILS):
        field = _as_field(name)
        if field is not None and name not in _NO_FIELD:
            yield field, as_message(value) or ""


def _is_about_errors(name: str) -> bool:
    return "error" in name.lower() and name not in _NO_FIELD


def _is_messages(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _name_field(members: Members) -> str | None:
    source = members.get("source") or members.get("fieldtype")
    if isinstance(source, dict):
        for name in ("pointer", "parameter", "field"):
            field = _as_field(source.get(name))
            if field is not None:
                return field
    for name in members.present[_FIELDS]:
        field = _as_field(members[name])
        if field is not None:
            return field
    return None


def _as_field(value: object) -> str | None:
    """Give the name of a field: a text, or FastAPI's list of steps."""
    if isinstance(value, list):
        steps = [step for item in value[: _MAX_DEPTH * 2] if (step := as_word(item)) is not None]
        return ".".join(steps)[:MAX_FIELD] or None
    return as_word(value, MAX_FIELD) if isinstance(value, str) else None


def _describe(members: Members) -> str | None:
    for name in members.present[_DESCRIPTIONS]:
        text = as_message(members[name])
        if text is not None:
            return text
    return None
