"""What may be set of the caller's side."""

from typing import Annotated, Final

from pydantic import Field

from proxy.terms.units import Duration, Model, Size

# Slower than this, on top of `body_timeout`, is no caller but an attack: it holds a place for long.
MIN_BYTES_PER_S: Final = 1024


class CallerSettings(Model):
    """How much a caller may send before it is refused, and how slowly."""

    max_line: Size = 16_384
    max_headers: Annotated[int, Field(ge=8, le=1024)] = 128
    max_header_bytes: Size = 65_536
    header_timeout: Duration = 10.0
    body_timeout: Duration = 30.0
    idle_timeout: Duration = 75.0


class ListenTlsSettings(Model):
    """The certificate that callers are shown, and its key."""

    cert: str
    key: str
