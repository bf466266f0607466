"""The operator's page: what a person on call asks, on one page."""

from .endpoint import PageEndpoint, PageView, is_here

__all__ = ["PageEndpoint", "PageView", "is_here"]
