"""The address that providers send their webhooks to: `POST /webhooks/NAME`, and nothing else.

It is open to the world, so it says as little as it can: no name of a provider is confirmed to who
cannot sign, and no body is repeated.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from typing import Final, TypeAlias

from aiohttp import web

from proxy.endpoint import Endpoint
from proxy.terms import Emit, FaultOccurred, Headers

PREFIX: Final = "/webhooks/"
MAX_BODY: Final = 1024 * 1024
_MAX_AT_ONCE: Final = 64
_BODY_S: Final = 10.0  # for a whole body to come
_STOP_GRACE_S: Final = 1.0

# Takes a webhook's fields and body; gives the status that its sender is told.
Take: TypeAlias = Callable[[Headers, bytes], Awaitable[int]]


class WebhookListener:
    """Hands what comes to whoever takes it, by the provider's name."""

    def __init__(self, takers: Mapping[str, Take], emit: Emit) -> None:
        self._takers = takers
        self._emit = emit
        self._places = asyncio.Semaphore(_MAX_AT_ONCE)
        self._endpoint = Endpoint(
            lambda: web.Server(
                self._handle, access_log=None, client_max_size=MAX_BODY, auto_decompress=False
            ),
            grace_s=_STOP_GRACE_S,
        )

    @property
    def port(self) -> int:
        """Where it is listened, 0 where it is not."""
        return self._endpoint.port

    def go_by(self, takers: Mapping[str, Take]) -> None:
        """Hand what comes from now on to these."""
        self._takers = takers

    async def start(self, host: str, port: int) -> None:
        """Listen on an address; port 0 takes a free one, which `port` then tells.

        Raises:
            OSError: it cannot be bound.
        """
        await self._endpoint.open(host, port)

    async def stop(self) -> None:
        """Stop listening; what is under way is finished, if that takes no longer than 1 s."""
        await self._endpoint.close()

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            async with self._places:
                status = await self._take(request)
        except Exception as bug:  # noqa: BLE001 - its text may hold a secret: only its class is told
            self._emit(FaultOccurred("", type(bug).__name__, "webhooks"))
            status = 500
        response = web.Response(status=status, headers={"Server": "paysluice"})
        if status >= 400:  # noqa: PLR2004 - there may be a body that nobody has read
            response.force_close()
        return response

    async def _take(self, request: web.BaseRequest) -> int:
        if not request.path.startswith(PREFIX):
            return 404
        if request.method != "POST":
            return 405
        try:
            async with asyncio.timeout(_BODY_S):
                body = await request.read()
        except web.HTTPRequestEntityTooLarge:
            return 413
        except TimeoutError:
            return 408
        take = self._takers.get(request.path.removeprefix(PREFIX))
        return 401 if take is None else await take(request.raw_headers, body)
