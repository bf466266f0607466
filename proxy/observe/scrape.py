"""Gauges that are read from their holders when Prometheus asks."""

from collections.abc import Iterator

from prometheus_client.core import GaugeMetricFamily

from proxy.terms import Emit, FaultOccurred, Gauges, Sample

from .families import GAUGES


class GaugeCollector:
    """Asks each holder for its samples. A holder's bug costs its own samples only."""

    def __init__(self, emit: Emit) -> None:
        self._holders: list[Gauges] = []
        self._emit = emit

    def add(self, gauges: Gauges) -> None:
        """Ask *gauges* too, from now on."""
        self._holders.append(gauges)

    def describe(self) -> Iterator[GaugeMetricFamily]:
        """Give the families without samples, so that registering reads nothing."""
        return iter(_empty().values())

    def collect(self) -> Iterator[GaugeMetricFamily]:
        """Give all families with what their holders say now; of two equal series the last."""
        series: dict[tuple[str, tuple[str, ...]], float] = {}
        for holder in self._holders:
            for sample in self._ask(holder):
                series[sample.metric, sample.labels] = sample.value
        families = _empty()
        for (metric, labels), value in series.items():
            families[metric].add_metric(labels, value)
        return iter(families.values())

    def _ask(self, holder: Gauges) -> list[Sample]:
        try:
            samples = list(holder())
            for sample in samples:
                _check(sample)
        except Exception as bug:  # noqa: BLE001 - an operator must not lose the other metrics
            self._emit(FaultOccurred("", type(bug).__name__, "gauges"))
            return []
        return samples


def _check(sample: Sample) -> None:
    if len(GAUGES[sample.metric].labels) != len(sample.labels):
        raise ValueError(sample.metric)


def _empty() -> dict[str, GaugeMetricFamily]:
    return {
        name: GaugeMetricFamily(name, family.help, labels=family.labels)
        for name, family in GAUGES.items()
    }
