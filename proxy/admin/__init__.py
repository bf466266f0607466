"""The operator's listener."""

from .page import PageEndpoint, PageView
from .providers import ProvidersView
from .server import AdminServer
from .unix import bind_unix

__all__ = ["AdminServer", "PageEndpoint", "PageView", "ProvidersView", "bind_unix"]
