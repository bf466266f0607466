"""Reads the code, message, fields and ids out of an answer, once (pure)."""

from .document import Document
from .extractor import Extractor, Reading

__all__ = ["Document", "Extractor", "Reading"]
