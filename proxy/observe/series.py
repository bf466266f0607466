"""Counts and durations by their labels, in plain numbers until Prometheus asks.

`prometheus_client` takes a lock for each number, of which a request changes eight. All of ours are
changed by one thread: the event loop's.
"""

from abc import ABC, abstractmethod
from bisect import bisect_left
from collections.abc import Iterator
from itertools import accumulate
from typing import Final, Generic, TypeAlias, TypeVar

from prometheus_client.core import CounterMetricFamily, HistogramMetricFamily, Metric
from prometheus_client.registry import Collector
from prometheus_client.samples import Exemplar
from prometheus_client.utils import floatToGoString

from .families import BUCKETS, OTHER, PREFIX, Family

Labels: TypeAlias = tuple[str, ...]
_BOUNDS: Final = tuple(map(floatToGoString, (*BUCKETS, float("inf"))))


class Durations:
    """How long some events took."""

    __slots__ = ("counts", "exemplars", "total_s")

    def __init__(self) -> None:
        self.counts = [0] * len(_BOUNDS)
        self.total_s = 0.0
        self.exemplars: dict[int, Exemplar] = {}  # the latest of each bucket, where there is one

    def add(self, seconds: float) -> None:
        """Count one that took so long."""
        self.counts[bisect_left(BUCKETS, seconds)] += 1
        self.total_s += seconds

    def remember(self, seconds: float, trace_id: str) -> None:
        """Keep the trace of one that took so long as its bucket's exemplar."""
        # Without a time of its own it has the scrape's, and Prometheus takes each once.
        self.exemplars[bisect_left(BUCKETS, seconds)] = Exemplar({"trace_id": trace_id}, seconds)


class Count:
    """How many events there were."""

    __slots__ = ("count",)

    def __init__(self) -> None:
        self.count = 0


S = TypeVar("S", Count, Durations)


class _Series(Collector, ABC, Generic[S]):
    """One metric; beyond *limit* series, what comes is told of one that stands for all others."""

    def __init__(self, family: Family, limit: int) -> None:
        self._family = family
        self._limit = limit
        self._overflow = (OTHER,) * len(family.labels)
        self._known: dict[Labels, S] = {}

    def collect(self) -> Iterator[Metric]:
        """Give what has come so far."""
        yield self._told(self._known)

    def describe(self) -> Iterator[Metric]:
        """Give the metric without series, so that registering it reads nothing."""
        yield self._told({})

    def of(self, *labels: str) -> S:
        """Give the series of *labels*: who keeps it need not look it up again."""
        known = self._known.get(labels)
        return self._new(labels) if known is None else known

    def _new(self, labels: Labels) -> S:
        if len(self._known) < self._limit or labels == self._overflow:
            self._known[labels] = self._nothing()
            return self._known[labels]
        return self.of(*self._overflow)

    @staticmethod
    @abstractmethod
    def _nothing() -> S:
        """Give what a series begins with."""

    @abstractmethod
    def _told(self, known: dict[Labels, S]) -> Metric:
        """Give *known* as Prometheus's library writes it."""


class CountSeries(_Series[Count]):
    """Counts events, by their labels."""

    def inc(self, *labels: str) -> None:
        """Count one."""
        self.of(*labels).count += 1

    @staticmethod
    def _nothing() -> Count:
        return Count()

    def _told(self, known: dict[Labels, Count]) -> Metric:
        family = self._family
        metric = CounterMetricFamily(PREFIX + family.name, family.help, labels=family.labels)
        for labels, count in known.items():
            metric.add_metric(labels, count.count)
        return metric


class DurationSeries(_Series[Durations]):
    """A histogram of seconds, by labels."""

    def observe(self, seconds: float, *labels: str) -> None:
        """Count one that took so long."""
        self.of(*labels).add(seconds)

    @staticmethod
    def _nothing() -> Durations:
        return Durations()

    def _told(self, known: dict[Labels, Durations]) -> Metric:
        family = self._family
        metric = HistogramMetricFamily(PREFIX + family.name, family.help, labels=family.labels)
        for labels, durations in known.items():
            buckets: list[tuple[str, float] | tuple[str, float, Exemplar]] = []
            for place, count in enumerate(accumulate(durations.counts)):
                exemplar = durations.exemplars.get(place)
                bucket = (_BOUNDS[place], count)
                buckets.append(bucket if exemplar is None else (*bucket, exemplar))
            metric.add_metric(labels, buckets, durations.total_s)
        return metric
