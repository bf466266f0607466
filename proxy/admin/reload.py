"""`POST /reload` of the admin listener: the config is read again."""

from collections.abc import Awaitable, Callable, Sequence
from typing import Final, TypeAlias

from aiohttp import web

from proxy.terms import ErrorCode

from .asked import read_asked
from .reply import Reply, error, in_json

_PATH: Final = "/reload"

# Reads it, by force or not, and gives what stands against it; nothing where it is in effect.
Reload: TypeAlias = Callable[[bool], Awaitable[Sequence[str]]]


def is_here(path: str) -> bool:
    """Whether *path* is this one."""
    return path == _PATH


class ReloadEndpoint:
    """Answers requests for another look at the config."""

    def __init__(self, reload: Reload) -> None:
        self._reload = reload

    async def answer(self, request: web.BaseRequest) -> Reply:
        """Answer one request; `?force=1` also moves providers with unknown payments."""
        asked = await read_asked(request)
        if isinstance(asked, Reply):
            return asked
        faults = await self._reload(request.query.get("force") == "1")
        if faults:
            return error(ErrorCode.CONFLICT, "The old config goes on: " + "; ".join(faults))
        return in_json({"reloaded": True})
