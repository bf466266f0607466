"""What may be set of rate limits and of the number in flight."""

from typing import Annotated, Final

from pydantic import AfterValidator, Field

from proxy.terms.units import DurationOrZero, Model, RateSetting

# The name of the number in flight, in the metrics beside the rate limits.
IN_FLIGHT: Final = "concurrency"


def _is_free(name: str) -> str:
    if name == IN_FLIGHT:
        msg = f"`{IN_FLIGHT}` is the name of the limit on calls in flight: choose another"
        raise ValueError(msg)
    return name


_Name = Annotated[str, Field(pattern=r"^[a-z0-9_]+$", max_length=64), AfterValidator(_is_free)]
_Queue = Annotated[int, Field(ge=0, le=1_000_000)]


class RateLimitSettings(Model):
    """One rate limit of the provider: *rate*, with *burst* requests at once."""

    name: _Name
    rate: RateSetting
    burst: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    max_wait: DurationOrZero = 2.0
    max_queue: _Queue = 1000
    per: Annotated[str, Field(pattern=r"^(provider|route|header:[A-Za-z0-9!#$%&'*+.^_`|~-]+)$")] = (
        "provider"
    )
    routes: tuple[str, ...] = ()


class ConcurrencySettings(Model):
    """How many calls may be under way at once."""

    max: Annotated[int, Field(ge=1, le=100_000)] = 100
    max_wait: DurationOrZero = 1.0
    max_queue: _Queue = 1000
