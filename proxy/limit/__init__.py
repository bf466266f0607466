"""Stay within the provider's rate, and within a number in flight.

`decide` is the arithmetic of tokens (GCRA), `store` states what a `LimitStore` must promise (a
sidecar's memory keeps it, or a Redis that many share), `rate` is one configured limit, `in_flight`
the places, and `policy` asks them before each attempt. Operators: docs/limits.md.
"""

from .in_flight import InFlight
from .policy import LimitPolicy
from .settings import ConcurrencySettings, RateLimitSettings
from .store import LimitStore, NoToken, Taken

__all__ = [
    "ConcurrencySettings",
    "InFlight",
    "LimitPolicy",
    "LimitStore",
    "NoToken",
    "RateLimitSettings",
    "Taken",
]
