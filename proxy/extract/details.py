"""The faulty fields of a request, from the shapes that frameworks and providers give them.

Lists of `{field, message}` under many names (PayPal's `issue`, FastAPI's `loc`, JSON:API's
`source.pointer`), maps of a field to its messages (Laravel, Django, ASP.NET), and one `field` or
`param` beside the message (Stripe).
"""

from collections.abc import Iterable
from itertools import islice
from typing import Final, TypeAlias

from proxy.terms import Detail

from .clean import MAX_FIELD, as_message, as_word
from .scopes import Form, Names, Scope, form_of

_Told: TypeAlias = dict[tuple[str, str], None]  # fields, and what is wrong with each, in order

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
_SOURCES: Final = Names("source", "fieldtype")
_SINGLE: Final = Names("field", "param", "attribute", "fieldname", "parameter")
# Django's names for what concerns no one field.
_NO_FIELD: Final = frozenset({"non_field_errors", "nonFieldErrors", "__all__", "_schema"})


def find_details(tree: object, scopes: tuple[Scope, ...]) -> tuple[Detail, ...]:
    """Give the faulty fields, in the order of the body, each once."""
    found: _Told = {}
    if isinstance(tree, list):
        _read_items(tree, found)
    elif isinstance(tree, dict) and not any(_is_about_errors(name) for name in tree):
        _read_map(tree, found)  # Django REST framework: the map is the body
    for scope in scopes:
        members = scope.members
        for said, name in scope.form[_LISTS]:
            value = members[name]
            if isinstance(value, list):
                _read_items(value, found)
            elif isinstance(value, dict) and said in _MAPS:
                _read_map(value, found)
        field = _first_field(members, scope.form[_SINGLE])
        if field is not None:
            found[field, _describe(members, scope.form)] = None
    return tuple([Detail(*told) for told in islice(found, MAX_DETAILS)])


def find_remarks(tree: object, scopes: tuple[Scope, ...]) -> tuple[str, ...]:
    """Give what stands where faulty fields do and names no field: `["Duplicate transaction"]`."""
    found = _remarks(tree) if isinstance(tree, list) else []
    for scope in scopes:
        for _, name in scope.form[_LISTS]:
            value = scope.members[name]
            if isinstance(value, list):
                found += _remarks(value)
    return tuple(found[:MAX_DETAILS])


def _remarks(items: list[object]) -> list[str]:
    found = []
    for item in items[:MAX_DETAILS]:
        text = _describe(item, form_of(item)) if isinstance(item, dict) else as_message(item)
        if text:
            found.append(text)
    return found


def _read_items(items: Iterable[object], found: _Told, depth: int = 0) -> None:
    if depth > _MAX_DEPTH or len(found) >= MAX_DETAILS:
        return
    for item in islice(items, MAX_DETAILS):
        if isinstance(item, list):
            _read_items(item, found, depth + 1)
        elif isinstance(item, dict):
            form = form_of(item)
            field = _name_field(item, form)
            if field is not None:
                found[field, _describe(item, form)] = None
                continue
            for _, name in form[_LISTS]:
                value = item[name]
                if isinstance(value, list):
                    _read_items(value, found, depth + 1)


def _read_map(items: dict[str, object], found: _Told) -> None:
    """Read a map of fields to messages; an object with other things in it is none."""
    if not all(_is_messages(value) for value in items.values()):
        return
    for name, value in islice(items.items(), MAX_DETAILS):
        field = _as_field(name)
        if field is not None and name not in _NO_FIELD:
            found[field, as_message(value) or ""] = None


def _is_about_errors(name: str) -> bool:
    return "error" in name.lower() and name not in _NO_FIELD


def _is_messages(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(item, str) for item in value)


def _name_field(members: dict[str, object], form: Form) -> str | None:
    for _, name in form[_SOURCES]:
        source = members[name]
        if isinstance(source, dict):
            for place in ("pointer", "parameter", "field"):
                field = _as_field(source.get(place))
                if field is not None:
                    return field
    return _first_field(members, form[_FIELDS])


def _first_field(members: dict[str, object], names: tuple[tuple[str, str], ...]) -> str | None:
    for _, name in names:
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


def _describe(members: dict[str, object], form: Form) -> str:
    for _, name in form[_DESCRIPTIONS]:
        text = as_message(members[name])
        if text is not None:
            return text
    return ""
