"""Who waits for the end of a payment, here."""

import asyncio
from typing import Final

from proxy.terms import Clock

_LOOK_S: Final = 1.0  # how often one asks what another sidecar has come to


class Waiting:
    """Waiters by the id of their payment."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._waiters: dict[str, set[asyncio.Future[None]]] = {}

    async def wait(self, entry_id: str, until: float) -> None:
        """Wait until something may have become of a payment, or for a while, or to *until*."""
        wait_s = min(_LOOK_S, until - self._clock.monotonic())
        if wait_s <= 0:
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiters.setdefault(entry_id, set()).add(waiter)
        sleep = asyncio.ensure_future(self._clock.sleep(wait_s))
        try:
            await asyncio.wait((waiter, sleep), return_when=asyncio.FIRST_COMPLETED)
        finally:
            sleep.cancel()
            waiters = self._waiters[entry_id]
            waiters.discard(waiter)
            if not waiters:
                del self._waiters[entry_id]

    def wake(self, entry_id: str) -> None:
        """Have those look who wait for a payment."""
        for waiter in self._waiters.get(entry_id, ()):
            if not waiter.done():
                waiter.set_result(None)
