"""The operator's listener."""

from .providers import ProvidersView
from .server import AdminServer
from .unix import bind_unix

__all__ = ["AdminServer", "ProvidersView", "bind_unix"]
