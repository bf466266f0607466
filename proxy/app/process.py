"""A whole sidecar: built from its settings, started, drained and closed in order."""

import asyncio
import ssl
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Final

from proxy.admin import AdminServer, PageEndpoint
from proxy.ledger.store import LedgerError
from proxy.listener import Journeys
from proxy.observe import History, JsonLog, LastErrors, Metrics, TextLog, UnmappedCodes, fan_out
from proxy.observe.log import Stream
from proxy.providers import Profile
from proxy.settings import Address, ConfigError, Settings, warnings
from proxy.terms import Clock, ConfigReloaded, Emit, Event, NewId, Roll, Sample

from .desk import open_desk
from .doors import Doors
from .fleet import Fleet, StartError
from .hiding import hidden
from .ledger import Ledger
from .limits import Limits
from .outcomes import Outcomes
from .page import Page
from .profiles import load_profiles
from .provider import Provider
from .reload import stands_against
from .settling import Settling
from .spans import SpanSinks
from .switches import Switches

if TYPE_CHECKING:
    from proxy.simulator import Simulator

STARTING: Final = "starting"
DRAINING: Final = "draining"
READY: Final = "ready"
LEDGER_AWAY: Final = "ledger_away"
DEGRADED: Final = "degraded"
_FIRST_BYTE_S: Final = 0.1  # until of a caller who was let in last a byte has been read
_LAST_ANSWERS_S: Final = 1.0  # what has come to its end is still being written


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
        read_again: Callable[[], Settings] | None = None,
    ) -> None:
        self.settings = settings
        self._read_again = read_again
        self._reloading = asyncio.Lock()
        self.admin_port: int | None = None
        self.state = STARTING
        self._clock = clock
        self._new_id = new_id
        self._version = version
        log_class = JsonLog if settings.log.format == "json" else TextLog
        self.log = log_class(stdout, settings.log.level, clock, self._hide)
        self._metrics = Metrics(version, self._knows_code, self._tell)
        self._errors = LastErrors(clock)
        self._unmapped = UnmappedCodes()
        self._history = History(clock)
        self._spans = SpanSinks(settings.tracing.otlp, clock, version)
        sinks = (self._metrics, self.log, self._errors, self._unmapped, self._history)
        self._emit: Emit = fan_out(*sinks, *self._spans.sinks)
        self.profiles: Mapping[str, Profile] = load_profiles(settings)
        self._journeys = Journeys(clock, self._emit)
        self._limits = Limits(settings, clock, self._emit, new_id)
        self._providers = Fleet(
            clock, roll, self._emit, new_id, self._limits, is_draining=lambda: self.is_draining
        )
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
            await self._open_ledger()
            await self._limits.start()
            await self._build_providers()
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
        await self._clock.sleep(min(_FIRST_BYTE_S, self.settings.drain.timeout))
        # An open connection may bring a request while the last one is answered: look again.
        while self._is_owed_anything and (left_s := until - self._clock.monotonic()) > 0:
            await self._doors.drain(left_s)
            await self._journeys.drain(until - self._clock.monotonic())
        cut = self._journeys.cut_off()
        if cut:
            self.log.line("warning", "drain_cut_off", calls=cut)
        self._doors.give_up()
        await self._doors.close(_LAST_ANSWERS_S)

    async def reload(self, *, is_forced: bool = False) -> Sequence[str]:
        """Read the config again; give what stands against it, nothing where it is in effect.

        A call under way keeps what it began with. With a fault the old config goes on.
        """
        async with self._reloading:
            faults = await self._reload(is_forced=is_forced)
            self._emit(ConfigReloaded("refused" if faults else "done", "; ".join(faults) or None))
            return faults

    async def _reload(self, *, is_forced: bool) -> Sequence[str]:
        if self.state != READY or self._read_again is None or self._ledger is None:
            return (f"not now: {self.state}",)
        try:
            settings = await asyncio.to_thread(self._read_again)
            profiles = await asyncio.to_thread(load_profiles, settings)
            providers = await self._providers.make(settings, profiles, self._ledger)
            await self._ledger.unknowns.refresh()
        except ConfigError as error:
            return tuple(map(str, error.faults))
        except StartError as error:
            return (str(error),)
        except OSError as error:
            return (_reason(error),)
        if self.state != READY:  # it may have begun to end meanwhile
            return (f"not now: {self.state}",)
        # From here until all goes by the new config nothing is awaited: nobody begins to pay.
        faults = stands_against(self.settings, settings, self._undecided(), is_forced=is_forced)
        if told := tuple(faults):
            return told
        await self._go_by(settings, profiles, providers)
        return ()

    def _undecided(self) -> set[str]:
        """Give the providers of which a payment is unknown, under way, or cannot be asked for."""
        assert self._ledger is not None
        if not self._ledger.keeper.is_up:
            return set(self._providers)
        unknown = {each.provider for each in self._ledger.unknowns.entries.values()}
        return unknown | {name for name, each in self._providers.items() if each.is_paying}

    async def _go_by(
        self,
        settings: Settings,
        profiles: Mapping[str, Profile],
        providers: Mapping[str, Provider],
    ) -> None:
        """Lead all that comes from now on by other settings."""
        assert self._ledger is not None
        assert self._doors is not None
        assert self._settling is not None
        self.settings, self.profiles = settings, profiles
        self._providers.go_by(settings, providers)
        self._ledger.go_by(settings)
        self._outcomes.go_by(settings.providers)
        self._doors.go_by(settings, self._providers)
        await self._settling.go_by(settings, self._providers)
        for finding in warnings(settings, profiles):
            self.log.line("warning", "config_warning", message=str(finding))

    async def close(self) -> None:
        """Close everything, whatever state it is in."""
        if self._doors is not None:
            await self._doors.close()
        if self._settling is not None:
            await self._settling.stop()
        await self._providers.close()
        if self._ledger is not None:
            await self._ledger.close()
        await self._limits.close()
        await self._spans.close()
        if self._admin is not None:
            await self._admin.stop()

    def readiness(self) -> tuple[bool, str]:
        """Say whether callers should come, and why not."""
        if self.state != READY:
            return False, self.state
        if self._ledger is not None and not self._ledger.keeper.is_up:
            return False, LEDGER_AWAY
        return True, READY if self._limits.is_up else DEGRADED

    def status(self) -> dict[str, object]:
        """Give what an operator is shown."""
        return {
            "state": self.state,
            "journeys": self._journeys.under_way,
            "limits": self._limits.status(),
            "providers": {name: self._shown(each) for name, each in self._providers.items()},
        }

    def _shown(self, provider: Provider) -> dict[str, object]:
        name, secrets = provider.name, provider.secrets()
        return provider.status() | {
            "last_errors": hidden(self._errors.view(name), secrets),
            "unmapped_codes": hidden(self._unmapped.view(name), secrets),
        }

    @property
    def addresses(self) -> list[Address]:
        """Where callers find us, the port that was given where none was asked for."""
        return [] if self._doors is None else self._doors.addresses

    @property
    def _is_owed_anything(self) -> bool:
        return self._journeys.under_way > 0 or (self._doors is not None and self._doors.owed > 0)

    @property
    def simulator(self) -> "Simulator | None":
        """The simulated provider inside this process, where one is asked for."""
        return self._providers.simulator

    @property
    def is_draining(self) -> bool:
        """Whether the process is about to end."""
        return self.state == DRAINING

    def _tell(self, event: Event) -> None:
        self._emit(event)  # built after the metrics, which are one of those it tells

    def _hide(self, name: str, text: str) -> str:
        provider = self._providers.get(name)  # built after the log, too
        return text if provider is None else str(hidden(text, provider.secrets()))

    def _knows_code(self, provider: str, code: str) -> bool:
        return self._providers.knows_code(provider, code)  # built after them, too

    async def _build_providers(self) -> None:
        assert self._ledger is not None
        made = await self._providers.make(self.settings, self.profiles, self._ledger)
        self._providers.go_by(self.settings, made)
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
        switches, page = Switches(self._providers, self.log), Page(self, self._history)
        self._admin = await open_desk(
            self.settings,
            self._clock,
            self._emit,
            readiness=self.readiness,
            metrics=self._metrics.render,
            status=self.status,
            config=page.config,
            reload=page.reload,
            outcomes=self._outcomes,
            providers=switches,
            page=PageEndpoint(
                page,
                self._outcomes,
                switches,
                version=self._version,
                form_token=self._new_id,
            ),
        )
        self.admin_port = self._admin.port or None

    def _samples(self) -> Iterator[Sample]:
        yield Sample("paysluice_draining", (), float(self.is_draining))
        yield from self._limits.samples()
        yield from self._providers.samples()


def _reason(error: OSError) -> str:
    """Say what could not be opened, without more than the system's own words."""
    where = f" {error.filename}" if error.filename else ""
    return f"cannot start: {error.strerror or type(error).__name__}{where}"
