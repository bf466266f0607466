"""A mapping that forgets its oldest entry when it is full (pure)."""

from collections import OrderedDict
from collections.abc import Iterator
from typing import Generic, TypeVar

K = TypeVar("K")
V = TypeVar("V")


class Bounded(Generic[K, V]):
    """Keeps the newest entries, so that a simulator left running does not grow."""

    def __init__(self, keep: int) -> None:
        self._keep = keep
        self._items: OrderedDict[K, V] = OrderedDict()

    def __iter__(self) -> Iterator[V]:
        return iter(tuple(self._items.values()))

    def get(self, key: K, default: V) -> V:
        """Give what is kept under *key*, else *default*."""
        return self._items.get(key, default)

    def find(self, key: K) -> V | None:
        """Give what is kept under *key*, if anything is."""
        return self._items.get(key)

    def put(self, key: K, value: V) -> None:
        """Keep *value*; where there is no room, the oldest entry goes."""
        if key not in self._items and len(self._items) >= self._keep:
            self._items.popitem(last=False)
        self._items[key] = value
