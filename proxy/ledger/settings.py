"""What may be set of idempotency keys."""

from typing import Annotated, Literal

from pydantic import Field

from proxy.terms.units import Duration, Model


class IdempotencySettings(Model):
    """How the caller's key reaches the provider, and what it is trusted for."""

    mode: Literal["auto", "forward", "emulate", "off"] = "auto"
    header: Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]+$")] | None = None
    trusted: bool = False
    generate: bool = False
    require_key: bool = False
    ignore_members: tuple[str, ...] = ()
    record_for: Duration = 86400.0
    provider_key_ttl: Duration | None = None
