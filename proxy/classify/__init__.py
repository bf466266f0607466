"""What an answer means: kind, effect and error code (pure)."""

from .classifier import Classifier
from .status import ERROR_CODES

__all__ = ["ERROR_CODES", "Classifier"]
