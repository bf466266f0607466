"""What may be set of the circuit breaker."""

from typing import Annotated, Literal

from pydantic import Field

from proxy.terms.units import Duration, Model


class BreakerSettings(Model):
    """When a failing provider is left alone, and for how long."""

    per: Literal["provider", "route"] = "provider"
    failure_ratio: Annotated[float, Field(gt=0, le=1)] = 0.5
    min_requests: Annotated[int, Field(ge=1, le=1_000_000)] = 20
    window: Duration = 30.0
    open_for: Duration = 15.0
    half_open_probes: Annotated[int, Field(ge=1, le=100)] = 3
