"""Payments that are only followed, over a ledger that claims to outlive the process."""

from typing import Any

from proxy.ledger import Keeper, LedgerPolicy
from proxy.ledger.book import Claim, Met
from proxy.ledger.entry import Owner
from proxy.ledger.store import AWAY, Away
from proxy.stores.ledger_memory import MemoryLedger
from proxy.terms import (
    Call,
    Event,
    Outcome,
    Refusal,
    StreamEnd,
)
from tests.support import make
from tests.support.clock import SteppedClock
from tests.support.ledger import policy


class Durable(MemoryLedger):
    """A ledger that claims to outlive the process, and is away as often as it is told to be."""

    is_durable = True
    away = 0  # how many claims more are not taken
    loses_the_word = False  # they are taken all the same

    async def begin(self, claim: Claim) -> Met | Away:
        if not self.away:
            return await super().begin(claim)
        self.away -= 1
        if self.loses_the_word:
            await super().begin(claim)
        return AWAY

    async def forget(self, entry_id: str, owner: Owner) -> bool | Away:  # type: ignore[override]
        return AWAY if self.away else await super().forget(entry_id, owner)


class Streamed:
    """A body too large to be kept."""

    length = 2**21

    async def read(self) -> bytes | StreamEnd:
        return StreamEnd.WHOLE


class Here:
    def __init__(self, **members: Any) -> None:
        self.clock = SteppedClock()
        self.events: list[Event] = []
        self.store = Durable(self.clock)
        self.keeper = Keeper(self.store, "one", self.clock, self.events.append)
        self.policy: LedgerPolicy = policy(self.keeper, **members)

    async def unknowns(self) -> list[str]:
        return [entry.id for entry in await self.store.unknowns()]

    async def written(self) -> None:
        """Let what goes on by itself come to its end."""
        await self.clock.advance(3.0)


def sends(*outcomes: Outcome) -> Any:
    """Give a wire that ends each attempt so, and asks before its first byte."""

    async def inner(call: Call) -> Outcome:
        outcome: Outcome = make.refused()
        for number, outcome in enumerate(outcomes, 1):
            assert call.before_first_byte is not None
            if not await call.before_first_byte():
                return make.refused(Refusal.CLAIM_LOST)
            call.progress.began_sending(1000.0)
            call.progress.settle(outcome.effect, outcome.delivery, number)
        return outcome

    return inner
