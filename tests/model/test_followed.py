"""Whatever breaks: of each payment that is only followed somebody knows, or it is listed.

The machine of `test_model`, for payments without a key that no ledger guards.
"""

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from proxy.ledger.entry import Entry, State
from proxy.terms import Effect
from tests.support.postgresql import Server

from .test_model import (
    EXAMPLES,
    WHICH,
    Histories,
    in_memory,
    in_postgresql_of,
    in_sqlite,
    machine,
    try_all,
)
from .world import Does, Flight


class Followed(Histories):
    """Payments that are only followed."""

    def __init__(self) -> None:
        super().__init__()
        self.has_crashed = False

    @rule(which=WHICH, does=st.lists(st.sampled_from(list(Does)), min_size=1, max_size=3))
    def start(self, which: int, does: list[Does]) -> None:
        sidecar = self.world.sidecars[which % self.sidecars]
        key = f"call-{self.world.calls + 1}"
        self.world.start(sidecar, key, 1, tuple(does), is_guarded=False)
        self.settle()

    @rule(which=WHICH)
    def crash(self, which: int) -> None:
        self.has_crashed = True
        super().crash(which)

    @invariant()
    def one_key_is_charged_once(self) -> None:
        """Say nothing of keys: there are none."""

    def the_end(self) -> None:
        self.everybody_comes_back()
        self.what_was_said_is_true()
        listed = self.world.run(self.world.store.unknowns())
        assert isinstance(listed, tuple)
        unknown = {entry.id for entry in listed}
        for flight in self.world.flown:
            name = flight.call.request_id
            entry = self.world.run(self.world.store.find(name))
            is_kept = isinstance(entry, Entry) and entry.state in {State.DONE, State.UNKNOWN}
            if flight.charged and not is_told(flight):
                assert is_kept, f"{name} was charged, and nobody knows"
            if is_told(flight) and not self.has_crashed:
                assert name not in unknown, f"{name} is known, and is listed as unknown"


def is_told(flight: Flight) -> bool:
    """Whether its caller knows what came of it."""
    if flight.task is None or not flight.task.done() or flight.task.cancelled():
        return False
    return flight.task.result().effect is not Effect.UNKNOWN


def test_two_sidecars_on_one_memory() -> None:
    try_all(machine(in_memory, 2, Followed), EXAMPLES)


def test_one_sidecar_on_sqlite() -> None:
    try_all(machine(in_sqlite, 1, Followed), EXAMPLES)


def test_two_sidecars_on_postgresql(postgresql: Server) -> None:
    try_all(machine(in_postgresql_of(postgresql), 2, Followed), EXAMPLES)
