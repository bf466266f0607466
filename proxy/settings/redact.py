"""The configuration in force as JSON can hold it, every secret hidden."""

from collections.abc import Mapping

from pydantic import BaseModel

from proxy.terms.units import Rate

from .models import Settings


def redacted(settings: Settings) -> dict[str, object]:
    """Give all settings, defaults included: durations in seconds, sizes in bytes, secrets `***`."""
    return _members(settings)


def _members(model: BaseModel) -> dict[str, object]:
    return {name: _value(getattr(model, name)) for name in type(model).model_fields}


def _value(value: object) -> object:
    match value:
        case BaseModel():
            return _members(value)
        case Mapping():
            return {str(key): _value(member) for key, member in value.items()}
        case tuple():
            return [_value(member) for member in value]
        case Rate():
            return f"{value.count:.15g}/{value.period_s:.15g}s"
        case None | bool() | int() | float():
            return value
        case str():
            return str(value)
        case _:
            return str(value)  # an address, or a secret, which hides itself
