"""Where state is kept: each store keeps a promise that `limit` or `ledger` states as a Protocol."""

from .memory import MemoryLimits

__all__ = ["MemoryLimits"]
