"""Durations, sizes and rates as people write them in a config: `250ms`, `64KiB`, `1000/1m`."""

import re
from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

_DURATION: Final = re.compile(r"(\d+(?:\.\d+)?)(ms|s|m|h|d)")
_SECONDS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}
_SIZE: Final = re.compile(r"(\d+)(B|KiB|MiB|GiB)?")
_BYTES: Final = {None: 1, "B": 1, "KiB": 1024, "MiB": 1024**2, "GiB": 1024**3}
_RATE: Final = re.compile(r"(\d+(?:\.\d+)?)/(\d*(?:\.\d+)?(?:ms|s|m|h|d))")


class Model(BaseModel):
    """A settings model: frozen, and an unknown member is an error."""

    # Most are only ever part of another, whose validator holds theirs: none is built for them.
    model_config = ConfigDict(frozen=True, extra="forbid", defer_build=True)


def parse_duration(value: object) -> object:
    """Turn `250ms` into seconds; numbers stay, and so does `0`, which needs no unit.

    Raises:
        ValueError: *value* is no duration.
    """
    if value == "0":
        return 0.0
    if not isinstance(value, str | bool):
        return value
    found = _DURATION.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        msg = "a duration is a number with a unit: 250ms, 2s, 1m, 24h"
        raise ValueError(msg)
    return float(found[1]) * _SECONDS[found[2]]


def parse_size(value: object) -> object:
    """Turn `64KiB` into bytes; numbers stay.

    Raises:
        ValueError: *value* is no size.
    """
    if not isinstance(value, str | bool):
        return value
    found = _SIZE.fullmatch(value) if isinstance(value, str) else None
    if found is None:
        msg = "a size is a whole number with a unit: 512B, 64KiB, 1MiB"
        raise ValueError(msg)
    return int(found[1]) * _BYTES[found[2]]


@dataclass(frozen=True, slots=True)
class Rate:
    """So many requests in so much time."""

    count: float
    period_s: float

    @property
    def per_second(self) -> float:
        """Requests per second."""
        return self.count / self.period_s


def parse_rate(value: object) -> object:
    """Turn `50/s` or `1000/1m` into a `Rate`.

    Raises:
        ValueError: *value* is no rate above zero.
    """
    if isinstance(value, Rate):
        return value
    found = _RATE.fullmatch(value) if isinstance(value, str) else None
    if found is not None:
        count, period = float(found[1]), found[2]
        seconds = parse_duration(period if period[0].isdigit() else f"1{period}")
        if count > 0 and isinstance(seconds, float) and seconds > 0:
            return Rate(count, seconds)
    msg = "a rate is a number of requests per time, above zero: 50/s, 1000/1m"
    raise ValueError(msg)


Duration = Annotated[float, BeforeValidator(parse_duration), Field(gt=0, le=366 * 86400.0)]
DurationOrZero = Annotated[float, BeforeValidator(parse_duration), Field(ge=0, le=366 * 86400.0)]
Size = Annotated[int, BeforeValidator(parse_size), Field(gt=0, le=1024**4)]
RateSetting = Annotated[Rate, BeforeValidator(parse_rate)]
