"""What may be set of retries."""

from typing import Annotated, Literal

from pydantic import Field

from proxy.terms.units import Duration, Model


class BackoffSettings(Model):
    """How long to wait before the next attempt: exponential, with full jitter."""

    base: Duration = 0.2
    factor: Annotated[float, Field(ge=1, le=10)] = 2.0
    cap: Duration = 5.0
    jitter: Literal["full", "none"] = "full"


class BudgetSettings(Model):
    """Retries over ten seconds: at most *ratio* of the requests, plus a floor."""

    ratio: Annotated[float, Field(ge=0, le=1)] = 0.2
    min_per_second: Annotated[float, Field(ge=0, le=1000)] = 1.0


class RetrySettings(Model):
    """When a call is sent again; `max_attempts` counts the first, so 1 turns retries off."""

    max_attempts: Annotated[int, Field(ge=1, le=10)] = 3
    backoff: BackoffSettings = BackoffSettings()
    budget: BudgetSettings = BudgetSettings()
