"""Reads the code, message, fields and ids out of an answer, once (pure)."""

from .extractor import Extractor, Reading

__all__ = ["Extractor", "Reading"]
