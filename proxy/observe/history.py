"""What the last quarter of an hour was like, for the operator's page (pure).

90 slots of ten seconds for each provider; codes come of a closed list, so there is an end to them.
"""

from collections import deque
from collections.abc import Collection, Iterator
from typing import Final

from proxy.terms import Clock, ConfigReloaded, Event, Responded

from .stamp import stamp

SLOT_S: Final = 10
SLOTS: Final = 90
MAX_RELOADS: Final = 20
_NO_ERROR: Final = "none"


class Slot:
    """Ten seconds of one provider."""

    __slots__ = ("codes", "index", "retried", "saved")

    def __init__(self, index: int) -> None:
        self.index = index  # of ten seconds since the Unix epoch
        self.codes: dict[str, int] = {}  # requests by error code; `none` where they went well
        self.retried = 0  # requests that were tried more than once
        self.saved = 0  # of these: went well


class History:
    """Counts answers in slots, and keeps the latest reloads."""

    takes: Collection[type[Event]] = frozenset({Responded, ConfigReloaded})

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._slots: dict[str, deque[Slot]] = {}
        self._reloads: deque[dict[str, object]] = deque(maxlen=MAX_RELOADS)

    def on(self, event: Event) -> None:
        """Count what *event* tells; other events are ignored."""
        match event:
            case Responded():
                self._responded(event)
            case ConfigReloaded():
                said = {"result": event.result, "message": event.message}
                self._reloads.appendleft({"time": stamp(self._clock.wall()), **said})
            case _:
                pass

    def slots(self, provider: str) -> list[Slot]:
        """Give the slots of the last fifteen minutes, the oldest first; empty ones are empty."""
        now = self._index()
        known = {slot.index: slot for slot in self._slots.get(provider, ())}
        wanted = range(now - SLOTS + 1, now + 1)
        return [known.get(index) or Slot(index) for index in wanted]

    def reloads(self) -> Iterator[dict[str, object]]:
        """Give the latest reloads, the newest first."""
        return iter(self._reloads)

    def _responded(self, event: Responded) -> None:
        slots = self._slots.get(event.provider)
        if slots is None:
            slots = self._slots[event.provider] = deque(maxlen=SLOTS)
        index = self._index()
        if not slots or slots[-1].index != index:
            slots.append(Slot(index))
        slot = slots[-1]
        slot.codes[event.error_code] = slot.codes.get(event.error_code, 0) + 1
        if event.attempts > 1:
            slot.retried += 1
            slot.saved += event.error_code == _NO_ERROR

    def _index(self) -> int:
        return int(self._clock.wall()) // SLOT_S
