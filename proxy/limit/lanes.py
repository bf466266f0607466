"""Who waits, and who is next. Pure.

Rule 1: of those whose tokens are there, the highest priority goes first, and of one priority who
        came first.
Rule 2: who waits for a token does not stop those who need none of that bucket: each set of buckets
        is a lane of its own.
Rule 3: nobody starves: every tenth turn goes to who has waited longest, whatever the priority.
"""

import heapq
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from enum import IntEnum
from typing import Final, Generic, TypeAlias, TypeVar

FAIR_TURN: Final = 10  # every so many turns, the longest wait counts and nothing else


class Priority(IntEnum):
    """Who goes first: the value is its place in the order."""

    HIGH = 0
    NORMAL = 1
    LOW = 2


T = TypeVar("T")


class Place(Generic[T]):
    """One who waits, and for what."""

    __slots__ = ("blocker", "is_left", "keys", "order", "priority", "who")

    def __init__(
        self, who: T, keys: tuple[str, ...], blocker: str | None, priority: Priority, order: int
    ) -> None:
        self.who = who
        self.keys = keys
        self.blocker = blocker
        self.priority = priority
        self.order = order
        self.is_left = False


_Entry: TypeAlias = tuple[int, int, Place[T]]  # in the order of turns


class Lanes(Generic[T]):
    """Those who wait, a line for each priority and set of buckets."""

    def __init__(self) -> None:
        self._lanes: dict[tuple[Priority, tuple[str, ...]], OrderedDict[int, Place[T]]] = {}
        self._needed: Counter[str] = Counter()  # of a bucket: by how many
        self._blocked: dict[str, list[int]] = {}  # of a bucket: how many it holds up, by priority
        self._order = 0
        self._turns = 0
        self._count = [0] * len(Priority)
        self.total = 0

    def __len__(self) -> int:
        return self.total

    def __iter__(self) -> Iterator[T]:
        return (place.who for lane in self._lanes.values() for place in lane.values())

    def join(
        self, who: T, keys: tuple[str, ...], blocker: str | None, priority: Priority
    ) -> Place[T]:
        """Put one at the end of its line; *blocker* is the bucket that holds it up longest."""
        self._order += 1
        place = Place(who, keys, blocker, priority, self._order)
        self._lanes.setdefault((priority, keys), OrderedDict())[place.order] = place
        self._count[priority] += 1
        self.total += 1
        self._needed.update(keys)
        if blocker is not None:
            self._blocked.setdefault(blocker, [0] * len(Priority))[priority] += 1
        return place

    def leave(self, place: Place[T]) -> None:
        """Take one out of its line, wherever it stands. Once is enough."""
        if place.is_left:
            return
        place.is_left = True
        self._count[place.priority] -= 1
        self.total -= 1
        for key in place.keys:
            self._needed[key] -= 1
            if not self._needed[key]:
                del self._needed[key]
        if place.blocker is not None:
            counts = self._blocked[place.blocker]
            counts[place.priority] -= 1
            if not any(counts):
                del self._blocked[place.blocker]
        lane = self._lanes[place.priority, place.keys]
        del lane[place.order]
        if not lane:
            del self._lanes[place.priority, place.keys]

    def needs(self, key: str) -> bool:
        """Whether anybody waits who needs a token of a bucket."""
        return key in self._needed

    def ahead(self, key: str, priority: Priority) -> int:
        """Give how many a bucket holds up who go before a newcomer of *priority*.

        Who waits longer for another bucket does not count: it takes its token here when it comes.
        """
        counts = self._blocked.get(key)
        return 0 if counts is None else sum(counts[: priority + 1])

    def count(self, priority: Priority) -> int:
        """Give how many wait who go before a newcomer of *priority*."""
        return sum(self._count[: priority + 1])

    def turns(self, is_blocked: Callable[[tuple[str, ...]], bool]) -> Iterator[Place[T]]:
        """Give one after the other who is next, of each line as far as it is not blocked.

        Whoever asks takes each out (`leave`); who is not taken out ends its line's turns.
        """
        heads = [_entry(lane) for lane in self._lanes.values()]
        heapq.heapify(heads)
        while heads:
            place = self._pop(heads)
            if not place.is_left:
                if is_blocked(place.keys):
                    continue
                yield place
                if not place.is_left:
                    continue
                self._turns += 1
            lane = self._lanes.get((place.priority, place.keys))
            if lane is not None:
                heapq.heappush(heads, _entry(lane))

    def _pop(self, heads: "list[_Entry[T]]") -> Place[T]:
        if self._turns % FAIR_TURN < FAIR_TURN - 1:
            return heapq.heappop(heads)[2]
        longest = min(heads, key=lambda entry: entry[1])
        heads.remove(longest)
        heapq.heapify(heads)
        return longest[2]


def _entry(lane: "OrderedDict[int, Place[T]]") -> "_Entry[T]":
    place = next(iter(lane.values()))
    return (place.priority, place.order, place)
