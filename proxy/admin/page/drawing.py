"""The traffic of fifteen minutes, drawn: a bar for each ten seconds. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from .blame import Whose, whose

HEIGHT: Final = 72
BAR: Final = 7
_STACK: Final = tuple(Whose)  # from the ground up: what went well first


@dataclass(frozen=True)
class Piece:
    """A part of a bar, in the drawing's own units."""

    whose: str
    x: int
    y: float
    height: float


def draw(slots: Iterable[Mapping[str, int]]) -> tuple[list[Piece], int]:
    """Give the pieces of the bars, and how many requests the tallest stands for."""
    bars = [_by_whose(slot) for slot in slots]
    tallest = max((bar.total() for bar in bars), default=0)
    pieces = []
    for place, bar in enumerate(bars):
        y = float(HEIGHT)
        for each in _STACK:
            if bar[each]:
                height = round(bar[each] / tallest * HEIGHT, 2)
                y -= height
                pieces.append(Piece(each.value, place * BAR, round(y, 2), height))
    return pieces, tallest


def _by_whose(slot: Mapping[str, int]) -> Counter[Whose]:
    counts: Counter[Whose] = Counter()
    for code, count in slot.items():
        counts[whose(code)] += count
    return counts
