"""A small world around the ledger: sidecars that crash, stores that go away, what was charged.

All is scripted: a call stops at each step of its journey until it is let on, time passes when told
to, and the provider counts what it charged for each key.
"""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Coroutine
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, TypeVar

from msgspec.structs import replace

from proxy.ledger import Keeper, LedgerPolicy
from proxy.ledger.store import AWAY, LedgerStore
from proxy.normalise.words import word_for
from proxy.terms import (
    Answered,
    Call,
    Delivery,
    Effect,
    Kind,
    Outcome,
    Progress,
    Refusal,
    RouteEffect,
    join,
)
from tests.support import make
from tests.support.clock import SteppedClock
from tests.support.ledger import ATTEMPT_S, policy

TOTAL_S = 30.0
LEASE_S = TOTAL_S + 2 * ATTEMPT_S  # longer than any
T = TypeVar("T")


class Does(StrEnum):
    """What the provider does with one attempt."""

    CHARGE = "charge"  # and answers
    CHARGE_AND_LOSE = "charge_and_lose"  # the answer never comes
    LOSE = "lose"  # neither charged nor answered
    DECLINE = "decline"
    REJECT = "reject"
    THROTTLE = "throttle"  # refused unprocessed: it is sent once more, if there is another attempt
    UNREACHABLE = "unreachable"  # no byte left


class Mode(StrEnum):
    """How a store behaves."""

    UP = "up"
    AWAY = "away"
    MUTE = "mute"  # it takes the step, and its answer is lost
    DEAD = "dead"  # its process is gone: nothing is taken, nobody is answered


class CalmClock(SteppedClock):
    """Goes on only when every question to the store is answered: a history repeats exactly.

    One is asked after the other, too: which of two transactions ends first nobody could repeat.
    """

    def __init__(self) -> None:
        super().__init__()
        self._asked = 0  # questions to the store on their way
        self._is_quiet = asyncio.Event()
        self._turn = asyncio.Lock()

    @asynccontextmanager
    async def asking(self) -> AsyncIterator[None]:
        """Wait with the time while the store is asked."""
        self._asked += 1
        self._is_quiet.clear()
        try:
            async with self._turn:
                yield
        finally:
            self._asked -= 1
            if not self._asked:
                self._is_quiet.set()

    async def _settle(self) -> None:
        await super()._settle()
        while self._asked:
            await self._is_quiet.wait()
            await super()._settle()  # whoever was answered may ask again


class Flaky:
    """A store as one sidecar sees it."""

    def __init__(self, store: LedgerStore, clock: CalmClock) -> None:
        self.mode = Mode.UP
        self.frozen_s = 0.0  # the sidecar is frozen so long while `sending` is asked
        self._store = store
        self._clock = clock

    is_durable = True

    @property
    def secret(self) -> bytes:
        return self._store.secret

    def __getattr__(self, name: str) -> Callable[..., Awaitable[Any]]:
        async def ask(*args: Any, **members: Any) -> Any:
            mode = self.mode
            if mode is Mode.DEAD:
                await asyncio.get_running_loop().create_future()
            if mode is Mode.AWAY:
                return AWAY
            async with self._clock.asking():
                said = await getattr(self._store, name)(*args, **members)
            if name == "sending" and self.frozen_s:
                self._clock.now, self.frozen_s = self._clock.now + self.frozen_s, 0.0
            return AWAY if mode is Mode.MUTE else said

        return ask


@dataclass
class Flight:
    """One call on its journey."""

    key: str
    amount: int
    does: tuple[Does, ...]
    call: Call
    gate: "asyncio.Future[None]"
    task: "asyncio.Task[Outcome] | None" = None
    charged: int = 0

    def let_on(self) -> None:
        if not self.gate.done():
            self.gate.set_result(None)

    async def stop_here(self) -> None:
        await self.gate
        self.gate = asyncio.get_running_loop().create_future()


@dataclass
class Sidecar:
    """One process that shares the store."""

    store: Flaky
    keeper: Keeper
    policy: LedgerPolicy
    flights: list[Flight] = field(default_factory=list)


class World:
    """The store, whoever shares it, and the provider's books."""

    def __init__(
        self, loop: asyncio.AbstractEventLoop, clock: CalmClock, store: LedgerStore, count: int
    ) -> None:
        self.loop = loop
        self.clock = clock
        self.store = store
        self.charges: Counter[str] = Counter()
        self.answers: dict[str, set[bytes]] = {}
        self.unknown: dict[str, str] = {}  # what a caller was told is unknown: id and key
        self.settled: set[str] = set()
        self.flown: list[Flight] = []  # of all calls, those of crashed sidecars too
        self.calls = 0
        self.sidecars = [self.sidecar() for _ in range(count)]

    def run(self, step: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(step)

    def sidecar(self) -> Sidecar:
        store = Flaky(self.store, self.clock)
        self.calls += 1
        keeper = Keeper(store, f"sidecar-{self.calls}", self.clock, lambda _: None)  # type: ignore[arg-type]
        return Sidecar(store, keeper, policy(keeper))

    def start(
        self,
        sidecar: Sidecar,
        key: str,
        amount: int,
        does: tuple[Does, ...],
        *,
        is_guarded: bool = True,
    ) -> None:
        """Have a payment made; one that is not guarded has no key, and is a payment by itself."""
        self.calls += 1
        call = make.call(
            request_id=f"call-{self.calls}",
            body=b'{"amount": %d}' % amount,
            deadline=self.clock.now + TOTAL_S,
            key=make.key(value=key, is_honoured=False) if is_guarded else None,
            is_guarded=is_guarded,
            progress=Progress(),
        )
        flight = Flight(key, amount, does, call, self.loop.create_future())
        flight.task = self.loop.create_task(self._fly(sidecar, flight))
        self.flown.append(flight)
        sidecar.flights.append(flight)

    async def _fly(self, sidecar: Sidecar, flight: Flight) -> Outcome:
        outcome = await sidecar.policy(flight.call, lambda call: self._send(flight, call))
        self._told(flight, outcome)
        return outcome

    async def _send(self, flight: Flight, call: Call) -> Outcome:
        """Play the loop and the wire: `retry` around `attempt`."""
        effect, attempts = Effect.NONE, 0
        outcome: Outcome = make.refused()
        for does in flight.does:
            await flight.stop_here()  # anything may happen before the claim is taken
            if call.progress.is_abandoned or self.clock.now >= call.deadline:
                break
            if does is Does.UNREACHABLE:
                outcome = make.not_sent()
                continue
            assert call.before_first_byte is not None
            if not await call.before_first_byte():
                outcome = make.refused(Refusal.CLAIM_LOST)
                break
            call.progress.began_sending(0.0)
            attempts += 1
            outcome = self._provider(flight, does)
            await flight.stop_here()  # … and before the answer is read
            effect = join(effect, outcome.effect, is_keyed=False)
            call.progress.settle(effect, outcome.delivery, attempts)
            if does is not Does.THROTTLE:
                break
        return replace(outcome, effect=effect, attempts=attempts)

    def _provider(self, flight: Flight, does: Does) -> Outcome:
        if does in {Does.CHARGE, Does.CHARGE_AND_LOSE}:
            self.charges[flight.key] += 1
            flight.charged += 1
        match does:
            case Does.CHARGE:
                body = b'{"id": "%d"}' % self.calls
                self.answers.setdefault(flight.key, set()).add(body)
                return make.ok(answer=make.answer(200, body))
            case Does.DECLINE:
                return make.rejected(402, kind=Kind.DECLINED, effect=Effect.SETTLED)
            case Does.REJECT:
                return make.rejected(400)
            case Does.THROTTLE:
                return make.throttled()
            case _:
                return make.lost()

    def _told(self, flight: Flight, outcome: Outcome) -> None:
        word = word_for(outcome, effect=RouteEffect.PAYMENT).value
        if word in {"not_sent", "rejected"}:
            assert flight.charged == 0, f"{word}, and it was charged"
        if outcome.effect is Effect.UNKNOWN and outcome.outcome_id is not None:
            self.unknown[outcome.outcome_id] = flight.key
        if isinstance(outcome, Answered) and outcome.kind is Kind.OK and outcome.is_replayed:
            assert outcome.answer.body in self.answers[flight.key], "another answer than the first"
        if isinstance(outcome, Answered) and outcome.kind is Kind.OK:
            assert outcome.delivery is not Delivery.NONE or outcome.is_replayed
        if word == "succeeded":
            assert self.charges[flight.key] == 1, "told of a success that was none"

    def leave(self, flight: Flight) -> None:
        """Have its caller leave."""

        async def leave() -> None:
            flight.call.progress.abandon()

        self.run(leave())
        self.pass_time(0.0)

    def crash(self, sidecar: Sidecar) -> None:
        """Kill it: nothing more of it happens, whatever it was about to write."""
        sidecar.store.mode = Mode.DEAD
        for flight in sidecar.flights:
            if flight.task is not None:
                flight.task.cancel()
        self.pass_time(0.0)
        for task in sidecar.keeper._tasks:
            task.cancel()
        sidecar.flights.clear()
        self.pass_time(0.0)

    def pass_time(self, seconds: float) -> None:
        """Let *seconds* pass, and whatever is on its way to the store or back arrive."""
        self.run(self.clock.advance(seconds))
        self.run(self.clock.advance(0.0))
