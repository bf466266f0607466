"""How many attempts there were of late, and how many of them failed. Pure."""

from typing import Final

SLOTS: Final = 10


class Window:
    """A rolling count in ten slots: constant memory, and between 9 and 10 tenths of the length."""

    def __init__(self, length_s: float) -> None:
        self._slot_s = length_s / SLOTS
        self._slots = [_Slot() for _ in range(SLOTS)]

    def add(self, now: float, *, is_failure: bool) -> None:
        """Count one attempt."""
        index = int(now // self._slot_s)
        slot = self._slots[index % SLOTS]
        if slot.index != index:
            slot.index, slot.total, slot.failures = index, 0, 0
        slot.total += 1
        slot.failures += is_failure

    def count(self, now: float) -> tuple[int, int]:
        """Give how many attempts there were, and how many of them failed."""
        oldest = int(now // self._slot_s) - SLOTS
        total = failures = 0
        for slot in self._slots:
            if slot.index > oldest:
                total += slot.total
                failures += slot.failures
        return total, failures


class _Slot:
    __slots__ = ("failures", "index", "total")

    def __init__(self) -> None:
        self.index = -SLOTS
        self.total = 0
        self.failures = 0
