"""Stay within the provider's rate, and within a number in flight.

`decide` is the arithmetic of tokens (GCRA), `store` states what a `LimitStore` must promise (a
sidecar's memory keeps it, and a Redis that many share), `rate` is one configured limit, `lanes` who
waits and who is next, `forecast` when the next token comes, `room` where they wait, `learn` what a
provider says of its own limits, `pause` the operator's switch, and `policy` asks them before each
attempt. Operators: docs/limits.md.
"""

from .lanes import Priority
from .learn import RateLimitNames
from .learned import Learned
from .pause import WORDS, Held, Pause
from .policy import LimitPolicy
from .room import WaitingRoom
from .settings import ConcurrencySettings, RateLimitSettings
from .store import AWAY, Ask, Away, LimitStore, NotYet, Taken

__all__ = [
    "AWAY",
    "WORDS",
    "Ask",
    "Away",
    "ConcurrencySettings",
    "Held",
    "Learned",
    "LimitPolicy",
    "LimitStore",
    "NotYet",
    "Pause",
    "Priority",
    "RateLimitNames",
    "RateLimitSettings",
    "Taken",
    "WaitingRoom",
]
