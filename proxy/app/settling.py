"""How unknown payments of the providers are settled without a person: look-ups and webhooks."""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Final

from proxy.ledger.webhook import Taken, Webhooks
from proxy.listener import Take, WebhookListener
from proxy.settings import Settings
from proxy.terms import Clock, Emit, Headers

from .ledger import Ledger
from .provider import Provider

# What a webhook's sender is told; what is not here was taken.
_STATUS: Final[Mapping[Taken, int]] = {
    Taken.UNSIGNED: 401,
    Taken.STALE: 401,
    Taken.UNREADABLE: 400,
    Taken.AWAY: 503,
}


class Settling:
    """Look-ups and webhooks of one sidecar, started and ended together."""

    def __init__(
        self,
        settings: Settings,
        providers: Mapping[str, Provider],
        ledger: Ledger,
        clock: Clock,
        emit: Emit,
    ) -> None:
        self._settings = settings
        self._providers = providers
        self._ledger = ledger
        self._clock = clock
        self._listener = WebhookListener(self._takers(), emit)
        self._tasks: list[asyncio.Task[None]] = []

    @property
    def port(self) -> int:
        """Where webhooks are listened for, if they are."""
        return self._listener.port

    async def start(self) -> None:
        """Begin to ask, and to listen.

        Raises:
            OSError: the address for webhooks cannot be bound.
        """
        self._begin()
        address = self._settings.webhooks
        if address is not None:
            await self._listener.start(address.host, address.port)

    async def go_by(self, settings: Settings, providers: Mapping[str, Provider]) -> None:
        """Ask, and listen for, these *providers* from now on."""
        self._settings, self._providers = settings, providers
        self._listener.go_by(self._takers())
        before = self._tasks
        self._begin()
        await _end(before)

    async def stop(self) -> None:
        """End both."""
        await _end(self._tasks)
        await self._listener.stop()

    def _begin(self) -> None:
        look_ups = (each.look_ups for each in self._providers.values())
        self._tasks = [asyncio.ensure_future(each.watch()) for each in look_ups if each is not None]

    def _takers(self) -> Mapping[str, Take]:
        found = ((name, self._taker(each)) for name, each in self._providers.items())
        return {name: take for name, take in found if take is not None}

    def _taker(self, provider: Provider) -> Take | None:
        secret = provider.settings.webhook.secret
        if secret is None or provider.profile.webhook is None or provider.profile.events is None:
            return None
        webhooks = Webhooks(
            provider.profile,
            self._ledger.keeper,
            lambda: secret.reveal(self._clock.monotonic()),
            provider=provider.name,
            tolerance_s=provider.settings.webhook.tolerance,
            attempt_s=provider.settings.timeouts.attempt,
        )

        async def take(headers: Headers, body: bytes) -> int:
            return _STATUS.get(await webhooks.take(headers, body), 200)

        return take


async def _end(tasks: Sequence["asyncio.Task[None]"]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
