"""COMPOSITION ROOT: builds, owns and closes every long-lived object, once."""

from .fleet import StartError
from .process import App

__all__ = ["App", "StartError"]
