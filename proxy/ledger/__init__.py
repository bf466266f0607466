"""One key, one payment.

`keys` finds the caller's idempotency key and puts it where the provider reads it; `promise` says
what the provider's word about keys is worth. `decide` and `book` say what becomes of a payment, and
`store` what keeps it must promise; `policy` stands in the journey, on `keeper`. Operators:
docs/idempotency.md, docs/outcomes.md.
"""

from .claims import Claims
from .keeper import Keeper
from .keys import Keyed, KeyRule, apply, field_of
from .policy import LedgerPolicy
from .promise import fixed_key, key_rule
from .settings import IdempotencySettings
from .unknowns import Unknowns

__all__ = [
    "Claims",
    "IdempotencySettings",
    "Keeper",
    "KeyRule",
    "Keyed",
    "LedgerPolicy",
    "Unknowns",
    "apply",
    "field_of",
    "fixed_key",
    "key_rule",
]
