"""What may be set of error answers."""

from typing import Literal

from proxy.terms.units import Model


class ErrorSettings(Model):
    """In whose shape an error reaches the caller.

    `embedded` speaks of errors inside a 2xx; `include_body` of the provider's own JSON body,
    as the member `provider.body`.
    """

    mode: Literal["envelope", "native", "passthrough"] = "envelope"
    embedded: Literal["envelope", "annotate"] = "envelope"
    include_body: bool = True
