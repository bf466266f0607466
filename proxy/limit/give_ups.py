"""When those who wait give up, the first of them first. Pure."""

import heapq
import math
from collections.abc import Iterator
from typing import Final

from .wanted import Wanted

_SPARE: Final = 64


class GiveUps:
    """The times at which those who wait are refused. Who leaves before stays a while, unseen."""

    def __init__(self) -> None:
        self._heap: list[tuple[float, int, Wanted]] = []

    @property
    def next_at(self) -> float:
        """When the next of them gives up."""
        return self._heap[0][0] if self._heap else math.inf

    def add(self, wanted: Wanted, waiting: int) -> None:
        """Note one who has joined the *waiting*."""
        heapq.heappush(self._heap, (wanted.give_up_at, wanted.place.order, wanted))
        if len(self._heap) > 2 * waiting + _SPARE:
            self._heap = [each for each in self._heap if not each[2].place.is_left]
            heapq.heapify(self._heap)

    def due(self, now: float) -> Iterator[Wanted]:
        """Take out those whose time is over."""
        while self.next_at <= now:
            wanted = heapq.heappop(self._heap)[2]
            if not wanted.place.is_left:
                yield wanted
