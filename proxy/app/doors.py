"""Every address that callers come to: the common ones, and those of a provider's own."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

from proxy.admin import bind_unix
from proxy.listener import (
    Ask,
    Destination,
    Handler,
    Journeys,
    Listener,
    Owed,
    Tracing,
    tls_for_callers,
)
from proxy.route import ProviderRoutes, Router
from proxy.settings import Address, Settings
from proxy.terms import Clock, Emit, NewId

from .provider import Provider

_ROOT: Final = "/"  # where a provider is mounted on an address of its own


class Doors:
    """The listeners of one sidecar, started and ended together."""

    def __init__(
        self,
        settings: Settings,
        providers: Mapping[str, Provider],
        journeys: Journeys,
        clock: Clock,
        emit: Emit,
        new_id: NewId,
        ask: Ask,
        *,
        is_draining: Callable[[], bool],
    ) -> None:
        self.addresses: list[Address] = []  # as they are open: with the port that was given
        self._settings = settings
        self._providers = providers
        self._journeys = journeys
        self._clock = clock
        self._emit = emit
        self._new_id = new_id
        self._ask = ask
        self._is_draining = is_draining
        self._owed = Owed()
        self._handlers: list[Handler] = []
        self._listeners: list[Listener] = []
        self._sockets: list[Path] = []

    @property
    def owed(self) -> int:
        """Callers who are owed an answer: of whose request a byte was read."""
        return self._owed.count

    async def start(self) -> None:
        """Open every address, the common ones first and in their order.

        Raises:
            OSError: an address cannot be bound.
            ssl.SSLError: the certificate that callers are shown cannot be used.
        """
        own = self._settings.listen_tls
        tls = None if own is None else tls_for_callers(own)
        destinations = self._destinations()
        for addresses, routes in self._plan():
            handler = self._handler(routes, destinations)
            listener = Listener(handler, self._settings.callers, self._owed)
            self._handlers.append(handler)
            self._listeners.append(listener)
            for address in addresses:
                self.addresses.append(await self._open(listener, address, tls))

    def go_by(self, settings: Settings, providers: Mapping[str, Provider]) -> None:
        """Lead what comes from now on to these *providers*; the addresses are the same."""
        self._settings, self._providers = settings, providers
        destinations = self._destinations()
        for handler, (_, routes) in zip(self._handlers, self._plan(), strict=True):
            handler.go_by(Router(routes), destinations)

    def stop_accepting(self) -> None:
        """Take no new connection; those that are open go on."""
        for listener in self._listeners:
            listener.stop_accepting()

    async def drain(self, timeout_s: float) -> None:
        """Wait until nobody is owed an answer, for *timeout_s* at most."""
        await self._owed.wait(timeout_s)

    def give_up(self) -> None:
        """Answer as it is what callers have not sent to its end."""
        for listener in self._listeners:
            listener.give_up()

    async def close(self, grace_s: float = 0.0) -> None:
        """Close every connection, and remove every socket from the file system."""
        await asyncio.gather(*(listener.close(grace_s) for listener in self._listeners))
        while self._sockets:
            self._sockets.pop().unlink(missing_ok=True)

    def _plan(self) -> Iterator[tuple[tuple[Address, ...], list[ProviderRoutes]]]:
        yield self._settings.listen, [each.routes() for each in self._providers.values()]
        for provider in self._providers.values():
            if provider.settings.listen is not None:
                yield (provider.settings.listen,), [provider.routes(_ROOT)]

    def _destinations(self) -> Mapping[str, Destination]:
        return {
            name: provider.destination(replay_body_bytes=self._settings.replay_body)
            for name, provider in self._providers.items()
        }

    def _handler(
        self, routes: list[ProviderRoutes], destinations: Mapping[str, Destination]
    ) -> Handler:
        return Handler(
            Router(routes),
            destinations,
            self._journeys,
            self._settings.callers,
            self._clock,
            self._emit,
            self._new_id,
            self._ask,
            max_body_bytes=self._settings.max_body,
            is_draining=self._is_draining,
            tracing=Tracing(
                is_passed_on=self._settings.tracing.propagate,
                makes_spans=self._settings.tracing.otlp is not None,
            ),
        )

    async def _open(
        self, listener: Listener, address: Address, tls: ssl.SSLContext | None
    ) -> Address:
        if not address.path:
            port = await listener.start_tcp(address.host, address.port, tls)
            return replace(address, port=port)
        bound = bind_unix(Path(address.path), int(self._settings.socket_mode, 8))
        self._sockets.append(Path(address.path))
        await listener.start_socket(bound)
        return address
