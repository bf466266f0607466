"""The operator's listener."""

from .server import AdminServer
from .unix import bind_unix

__all__ = ["AdminServer", "bind_unix"]
