"""The places for calls under way: so many at once, and a queue in order of arrival."""

import asyncio
from collections import OrderedDict

from proxy.terms import Clock

from .settings import ConcurrencySettings


class InFlight:
    """A bounded number of places. One per provider; held from an attempt to its answer's end.

    A place that comes free is handed to the first in the queue, never put back for whoever comes
    by: a newcomer does not overtake.
    """

    def __init__(self, settings: ConcurrencySettings, clock: Clock) -> None:
        self._settings = settings
        self._clock = clock
        self._count = 0
        # True: here is your place. False: you have waited long enough. Ordered for its O(1) ends.
        self._queue: OrderedDict[asyncio.Future[bool], None] = OrderedDict()

    def __repr__(self) -> str:
        return f"InFlight({self._count} of {self._settings.max}, {len(self._queue)} waiting)"

    @property
    def count(self) -> int:
        """How many places are taken."""
        return self._count

    @property
    def queue_length(self) -> int:
        """How many calls wait for a place."""
        return len(self._queue)

    @property
    def fill(self) -> float:
        """How much of the places is taken."""
        return self._count / self._settings.max

    def try_enter(self) -> bool:
        """Take a place if one is free: then nobody waits for it."""
        if self._count >= self._settings.max:
            return False
        self._count += 1
        return True

    async def queue(self, patience_s: float) -> bool:
        """Wait for a place, and say whether there was one in time."""
        patience_s = min(patience_s, self._settings.max_wait)
        if patience_s <= 0 or len(self._queue) >= self._settings.max_queue:
            return False
        return await self._wait(patience_s)

    def leave(self) -> None:
        """Give a place back."""
        self._count -= 1
        self._hand_over()

    def reconfigure(self, settings: ConcurrencySettings) -> None:
        """Go by other *settings* from now on. Places taken stay taken."""
        self._settings = settings
        self._hand_over()

    def _hand_over(self) -> None:
        while self._queue and self._count < self._settings.max:
            place, _ = self._queue.popitem(last=False)
            if not place.done():  # it may have timed out, or been cancelled, and not run since
                self._count += 1
                place.set_result(True)

    async def _wait(self, patience_s: float) -> bool:
        place: asyncio.Future[bool] = asyncio.get_running_loop().create_future()
        self._queue[place] = None
        timer = asyncio.create_task(self._clock.sleep(patience_s))
        timer.add_done_callback(lambda _: None if place.done() else place.set_result(False))
        try:
            return await place
        except asyncio.CancelledError:
            if place.done() and not place.cancelled() and place.result():
                self.leave()  # cancelled in the moment between being given a place and taking it
            raise
        finally:
            timer.cancel()
            self._queue.pop(place, None)
