"""One try over the wire, with proof of what was sent.

`send` is the service; `exchange` one request and its answer on a `connection` of the `pool`, which
`connect` opens; `parse` reads answers without a socket, and `failures` names what goes wrong below
HTTP. Nothing here sends twice. Operators: docs/connections.md.
"""

from .connect import Connector, Origin, tls_context
from .failures import failed
from .parse import ResponseParser
from .pool import Pool
from .request import RequestHead
from .send import Attempt
from .settings import ConnectionSettings, TimeoutSettings, TlsSettings
from .tunnel import Tunnel

__all__ = [
    "Attempt",
    "ConnectionSettings",
    "Connector",
    "Origin",
    "Pool",
    "RequestHead",
    "ResponseParser",
    "TimeoutSettings",
    "TlsSettings",
    "Tunnel",
    "failed",
    "tls_context",
]
