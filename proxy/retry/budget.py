"""How many repeats a provider gets: a share of its requests, so that an outage is not multiplied.

A limit per call (`max_attempts`) still lets every call of an outage be sent three times. The budget
bounds the sum: over ten seconds, retries <= ratio x requests + min_per_second x 10.
"""

from typing import Final

from .settings import BudgetSettings

WINDOW_S: Final = 10


class RetryBudget:
    """Requests and retries of the last ten seconds, in ten slots of a second. One per provider."""

    def __init__(self, settings: BudgetSettings) -> None:
        self.settings = settings  # a reload puts new ones here; what was counted stays
        self._slots = [_Slot() for _ in range(WINDOW_S)]

    def __repr__(self) -> str:
        requests = sum(slot.requests for slot in self._slots)
        retries = sum(slot.retries for slot in self._slots)
        return f"RetryBudget(requests={requests}, retries={retries})"

    def deposit(self, now: float) -> None:
        """Note a request: a first attempt, never a repeat."""
        self._slot(now).requests += 1

    def withdraw(self, now: float) -> bool:
        """Take one repeat out of the budget, and say whether there was one."""
        if self.remaining(now) < 1:
            return False
        self._slot(now).retries += 1
        return True

    def remaining(self, now: float) -> float:
        """Give how many repeats the budget would allow at *now*; a gauge reads this too."""
        oldest = int(now) - WINDOW_S
        requests = retries = 0
        for slot in self._slots:
            if slot.second > oldest:
                requests += slot.requests
                retries += slot.retries
        floor = self.settings.min_per_second * WINDOW_S
        return max(0.0, self.settings.ratio * requests + floor - retries)

    def _slot(self, now: float) -> "_Slot":
        second = int(now)
        slot = self._slots[second % WINDOW_S]
        if slot.second != second:
            slot.second, slot.requests, slot.retries = second, 0, 0
        return slot


class _Slot:
    __slots__ = ("requests", "retries", "second")

    def __init__(self) -> None:
        self.second = -1
        self.requests = 0
        self.retries = 0
