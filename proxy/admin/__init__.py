"""The operator's listener."""

from .server import AdminServer

__all__ = ["AdminServer"]
