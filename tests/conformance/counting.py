"""A provider that counts the bytes it reads, and what an attempt proves of them."""

import asyncio
from dataclasses import dataclass, field

from proxy.terms import Delivery, Effect, Failed, Outcome, ProxyError
from tests.support.raw import Connected, Step

NOT_SENT = (Delivery.NONE, Effect.NONE)
MAY_HAVE_HAPPENED = (Delivery.COMPLETE, Effect.UNKNOWN)


@dataclass
class Counter:
    """Reads what it is sent and keeps it, then does *then*; does nothing after that."""

    then: Step | None = None
    enough: int = 10**9
    data: bytearray = field(default_factory=bytearray)
    ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def __call__(self, connected: Connected) -> None:
        while len(self.data) < self.enough:
            piece = await connected.reader.read(4096)
            if not piece:
                self.ended.set()
                return
            self.data += piece
        if self.then is not None:
            await self.then(connected)
        await asyncio.Event().wait()


def failed(outcome: Outcome, reason: ProxyError, proof: tuple[Delivery, Effect]) -> None:
    assert isinstance(outcome, Failed)
    assert outcome.reason is reason
    assert (outcome.delivery, outcome.effect) == proof
