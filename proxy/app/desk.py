"""The operator's listener, built of what the app can tell, and opened."""

from collections.abc import Awaitable, Callable, Sequence

from proxy.admin import AdminServer, PageEndpoint, ProvidersView
from proxy.settings import Settings
from proxy.terms import Clock, Emit

from .outcomes import Outcomes


async def open_desk(
    settings: Settings,
    clock: Clock,
    emit: Emit,
    *,
    readiness: Callable[[], tuple[bool, str]],
    metrics: Callable[[str], tuple[bytes, str]],
    status: Callable[[], object],
    config: Callable[[], object],
    reload: Callable[[bool], Awaitable[Sequence[str]]],
    outcomes: Outcomes,
    providers: ProvidersView,
    page: PageEndpoint,
) -> AdminServer:
    """Open the admin listener where the settings have it.

    Raises:
        OSError: its address cannot be bound.
    """
    token, address = settings.admin_token, settings.admin
    admin = AdminServer(
        readiness=readiness,
        metrics=metrics,
        status=status,
        config=config,
        outcomes=outcomes,
        providers=providers,
        reload=reload,
        page=page,
        token=None if token is None else lambda: token.reveal(clock.monotonic()),
        needs_token=not address.is_local,
        open_paths=frozenset(settings.admin_open),
        emit=emit,
    )
    if address.path:
        await admin.start_unix(address.path, int(settings.socket_mode, 8))
    else:
        await admin.start(address.host, address.port)
    return admin
