"""When payments were answered that are not kept, by their reference.

A record of one could be taken for the next payment of its reference, begun in the same second.
"""

from collections import OrderedDict
from typing import Final

from proxy.terms import Clock

from .entry import Entry

MAX_REFERENCES: Final = 10_000  # the oldest give way: they matter for a second


class Lately:
    """One an app."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered_at: OrderedDict[tuple[str, str], float] = OrderedDict()

    def note(self, entry: Entry) -> None:
        """Note that a payment was answered just now."""
        if entry.money.reference is None:
            return
        place = (entry.provider, entry.money.reference)
        self._answered_at[place] = self._clock.monotonic()
        self._answered_at.move_to_end(place)
        if len(self._answered_at) > MAX_REFERENCES:
            self._answered_at.popitem(last=False)

    def answered_s_ago(self, provider: str, reference: str | None) -> float | None:
        """Give how long ago one with this *reference* was answered; None: not lately."""
        if reference is None:
            return None
        at = self._answered_at.get((provider, reference))
        return None if at is None else max(0.0, self._clock.monotonic() - at)
