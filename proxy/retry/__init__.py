"""Send again, but only where a repeat cannot charge twice.

`decide` holds every reason to repeat a call or not, `backoff` says how long to wait, `budget` how
many repeats a provider gets, and `policy` is the loop that obeys them. Operators: docs/retries.md.
"""

from .budget import RetryBudget
from .decide import judge, may_repeat, refused
from .policy import RetryPolicy
from .settings import BackoffSettings, BudgetSettings, RetrySettings
from .step import caller_may_repeat

__all__ = [
    "BackoffSettings",
    "BudgetSettings",
    "RetryBudget",
    "RetryPolicy",
    "RetrySettings",
    "caller_may_repeat",
    "judge",
    "may_repeat",
    "refused",
]
