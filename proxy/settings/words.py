"""What pydantic found wrong, in our words: no message of it repeats a value."""

from collections.abc import Iterator, Mapping
from difflib import get_close_matches
from types import MappingProxyType
from typing import Any, Final, get_args

from pydantic import BaseModel, ValidationError

from .fault import Loc
from .models import Settings

_TEXT: Final = "must be text (a number needs quotes; ${{…}} is for secrets alone)"
_WHOLE: Final = "must be a whole number"
_NUMBER: Final = "must be a number"
_SWITCH: Final = "must be true or false"
_LIST: Final = 'must be a list (in the environment as JSON: ["a", "b"])'
_MAPPING: Final = "must be a mapping of settings"
_ONE_OF: Final = "must be one of {expected}"
_MESSAGES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "missing": "is required",
        "string_type": _TEXT,
        "string_too_short": "must not be empty",
        "string_too_long": "is too long: at most {max_length} characters",
        "string_unicode": _TEXT,
        "string_pattern_mismatch": "must match {pattern}",
        "int_type": _WHOLE,
        "int_parsing": _WHOLE,
        "int_from_float": _WHOLE,
        "int_parsing_size": _WHOLE,
        "float_type": _NUMBER,
        "float_parsing": _NUMBER,
        "finite_number": _NUMBER,
        "bool_type": _SWITCH,
        "bool_parsing": _SWITCH,
        "tuple_type": _LIST,
        "list_type": _LIST,
        "dict_type": _MAPPING,
        "mapping_type": _MAPPING,
        "model_type": _MAPPING,
        "model_attributes_type": _MAPPING,
        "too_short": "must have at least {min_length}",
        "too_long": "must have at most {max_length}",
        "literal_error": _ONE_OF,
        "enum": _ONE_OF,
        "greater_than": "must be more than {gt}",
        "greater_than_equal": "must be at least {ge}",
        "less_than": "must be less than {lt}",
        "less_than_equal": "must be at most {le}",
    }
)


def told(error: ValidationError) -> Iterator[tuple[Loc, str]]:
    """Give each thing that is wrong: where, and in words."""
    for each in error.errors(include_url=False, include_input=False):
        loc: Loc = each["loc"]
        if loc and loc[-1] == "[key]":
            loc = loc[:-1]
        if each["type"] == "extra_forbidden":
            yield loc, _unknown(loc)
        elif each["type"] == "value_error":
            yield loc, str(each["ctx"]["error"])  # raised by ours: fixed words
        else:
            yield loc, _MESSAGES.get(each["type"], "is not valid").format(**each.get("ctx", {}))


def _unknown(loc: Loc) -> str:
    known = sorted(_known(loc[:-1]))
    near = get_close_matches(str(loc[-1]).lower(), known, n=1, cutoff=0.45)
    if near:
        return f"unknown key; did you mean `{near[0]}`?"
    return f"unknown key; known here: {', '.join(known)}"


def _known(loc: Loc) -> Mapping[str, Any]:
    """Give the keys that may stand at *loc*."""
    model: type[BaseModel] = Settings
    is_inside = True
    for step in loc:
        if not is_inside or isinstance(step, int):  # a provider's name, a place in a list
            is_inside = True
            continue
        annotation = model.model_fields[step].annotation
        inner = _model(annotation)
        if inner is None:
            return {}
        is_inside = step != "providers"
        model = inner
    return model.model_fields


def _model(annotation: Any) -> type[BaseModel] | None:
    """Give the model that *annotation* holds: itself, or among its arguments."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return annotation
    return next((found for arg in get_args(annotation) if (found := _model(arg))), None)
