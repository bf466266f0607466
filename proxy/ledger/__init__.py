"""One key, one payment.

`keys` finds the caller's idempotency key and puts it where the provider reads it; `promise` says
what the provider's word about keys is worth. Operators: docs/idempotency.md.
"""

from .keys import Keyed, KeyRule, apply
from .promise import fixed_key, key_rule
from .settings import IdempotencySettings

__all__ = ["IdempotencySettings", "KeyRule", "Keyed", "apply", "fixed_key", "key_rule"]
