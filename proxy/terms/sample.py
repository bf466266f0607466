"""A number read at scrape time from the object that holds it."""

from collections.abc import Callable, Iterable
from typing import TypeAlias

from msgspec import Struct


class Sample(Struct, frozen=True):
    """One value of a gauge: its metric name and its labels, in the order of the metric."""

    metric: str
    labels: tuple[str, ...]
    value: float


Gauges: TypeAlias = Callable[[], Iterable[Sample]]
