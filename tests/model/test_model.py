"""Whatever the provider, the stores, the clock and the callers do: one key, one charge.

The machine below tries histories that nobody would write down. `PAYSLUICE_EXAMPLES` says how many:
200 by default, more by `make crash`. A failure prints the history that led to it.
"""

import asyncio
import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import ClassVar

import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis import strategies as st
from hypothesis.errors import FlakyStrategyDefinition
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from proxy.ledger.book import Met
from proxy.ledger.decide import Meeting, Said, Source
from proxy.ledger.entry import Entry, State
from proxy.ledger.store import LedgerStore
from proxy.stores.ledger_memory import MemoryLedger
from proxy.stores.ledger_postgresql import PostgresqlLedger
from proxy.stores.ledger_sqlite import SqliteLedger
from proxy.system import random_bytes
from tests.support import make
from tests.support.clock import SteppedClock
from tests.support.ledger import ATTEMPT_S, claim
from tests.support.postgresql import Server

from .world import LEASE_S, CalmClock, Does, Flight, Mode, Sidecar, World

EXAMPLES = int(os.environ.get("PAYSLUICE_EXAMPLES", "200"))
TRIES = 3
pytestmark = pytest.mark.timeout(max(300, 2 * EXAMPLES))
WHICH = st.integers(0, 1)
KEYS = st.sampled_from(["a", "b"])
Maker = Callable[[asyncio.AbstractEventLoop, SteppedClock], "Iterator[LedgerStore]"]


class Histories(RuleBasedStateMachine):
    """The machine, over the stores that `stores` makes and so many sidecars that share one."""

    stores: ClassVar[Maker]
    sidecars: ClassVar[int]

    def __init__(self) -> None:
        super().__init__()
        self.loop = asyncio.new_event_loop()
        self.clock = CalmClock()
        self._making = contextmanager(type(self).stores)(self.loop, self.clock)
        self.world = World(self.loop, self.clock, self._making.__enter__(), self.sidecars)

    @rule(
        which=WHICH,
        key=KEYS,
        amount=st.sampled_from([1, 1, 1, 2]),
        does=st.lists(st.sampled_from(list(Does)), min_size=1, max_size=3),
    )
    def start(self, which: int, key: str, amount: int, does: list[Does]) -> None:
        self.world.start(self.world.sidecars[which % self.sidecars], key, amount, tuple(does))
        self.settle()

    @precondition(lambda self: self.flights())
    @rule(data=st.data())
    def go_on(self, data: st.DataObject) -> None:
        data.draw(st.sampled_from(self.flights())).let_on()
        self.settle()

    @precondition(lambda self: self.flights())
    @rule(data=st.data())
    def leave(self, data: st.DataObject) -> None:
        self.world.leave(data.draw(st.sampled_from(self.flights())))

    @precondition(lambda self: self.flights())
    @rule(data=st.data())
    def cut_off(self, data: st.DataObject) -> None:
        """The process ends in order: what is under way is cancelled, and written down."""
        flight = data.draw(st.sampled_from(self.flights()))
        assert flight.task is not None
        flight.task.cancel()
        self.settle()

    @rule(seconds=st.sampled_from([0.1, 1.0, 5.0, 15.0, 45.0]))
    def wait(self, seconds: float) -> None:
        self.world.pass_time(seconds)

    @rule(which=WHICH, seconds=st.sampled_from([1.0, 39.0, 60.0]))
    def freeze_at_the_next_claim(self, which: int, seconds: float) -> None:
        self.world.sidecars[which % self.sidecars].store.frozen_s = seconds

    @rule(
        which=WHICH,
        mode=st.sampled_from([Mode.UP, Mode.UP, Mode.AWAY, Mode.MUTE]),
    )
    def the_store(self, which: int, mode: Mode) -> None:
        self.world.sidecars[which % self.sidecars].store.mode = mode

    @rule(which=WHICH)
    def crash(self, which: int) -> None:
        self.world.crash(self.world.sidecars[which % self.sidecars])
        self.world.sidecars[which % self.sidecars] = self.world.sidecar()

    @precondition(lambda self: self.world.unknown)
    @rule(data=st.data(), source=st.sampled_from([Source.PERSON, Source.LOOKUP]))
    def resolve(self, data: st.DataObject, source: Source) -> None:
        """Somebody truthful says what they see."""
        outcome_id = data.draw(st.sampled_from(sorted(self.world.unknown)))
        entry = self.world.run(self.world.store.find(outcome_id))
        charged = self.world.charges[self.world.unknown[outcome_id]]
        said = Said.SUCCEEDED if charged else Said.NOT_PROCESSED
        if isinstance(entry, Entry):
            self.world.run(
                self.world.store.settle(
                    outcome_id, source, said, "seen", attempt_timeout_s=ATTEMPT_S
                )
            )

    @precondition(lambda self: self.charged())
    @rule(data=st.data())
    def webhook(self, data: st.DataObject) -> None:
        """The provider says what it has charged, early or late."""
        flight = data.draw(st.sampled_from(self.charged()))
        self.world.run(
            self.world.store.settle(
                flight.call.request_id,
                Source.WEBHOOK,
                Said.SUCCEEDED,
                "event",
                attempt_timeout_s=ATTEMPT_S,
            )
        )

    @invariant()
    def one_key_is_charged_once(self) -> None:
        for key, charges in self.world.charges.items():
            assert charges <= 1, f"{key} was charged {charges} times"

    @invariant()
    def what_was_said_is_true(self) -> None:
        for flight in self.ended():
            assert flight.task is not None
            if not flight.task.cancelled():
                flight.task.result()  # raises what a look at the outcome found wrong

    def teardown(self) -> None:
        try:
            self.the_end()
        finally:
            for sidecar in self.world.sidecars:
                self.world.crash(sidecar)
            self._making.__exit__(None, None, None)
            self.loop.close()

    def everybody_comes_back(self) -> None:
        """Let all that is under way end, and time pass."""
        for sidecar in self.world.sidecars:
            sidecar.store.mode = Mode.UP
        for _ in range(8):
            for flight in self.flights():
                flight.let_on()
            self.world.pass_time(LEASE_S)

    def the_end(self) -> None:
        """Everybody comes back, and time passes: nothing is lost, and no key is free."""
        self.everybody_comes_back()
        self.one_key_is_charged_once()
        self.what_was_said_is_true()
        unknown = {entry.id for entry in self.world.run(self.world.store.unknowns())}
        for outcome_id in list(self.world.unknown):
            entry = self.world.run(self.world.store.find(outcome_id))
            is_known = isinstance(entry, Entry) and entry.state in {State.DONE, State.RELEASED}
            assert is_known or outcome_id in unknown, f"{outcome_id} is lost"
        for key in self.world.charges:
            assert not self.is_free(self.world.sidecars[0], key), f"{key} is free, and paid"

    def is_free(self, sidecar: Sidecar, key: str) -> bool:
        hashed = sidecar.policy._claims.key_hash("acme", make.call(key=make.key(value=key)))
        met = self.world.run(
            self.world.store.begin(claim(id=f"last-{key}", key_hash=hashed, provider="acme"))
        )
        assert isinstance(met, Met)
        return met.meeting is Meeting.NEW

    def settle(self) -> None:
        self.world.pass_time(0.0)

    def flights(self) -> list[Flight]:
        return [flight for flight in self.all() if flight.task and not flight.task.done()]

    def ended(self) -> list[Flight]:
        return [flight for flight in self.all() if flight.task and flight.task.done()]

    def charged(self) -> list[Flight]:
        return [flight for flight in self.world.flown if flight.charged]

    def all(self) -> list[Flight]:
        return [flight for sidecar in self.world.sidecars for flight in sidecar.flights]


def machine(
    stores: Maker, sidecars: int, histories: type[Histories] = Histories
) -> type[Histories]:
    """Give the machine over the stores that *stores* makes."""
    members = {"stores": staticmethod(stores), "sidecars": sidecars}
    return type(histories.__name__, (histories,), members)


def try_all(
    histories: type[RuleBasedStateMachine], examples: int, phases: Iterable[Phase] = Phase
) -> None:
    """Try *examples* histories.

    A database has a thread of its own, and some histories in a million go another way the second
    time. Hypothesis says so (no promise was broken then: that is another error) and tries no more.
    """
    wanted = settings(
        max_examples=examples,
        stateful_step_count=30,
        deadline=None,
        phases=phases,
        suppress_health_check=list(HealthCheck),
    )
    for left in reversed(range(TRIES)):
        try:
            run_state_machine_as_test(histories, settings=wanted)
        except FlakyStrategyDefinition:
            if not left:
                raise
        else:
            return


def in_memory(_loop: asyncio.AbstractEventLoop, clock: SteppedClock) -> Iterator[LedgerStore]:
    yield MemoryLedger(clock)


def in_sqlite(loop: asyncio.AbstractEventLoop, clock: SteppedClock) -> Iterator[LedgerStore]:
    # In memory where the machine has such a folder: these histories have no use for a disk.
    with TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None) as folder:  # noqa: S108
        store = SqliteLedger.open(Path(folder) / "ledger.db", clock)
        yield store
        loop.run_until_complete(store.close())


def test_two_sidecars_on_one_memory() -> None:
    try_all(machine(in_memory, 2), EXAMPLES)


def test_one_sidecar_on_sqlite() -> None:
    try_all(machine(in_sqlite, 1), EXAMPLES)


def in_postgresql_of(server: Server) -> Maker:
    def in_postgresql(
        loop: asyncio.AbstractEventLoop, clock: SteppedClock
    ) -> Iterator[LedgerStore]:
        url = loop.run_until_complete(server.fresh())
        opening = PostgresqlLedger.open(url, clock, random_bytes, goes_by=clock)
        store = loop.run_until_complete(opening)
        yield store
        loop.run_until_complete(store.close())

    return in_postgresql


def test_two_sidecars_on_postgresql(postgresql: Server) -> None:
    try_all(machine(in_postgresql_of(postgresql), 2), EXAMPLES)


async def yes(_: object) -> bool:
    return True


def test_a_ledger_that_sends_without_its_claim_is_found_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.ledger.lease.Lease.take", yes)
    with pytest.raises(AssertionError, match=r"charged 2 times|is free, and paid"):
        # It takes a hundred as a rule, and a thousand at times. The shortest is not asked for.
        try_all(machine(in_memory, 2), 10_000, [Phase.generate])
