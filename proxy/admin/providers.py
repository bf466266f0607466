"""`POST /providers/{name}/pause` of the admin listener: the operator's switch."""

from typing import Final, Protocol

from aiohttp import web

from proxy.limit import WORDS
from proxy.terms import ErrorCode

from .asked import MAX_NOTE, read_asked
from .reply import Reply, error, in_json

_PATH: Final = "/providers/"


def is_below(path: str) -> bool:
    """Whether *path* is one of these."""
    return path.startswith(_PATH)


class ProvidersView(Protocol):
    """What the endpoint asks."""

    def pause(self, provider: str, held: str, by: str) -> bool:
        """Hold back a provider's calls, or let them go; False where there is no such provider."""


class ProvidersEndpoint:
    """Answers requests below `/providers`."""

    def __init__(self, view: ProvidersView) -> None:
        self._view = view

    async def answer(self, request: web.BaseRequest) -> Reply:
        """Answer one request."""
        match request.path.removeprefix(_PATH).split("/"):
            case [provider, "pause"]:
                return await self._pause(request, provider)
            case _:
                return error(ErrorCode.RESOURCE_NOT_FOUND, "There is nothing at this path.")

    async def _pause(self, request: web.BaseRequest, provider: str) -> Reply:
        asked = await read_asked(request)
        if isinstance(asked, Reply):
            return asked
        held, by = asked.get("paused"), asked.get("by")
        if not isinstance(held, str) or held not in WORDS:
            return error(ErrorCode.INVALID_FIELD_VALUE, "`paused` is none, payments or all.")
        if not isinstance(by, str) or not by.strip() or len(by) > MAX_NOTE:
            return error(
                ErrorCode.MISSING_REQUIRED_FIELD,
                f"`by`: who says so, and why, in at most {MAX_NOTE} characters.",
            )
        if not self._view.pause(provider, held, by):
            return error(ErrorCode.RESOURCE_NOT_FOUND, "There is no such provider.")
        return in_json({"provider": provider, "paused": held})
