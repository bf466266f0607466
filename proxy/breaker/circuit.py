"""The circuit: closed, open, half open. Pure; every change of state is one plain call.

A permit carries the generation of the state it was given in. An answer that belongs to an earlier
state is ignored: a slow success from before the outage must not close a circuit, nor a slow
failure open one that has just closed.

A probe may meet a provider that is still down, and a read that fails costs nobody anything. So
where reads came while the circuit was open, they go first for a while (`SAFE_FIRST_S`).
"""

from enum import IntEnum
from typing import Final, assert_never

from msgspec import Struct

from .decide import Vote
from .settings import BreakerSettings
from .window import Window

# When to ask again where all probes are out: their answers are due any moment, nobody knows when.
PROBING_RETRY_S: Final = 1.0
SAFE_FIRST_S: Final = 2.0


class State(IntEnum):
    """The value of `paysluice_breaker_state`."""

    CLOSED = 0
    HALF_OPEN = 1
    OPEN = 2


_CLOSED: Final = State.CLOSED  # each look into an enumeration costs as much as a permit


class Permit(Struct, frozen=True):
    """Leave to make one attempt; to be settled exactly once."""

    generation: int
    is_probe: bool
    moved_to: State | None = None  # set where giving it changed the state


class Denied(Struct, frozen=True):
    """No attempt now."""

    retry_after_s: float


class Breaker:
    """The circuit of one provider, or of one route. Changed only by `admit` and `settle`."""

    def __init__(self, settings: BreakerSettings) -> None:
        self._settings = settings
        self._state = State.CLOSED
        self._generation = 0
        self._permit = Permit(0, is_probe=False)  # for as long as the circuit stays as it is
        self._window = Window(settings.window)
        self._open_until = 0.0
        self._any_from = 0.0  # from then on a call that is not safe may be a probe
        self._probing = 0  # probes under way
        self._passed = 0  # probes that found the provider healthy

    def __repr__(self) -> str:
        return f"Breaker({self._state.name.lower()}, generation={self._generation})"

    def state(self, now: float) -> State:
        """Give the state at *now*: one that is due for probing counts as half open."""
        if self._state is State.OPEN and now >= self._open_until:
            return State.HALF_OPEN
        return self._state

    def peek(self, now: float, *, is_safe: bool) -> Denied | None:
        """Say whether an attempt would be denied at *now*. Takes no permit.

        *is_safe*: a call that only reads.
        """
        match self.state(now):
            case State.CLOSED:
                return None
            case State.HALF_OPEN:
                if not is_safe and now < self._any_from:
                    return Denied(self._any_from - now)
                # At least one: a reload may have asked for fewer probes than have passed already.
                if self._probing < max(1, self._settings.half_open_probes - self._passed):
                    return None
                return Denied(min(PROBING_RETRY_S, self._settings.open_for))
            case State.OPEN:
                return Denied((self._open_until if is_safe else self._any_from) - now)
            case state:
                assert_never(state)

    def admit(self, now: float, *, is_safe: bool) -> Permit | Denied:
        """Give leave for one attempt, or say when to ask again."""
        if self._state is _CLOSED:
            return self._permit
        if is_safe and self._state is State.OPEN and now < self._open_until:
            self._any_from = self._open_until + SAFE_FIRST_S  # where one came, another will
        if (denied := self.peek(now, is_safe=is_safe)) is not None:
            return denied
        moved_to = self._move(State.HALF_OPEN) if self._state is State.OPEN else None
        self._probing += 1
        return Permit(self._generation, is_probe=True, moved_to=moved_to)

    def settle(self, permit: Permit, vote: Vote, now: float) -> State | None:
        """Count the *vote* of an attempt, and give the new state where that changed it."""
        if permit.generation != self._generation:
            return None
        return self._probed(vote, now) if permit.is_probe else self._counted(vote, now)

    def reconfigure(self, settings: BreakerSettings) -> None:
        """Go by other *settings* from now on. The state stays, as a reload promises."""
        if settings.window != self._settings.window:
            self._window = Window(settings.window)
        self._settings = settings

    def _probed(self, vote: Vote, now: float) -> State | None:
        self._probing -= 1
        if vote is Vote.FAULTY:
            return self._open(now)
        if vote is Vote.HEALTHY:
            self._passed += 1
        if self._passed >= self._settings.half_open_probes:
            self._window = Window(self._settings.window)  # the failures that opened it are over
            return self._move(State.CLOSED)
        return None

    def _counted(self, vote: Vote, now: float) -> State | None:
        if vote is Vote.ABSTAIN:
            return None
        self._window.add(now, is_failure=vote is Vote.FAULTY)
        if vote is Vote.HEALTHY:
            return None
        total, failures = self._window.count(now)
        is_enough = total >= self._settings.min_requests
        is_tripped = is_enough and failures / total >= self._settings.failure_ratio
        return self._open(now) if is_tripped else None

    def _open(self, now: float) -> State:
        self._open_until = self._any_from = now + self._settings.open_for
        return self._move(State.OPEN)

    def _move(self, state: State) -> State:
        self._state = state
        self._generation += 1
        self._permit = Permit(self._generation, is_probe=False)
        self._probing = self._passed = 0
        return state
