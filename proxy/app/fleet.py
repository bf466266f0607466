"""The providers of one sidecar: built of the settings, replaced by a reload, closed together."""

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from proxy.attempt import Origin
from proxy.providers import Profile
from proxy.settings import BaseUrl, Settings
from proxy.terms import Clock, Emit, NewId, Roll, Sample

from .kept import Kept
from .ledger import Ledger
from .limits import Limits
from .provider import Provider

if TYPE_CHECKING:
    from proxy.simulator import Simulator


class StartError(Exception):
    """The process cannot start; its text is one line for the operator, without a secret."""


class Fleet(Mapping[str, Provider]):
    """The providers that calls go to, by their names. Whoever holds it sees those of today."""

    def __init__(
        self,
        clock: Clock,
        roll: Roll,
        emit: Emit,
        new_id: NewId,
        limits: Limits,
        *,
        is_draining: Callable[[], bool],
    ) -> None:
        self.simulator: Simulator | None = None
        self._clock = clock
        self._roll = roll
        self._emit = emit
        self._new_id = new_id
        self._limits = limits
        self._is_draining = is_draining
        self._providers: Mapping[str, Provider] = {}
        # Also of those that are gone: one that comes back is paused as it was, and calls that it
        # began before still hold their places.
        self._kept: dict[str, Kept] = {}

    def __getitem__(self, name: str) -> Provider:
        return self._providers[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._providers)

    def __len__(self) -> int:
        return len(self._providers)

    async def make(
        self, settings: Settings, profiles: Mapping[str, Profile], ledger: Ledger
    ) -> Mapping[str, Provider]:
        """Make what *settings* name; nothing goes to it yet. Its state is that of today's.

        Raises:
            StartError: a certificate or a key of one cannot be used.
            OSError: the simulated provider cannot listen.
        """
        await self._start_simulator(settings)
        return {
            name: self._made(name, settings, profiles[name], ledger) for name in settings.providers
        }

    def go_by(self, settings: Settings, providers: Mapping[str, Provider]) -> None:
        """Have calls go to these *providers* from now on; those of before end what they began."""
        before, self._providers = self._providers, providers
        for name, each in settings.providers.items():
            self._kept[name] = providers[name].kept
            providers[name].kept.go_by(each, self._limits.of(each.store_failure))
        for provider in before.values():
            provider.close()

    async def close(self) -> None:
        """Close what is idle; what is under way closes as it ends."""
        for provider in self.values():
            provider.close()
        if self.simulator is not None:
            await self.simulator.stop()

    def samples(self) -> Iterator[Sample]:
        """Give the gauges of all providers as they are now."""
        for provider in self.values():
            yield from provider.samples()

    def knows_code(self, provider: str, code: str) -> bool:
        """Whether the profile of a provider knows one of its codes."""
        known = self.get(provider)
        return known is not None and known.classifier.knows_code(code)

    def _made(self, name: str, settings: Settings, profile: Profile, ledger: Ledger) -> Provider:
        own = settings.providers[name]
        try:
            return Provider(
                name,
                own,
                profile,
                self._origin(own.base_url),
                self._limits.of(own.store_failure),
                self._clock,
                self._roll,
                self._emit,
                self._new_id,
                ledger,
                settings.stores,
                self._kept.get(name),
                is_draining=self._is_draining,
            )
        except OSError as error:  # OpenSSL does not say which file it could not use
            msg = f"cannot start: providers.{name}.tls: {error.strerror or type(error).__name__}"
            raise StartError(msg) from error

    def _origin(self, url: BaseUrl) -> Origin:
        if url.is_simulator and self.simulator is not None:
            return Origin("127.0.0.1", self.simulator.port, is_tls=False)
        return Origin(url.host, url.port, is_tls=url.scheme == "https")

    async def _start_simulator(self, settings: Settings) -> None:
        is_asked_for = any(each.base_url.is_simulator for each in settings.providers.values())
        if is_asked_for and self.simulator is None:
            from proxy.simulator import Simulator  # noqa: PLC0415 - only where it is configured

            simulator = Simulator(clock=self._clock, roll=self._roll)
            await simulator.start()
            self.simulator = simulator
