"""A whole sidecar: built from its settings, started, drained and closed in order."""

import ssl
from collections.abc import Iterator
from typing import TYPE_CHECKING, Final

from proxy.admin import AdminServer
from proxy.attempt import Origin
from proxy.ledger.store import LedgerError
from proxy.listener import Journeys
from proxy.observe import JsonLog, LastErrors, Metrics, TextLog, UnmappedCodes, fan_out
from proxy.observe.log import Stream
from proxy.settings import Address, ProviderSettings, Settings
from proxy.stores.memory import MemoryLimits
from proxy.terms import Clock, Emit, Event, NewId, Roll, Sample

from .desk import open_desk
from .doors import Doors
from .ledger import Ledger
from .outcomes import Outcomes
from .profiles import load_profiles
from .provider import Provider
from .settling import Settling

if TYPE_CHECKING:
    from proxy.simulator import Simulator

STARTING: Final = "starting"
DRAINING: Final = "draining"
READY: Final = "ready"
LEDGER_AWAY: Final = "ledger_away"
_LAST_ANSWERS_S: Final = 1.0  # what has come to its end is still being written


class StartError(Exception):
    """The process cannot start; its text is one line for the operator, without a secret."""


class App:
    """One sidecar.

    Raises:
        ConfigError: a profile that the settings name cannot be used.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        version: str,
        clock: Clock,
        roll: Roll,
        new_id: NewId,
        stdout: Stream,
    ) -> None:
        self.settings = settings
        self.admin_port: int | None = None
        self.simulator: Simulator | None = None
        self.state = STARTING
        self._clock = clock
        self._roll = roll
        self._new_id = new_id
        log_class = JsonLog if settings.log.format == "json" else TextLog
        self.log = log_class(stdout, settings.log.level, clock)
        self._metrics = Metrics(version, self._knows_code, self._tell)
        self._errors = LastErrors(clock)
        self._unmapped = UnmappedCodes()
        self._emit: Emit = fan_out(
            self._metrics.on, self.log.on, self._errors.on, self._unmapped.on
        )
        self.profiles = load_profiles(settings)
        self._journeys = Journeys(clock, self._emit)
        self._limits = MemoryLimits()
        self._providers: dict[str, Provider] = {}
        self._ledger: Ledger | None = None
        self._outcomes = Outcomes(clock, settings.providers)
        self._settling: Settling | None = None
        self._doors: Doors | None = None
        self._admin: AdminServer | None = None

    async def start(self) -> None:
        """Open every address, admin first: it says that we are starting.

        Raises:
            StartError: an address cannot be bound, or a certificate not be read.
        """
        try:
            await self._start_admin()
            await self._start_simulator()
            await self._open_ledger()
            self._build_providers()
            await self._start_settling()
            await self._open_doors()
        except (StartError, LedgerError) as error:
            await self.close()
            raise StartError(str(error)) from error
        except OSError as error:
            await self.close()
            raise StartError(_reason(error)) from error
        self.state = READY

    async def drain(self) -> None:
        """Announce the end, keep accepting for a while, then finish what is under way."""
        self.state = DRAINING
        await self._clock.sleep(self.settings.drain.delay)
        until = self._clock.monotonic() + self.settings.drain.timeout
        if self._doors is None:
            return
        self._doors.stop_accepting()
        # An open connection may bring a request while the last one is answered: look again.
        while self._is_owed_anything and (left_s := until - self._clock.monotonic()) > 0:
            await self._doors.drain(left_s)
            await self._journeys.drain(until - self._clock.monotonic())
        cut = self._journeys.cut_off()
        if cut:
            self.log.line("warning", "drain_cut_off", calls=cut)
        self._doors.give_up()
        await self._doors.close(_LAST_ANSWERS_S)

    async def close(self) -> None:
        """Close everything, whatever state it is in."""
        if self._doors is not None:
            await self._doors.close()
        if self._settling is not None:
            await self._settling.stop()
        for provider in self._providers.values():
            provider.close()
        if self._ledger is not None:
            await self._ledger.close()
        if self.simulator is not None:
            await self.simulator.stop()
        if self._admin is not None:
            await self._admin.stop()

    def _readiness(self) -> tuple[bool, str]:
        """Say whether callers should come, and why not."""
        if self.state == READY and self._ledger is not None and not self._ledger.keeper.is_up:
            return False, LEDGER_AWAY
        return self.state == READY, self.state

    def status(self) -> dict[str, object]:
        """Give what an operator is shown."""
        return {
            "state": self.state,
            "journeys": self._journeys.under_way,
            "providers": {
                name: provider.status()
                | {
                    "last_errors": self._errors.view(name),
                    "unmapped_codes": self._unmapped.view(name),
                }
                for name, provider in self._providers.items()
            },
        }

    @property
    def addresses(self) -> list[Address]:
        """Where callers find us, the port that was given where none was asked for."""
        return [] if self._doors is None else self._doors.addresses

    @property
    def _is_owed_anything(self) -> bool:
        return self._journeys.under_way > 0 or (self._doors is not None and self._doors.owed > 0)

    @property
    def is_draining(self) -> bool:
        """Whether the process is about to end."""
        return self.state == DRAINING

    def _tell(self, event: Event) -> None:
        self._emit(event)  # built after the metrics, which are one of those it tells

    def _build_providers(self) -> None:
        for name, settings in self.settings.providers.items():
            self._providers[name] = self._build_provider(name, settings)
        self._metrics.add_gauges(self._samples)

    async def _open_ledger(self) -> None:
        """Open the ledger, and begin to watch it.

        Raises:
            StartError: it cannot be used.
        """
        ledger = await Ledger.open(self.settings, self._clock, self._emit, self._new_id)
        self._ledger = ledger
        ledger.start()
        self._outcomes.keep(ledger.keeper)
        self._metrics.add_gauges(lambda: ledger.samples(self._providers))

    async def _start_settling(self) -> None:
        """Begin to ask providers what became of payments, and to listen for their webhooks.

        Raises:
            OSError: the address for webhooks cannot be bound.
        """
        assert self._ledger is not None
        self._settling = Settling(
            self.settings, self._providers, self._ledger, self._clock, self._emit
        )
        await self._settling.start()

    def _build_provider(self, name: str, settings: ProviderSettings) -> Provider:
        """Build what one provider needs.

        Raises:
            StartError: a certificate or a key of it cannot be used.
        """
        assert self._ledger is not None
        try:
            return Provider(
                name,
                settings,
                self.profiles[name],
                self._origin(name),
                self._limits,
                self._clock,
                self._roll,
                self._emit,
                self._new_id,
                self._ledger,
                self.settings.stores,
                is_draining=lambda: self.is_draining,
            )
        except OSError as error:  # OpenSSL does not say which file it could not use
            msg = f"cannot start: providers.{name}.tls: {error.strerror or type(error).__name__}"
            raise StartError(msg) from error

    def _origin(self, name: str) -> Origin:
        url = self.settings.providers[name].base_url
        if url.is_simulator and self.simulator is not None:
            return Origin("127.0.0.1", self.simulator.port, is_tls=False)
        return Origin(url.host, url.port, is_tls=url.scheme == "https")

    async def _start_simulator(self) -> None:
        if any(provider.base_url.is_simulator for provider in self.settings.providers.values()):
            from proxy.simulator import Simulator  # noqa: PLC0415 - only where it is configured

            self.simulator = Simulator(clock=self._clock, roll=self._roll)
            await self.simulator.start()

    async def _open_doors(self) -> None:
        """Open what callers come to.

        Raises:
            StartError: the certificate that they are shown cannot be used.
        """
        self._doors = Doors(
            self.settings,
            self._providers,
            self._journeys,
            self._clock,
            self._emit,
            self._new_id,
            self._outcomes.ask,
            is_draining=lambda: self.is_draining,
        )
        try:
            await self._doors.start()
        except ssl.SSLError as error:
            msg = f"cannot start: listen_tls: {error.reason or type(error).__name__}"
            raise StartError(msg) from error

    async def _start_admin(self) -> None:
        self._admin = await open_desk(
            self.settings,
            self._clock,
            self._emit,
            readiness=self._readiness,
            metrics=self._metrics.render,
            status=self.status,
            outcomes=self._outcomes,
        )
        self.admin_port = self._admin.port or None

    def _samples(self) -> Iterator[Sample]:
        yield Sample("paysluice_draining", (), float(self.is_draining))
        for provider in self._providers.values():
            yield from provider.samples()

    def _knows_code(self, provider: str, code: str) -> bool:
        known = self._providers.get(provider)
        return known is not None and known.classifier.knows_code(code)


def _reason(error: OSError) -> str:
    """Say what could not be opened, without more than the system's own words."""
    where = f" {error.filename}" if error.filename else ""
    return f"cannot start: {error.strerror or type(error).__name__}{where}"
