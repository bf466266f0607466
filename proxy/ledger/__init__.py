"""One key, one payment."""

from .keys import Keyed, KeyRule, apply

__all__ = ["KeyRule", "Keyed", "apply"]
