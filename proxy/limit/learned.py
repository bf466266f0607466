"""What is known of the buckets of one limit because their provider said so."""

from typing import Final, TypeVar

_T = TypeVar("_T")

_MAX_LEARNED: Final = 1024  # buckets of a limit about which a provider said something


class Learned:
    """What a provider said of the buckets of one limit, as long as it holds.

    Where it has said something of very many, what was said first is forgotten: it is said again.
    """

    def __init__(self) -> None:
        self._held: dict[str, float] = {}  # nothing goes before
        self._spread: dict[str, tuple[float, float]] = {}  # one an interval, until

    def hold(self, key: str, until: float) -> None:
        """Let nothing through until a time."""
        _put(self._held, key, max(until, self._held.get(key, 0.0)))

    def spread(self, key: str, interval_s: float, now: float, until: float) -> None:
        """Let one through every interval until a time, the first of them after one."""
        _put(self._spread, key, (interval_s, until))
        self.hold(key, now + interval_s)

    def held_until(self, key: str, now: float) -> float:
        """Give when the next may go, *now* if nothing holds it; what is over is forgotten."""
        until = self._held.get(key, 0.0)
        if until > now:
            return until
        self._held.pop(key, None)
        return now

    def took(self, key: str, now: float) -> None:
        """Note that one goes."""
        interval_s, until = self._spread.get(key, (0.0, 0.0))
        if until > now:
            self.hold(key, now + interval_s)
        else:
            self._spread.pop(key, None)

    def shown(self, now: float) -> dict[str, float]:
        """Give for how long the most held bucket is held, and the least rate, in seconds."""
        shown: dict[str, float] = {}
        held_s = max(self._held.values(), default=0.0) - now
        if held_s > 0:
            shown["held_for_s"] = round(held_s, 3)
        intervals = [interval for interval, until in self._spread.values() if until > now]
        if intervals:
            shown["learned_per_second"] = round(1 / max(intervals), 3)
        return shown


def _put(kept: "dict[str, _T]", key: str, value: "_T") -> None:
    if key not in kept and len(kept) >= _MAX_LEARNED:
        del kept[next(iter(kept))]
    kept[key] = value
