"""The operator's listener: health, metrics, status and the effective config."""

from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Final, TypeAlias

from aiohttp import web

from proxy.endpoint import Endpoint
from proxy.terms import Emit, ErrorCode, Event, FaultOccurred

from . import outcomes as of_outcomes
from . import page as of_page
from . import providers as of_providers
from . import reload as of_reload
from .guard import Guard
from .reply import Reply, error, in_json
from .unix import bind_unix
from .wire import QuietServer, render

_Room: TypeAlias = Callable[[web.BaseRequest], Awaitable[Reply]]

_READ: Final = frozenset({"GET", "HEAD"})
_STOP_GRACE_S: Final = 1.0


def _ignore(_: Event) -> None:
    pass


class AdminServer:
    """Serves what it is given; it knows nobody who gives it."""

    def __init__(
        self,
        *,
        readiness: Callable[[], tuple[bool, str]],
        metrics: Callable[[str], tuple[bytes, str]],
        status: Callable[[], object],
        config: Callable[[], object],
        outcomes: of_outcomes.OutcomesView | None = None,
        providers: of_providers.ProvidersView | None = None,
        reload: of_reload.Reload | None = None,
        page: of_page.PageEndpoint | None = None,
        token: Callable[[], str] | None = None,
        needs_token: bool,
        open_paths: frozenset[str] = frozenset(),
        emit: Emit = _ignore,
    ) -> None:
        self._readiness = readiness
        self._metrics = metrics
        self._guard = Guard(token, open_paths, needs_token=needs_token)
        self._emit = emit
        self._rooms: list[tuple[Callable[[str], bool], _Room]] = []
        if outcomes is not None:
            room = of_outcomes.OutcomesEndpoint(outcomes)
            self._rooms.append((of_outcomes.is_below, room.answer))
        if providers is not None:
            switches = of_providers.ProvidersEndpoint(providers)
            self._rooms.append((of_providers.is_below, switches.answer))
        if reload is not None:
            again = of_reload.ReloadEndpoint(reload)
            self._rooms.append((of_reload.is_here, again.answer))
        if page is not None:
            self._rooms.append((of_page.is_here, page.answer))
        self._views: Mapping[str, Callable[[web.BaseRequest], Reply]] = {
            "/healthz": lambda _: in_json({"status": "ok"}),
            "/readyz": lambda _: self._ready(),
            "/metrics": self._scrape,
            "/status": lambda _: in_json(status()),
            "/config": lambda _: in_json(config()),
        }
        self._endpoint = Endpoint(
            lambda: QuietServer(self._handle, access_log=None), grace_s=_STOP_GRACE_S
        )
        self._socket_path: Path | None = None

    @property
    def port(self) -> int:
        """Where it is listened, 0 where that is no port."""
        return self._endpoint.port

    async def start(self, host: str, port: int) -> None:
        """Listen on an address; port 0 takes a free one, which `port` then tells."""
        await self._endpoint.open(host, port)

    async def start_unix(self, path: str, mode: int = 0o660) -> None:
        """Listen on a Unix socket that only those whom *mode* names can reach.

        Raises:
            OSError: somebody listens there, or the path is not ours to take.
        """
        await self._endpoint.open_unix(bind_unix(Path(path), mode))
        self._socket_path = Path(path)
        self._guard.is_browsed = False

    async def stop(self) -> None:
        """Stop listening; an answer under way is finished, if that takes no longer than 1 s."""
        await self._endpoint.close()
        if self._socket_path is not None:
            self._socket_path.unlink(missing_ok=True)
            self._socket_path = None

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            reply = await self._answer(request)
        except Exception as bug:  # noqa: BLE001 - its text may hold a secret: only its class is told
            self._emit(FaultOccurred("", type(bug).__name__, "admin"))
            reply = error(ErrorCode.INTERNAL_SERVER_ERROR, "This is a fault of ours.")
        return render(reply)

    async def _answer(self, request: web.BaseRequest) -> Reply:
        refusal = self._guard.refuse(request.method, request.path, request.headers)
        if refusal is not None:
            return refusal
        for is_below, answer in self._rooms:
            if is_below(request.path):
                return await answer(request)
        view = self._views.get(request.path)
        if view is None:
            return error(ErrorCode.RESOURCE_NOT_FOUND, "There is nothing at this path.")
        if request.method not in _READ:
            allow = ("Allow", "GET, HEAD")
            return error(ErrorCode.METHOD_NOT_ALLOWED, "This path is read only.", allow)
        return view(request)

    def _ready(self) -> Reply:
        is_ready, reason = self._readiness()
        return in_json({"ready": is_ready, "reason": reason}, 200 if is_ready else 503)

    def _scrape(self, request: web.BaseRequest) -> Reply:
        body, media_type = self._metrics(request.headers.get("Accept", ""))
        return Reply(200, body, media_type)
