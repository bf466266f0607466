"""The ledger of one sidecar: its store opened, watched, purged and closed."""

import asyncio
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

from proxy.ledger import Keeper, Unknowns
from proxy.ledger.store import PURGED, LedgerStore
from proxy.settings import Settings
from proxy.stores.ledger_memory import MemoryLedger
from proxy.system import random_bytes
from proxy.terms import Clock, Emit, NewId, Sample

if TYPE_CHECKING:
    from proxy.ledger.vault import Vault

_SECRET_BYTES: Final = 32
_PURGE_EVERY_S: Final = 60.0
_LEAP_S: Final = 60.0
_DOUBTED_FOR_S: Final = 3600.0
_LAST_WRITES_S: Final = 3.0


class Ledger:
    """What of the ledger lives as long as the app. `open` makes one."""

    def __init__(
        self, store: LedgerStore, settings: Settings, clock: Clock, emit: Emit, new_id: NewId
    ) -> None:
        self.keeper = Keeper(store, new_id(), clock, emit)
        self.unknowns = Unknowns(self.keeper)
        self.vault = _vault(settings, clock)
        self._store = store
        self._settings = settings
        self._clock = clock
        self._tasks: list[asyncio.Task[None]] = []

    @classmethod
    async def open(cls, settings: Settings, clock: Clock, emit: Emit, new_id: NewId) -> "Ledger":
        """Open the store that the settings name.

        Raises:
            LedgerError: it cannot be used; its text is one line for the operator.
        """
        return cls(await _open_store(settings, clock), settings, clock, emit, new_id)

    def start(self) -> None:
        """Begin to look what is unknown, and to drop what need not be kept."""
        self._tasks = [
            asyncio.ensure_future(step) for step in (self.unknowns.watch(), self._purge())
        ]

    def go_by(self, settings: Settings) -> None:
        """Keep what came of payments for as long as other *settings* say, from now on."""
        self._settings = settings

    async def close(self) -> None:
        """Write what is left, and let the store go."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self.keeper.close(_LAST_WRITES_S)
        await self._store.close()

    def samples(self, providers: Mapping[str, object]) -> Iterator[Sample]:
        """Give the gauges."""
        yield Sample("paysluice_store_up", ("ledger",), float(self.keeper.is_up))
        yield from self.unknowns.samples(providers)

    async def _purge(self) -> None:
        time = SteadyTime(self._clock)
        while True:
            providers = self._settings.providers.items() if time.is_steady() else ()
            for name, provider in providers:
                record_for_s = provider.idempotency.record_for
                while await self._store.purge(name, record_for_s) == PURGED:
                    pass
            await self._clock.sleep(_PURGE_EVERY_S)


class SteadyTime:
    """Whether the wall clock is to be believed: for an hour after a leap forwards it is not.

    A clock that is a year ahead for a minute would have every tombstone dropped.
    """

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._believed_s = self._ahead_s = clock.wall() - clock.monotonic()
        self._stands_since = clock.monotonic()

    def is_steady(self) -> bool:
        """Say whether it is now. To be asked once a minute or so."""
        now = self._clock.monotonic()
        before_s, self._ahead_s = self._ahead_s, self._clock.wall() - now
        if abs(self._ahead_s - before_s) > _LEAP_S:
            self._stands_since = now
        is_ahead = self._ahead_s - self._believed_s > _LEAP_S
        if is_ahead and now - self._stands_since < _DOUBTED_FOR_S:
            return False
        self._believed_s = self._ahead_s
        return True


async def _open_store(settings: Settings, clock: Clock) -> LedgerStore:
    address = settings.stores.ledger
    if address.is_memory:
        return MemoryLedger(clock, random_bytes(_SECRET_BYTES))
    url = address.url.reveal(clock.monotonic())
    if address.scheme == "sqlite":
        from proxy.stores.ledger_sqlite import SqliteLedger  # noqa: PLC0415 - where it is used

        return await asyncio.to_thread(SqliteLedger.open, Path(url.removeprefix("sqlite:")), clock)
    from proxy.stores.ledger_postgresql import PostgresqlLedger  # noqa: PLC0415 - where it is used

    return await PostgresqlLedger.open(url, clock, random_bytes)


def _vault(settings: Settings, clock: Clock) -> "Vault | None":
    key = settings.stores.ledger_key
    if key is None:
        return None
    from proxy.ledger.vault import Vault  # noqa: PLC0415 - it loads OpenSSL's bindings

    return Vault(lambda: key.reveal(clock.monotonic()), random_bytes)
