"""Leave a failing provider alone.

`decide` says what an outcome tells of the provider, `window` counts it, `circuit` is the state
machine, and `policy` asks it before each attempt. Operators: docs/breaker.md.
"""

from .circuit import Breaker, Denied, Permit, State
from .decide import Vote, vote_for
from .policy import BreakerPolicy, Breakers
from .settings import BreakerSettings

__all__ = [
    "Breaker",
    "BreakerPolicy",
    "BreakerSettings",
    "Breakers",
    "Denied",
    "Permit",
    "State",
    "Vote",
    "vote_for",
]
