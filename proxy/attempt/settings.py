"""What may be set of one try over the wire."""

from typing import Annotated, Literal

from pydantic import Field

from proxy.terms.units import Duration, Model


class TimeoutSettings(Model):
    """Each phase has its own bound; *attempt* bounds one try, *total* the caller's wait."""

    pool: Duration = 1.0
    dns: Duration = 2.0
    connect: Duration = 2.0
    tls: Duration = 3.0
    write_idle: Duration = 10.0
    headers: Duration | None = None  # to the end of the answer's head; None: bounded by `attempt`
    body_idle: Duration = 30.0
    attempt: Duration = 10.0
    total: Duration = 30.0


class ConnectionSettings(Model):
    """The pool of kept-alive connections to a provider."""

    max: Annotated[int, Field(ge=1, le=10_000)] = 100
    idle: Duration = 5.0
    age: Duration = 300.0


class TlsSettings(Model):
    """How the provider's certificate is verified, and what we show of our own."""

    ca: str | None = None
    cert: str | None = None
    key: str | None = None
    verify: bool = True
    min_version: Literal["1.2", "1.3"] = "1.2"
