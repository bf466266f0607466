"""COMPOSITION ROOT: builds, owns and closes every long-lived object, once."""

from .process import App, StartError

__all__ = ["App", "StartError"]
