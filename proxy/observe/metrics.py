"""Turns events into Prometheus metrics."""

from collections.abc import Callable
from typing import Final, Generic, TypeVar, assert_never

from prometheus_client import (
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    disable_created_metrics,
)
from prometheus_client.exposition import choose_encoder

from proxy.terms import (
    AttemptEnded,
    BreakerMoved,
    CallEnded,
    CodeUnmapped,
    ConfigReloaded,
    ConnectionDiscarded,
    Emit,
    Event,
    FaultOccurred,
    Gauges,
    KeyHandled,
    LimitWaited,
    OutcomeContradicted,
    OutcomeSettled,
    OutcomeUnknown,
    Responded,
    RetryDenied,
    RetryScheduled,
    StoreMoved,
    TunnelRefused,
    WebhookCame,
)
from proxy.terms.http import MAX_STATUS, MIN_STATUS

from . import families
from .families import BUCKETS, METHODS, OTHER, PREFIX, Family
from .scrape import GaugeCollector

# What is done with a key instead of sending its payment again.
_PREVENTED: Final = frozenset({"replayed", "joined", "pending"})
MAX_SERIES: Final = 5_000  # of one metric; what comes after is counted under `_OTHER`
M = TypeVar("M", Counter, Histogram)


class _Children(Generic[M]):
    """The series of one metric, each resolved once: `labels()` locks and costs microseconds."""

    def __init__(self, metric: M, width: int, limit: int) -> None:
        self._metric: M = metric
        self._overflow = (OTHER,) * width
        self._limit = limit
        self._known: dict[tuple[str, ...], M] = {}

    def of(self, *labels: str) -> M:
        """Give the series of *labels*; beyond the limit, the one that stands for all others."""
        child = self._known.get(labels)
        return self._resolve(labels) if child is None else child

    def _resolve(self, labels: tuple[str, ...]) -> M:
        if len(self._known) >= self._limit:
            labels = self._overflow
        child: M = self._metric.labels(*labels)
        self._known[labels] = child
        return child


class Metrics:
    """Every metric of this process, in a registry of its own.

    *knows_code* tells whether a provider's profile lists a code: no other becomes a label.
    """

    def __init__(
        self,
        version: str,
        knows_code: Callable[[str, str], bool],
        emit: Emit,
        max_series: int = MAX_SERIES,
    ) -> None:
        # `_created` doubles the series, and says nothing that a counter's reset does not.
        disable_created_metrics()  # type: ignore[no-untyped-call]
        self._registry = CollectorRegistry()
        self._knows_code = knows_code
        self._limit = max_series
        self._requests = self._counter(families.REQUESTS)
        self._durations = self._histogram(families.REQUEST_DURATION)
        self._responses = self._counter(families.UPSTREAM_RESPONSES)
        self._codes = self._counter(families.PROVIDER_CODES)
        self._upstream = self._histogram(families.UPSTREAM_DURATION)
        self._overhead = self._histogram(families.OVERHEAD)
        self._failures = self._counter(families.ATTEMPT_FAILURES)
        self._retries = self._counter(families.RETRIES)
        self._denied = self._counter(families.RETRIES_DENIED)
        self._limited = self._counter(families.RATE_LIMITED)
        self._waits = self._histogram(families.RATE_LIMIT_WAIT)
        self._keys = self._counter(families.IDEMPOTENCY)
        self._prevented = self._counter(families.DUPLICATES_PREVENTED)
        self._settled = self._counter(families.OUTCOMES_SETTLED)
        self._contradicted = self._counter(families.OUTCOMES_CONTRADICTED)
        self._webhooks = self._counter(families.WEBHOOKS)
        self._reloads = self._counter(families.CONFIG_RELOADS)
        self._discarded = self._counter(families.CONNECTIONS_DISCARDED)
        self._unmapped = self._counter(families.UNMAPPED_CODES)
        build = families.BUILD_INFO
        info = Gauge(PREFIX + build.name, build.help, build.labels, registry=self._registry)
        info.labels(version).set(1)
        self._gauges = GaugeCollector(emit)
        self._registry.register(self._gauges)

    def add_gauges(self, gauges: Gauges) -> None:
        """Ask *gauges* for its samples at each scrape."""
        self._gauges.add(gauges)

    def render(self, accept: str) -> tuple[bytes, str]:
        """Give the metrics and their media type, as the *accept* header wants them."""
        try:
            encode, media_type = choose_encoder(accept)
        except (ValueError, TypeError):  # it compares a version that is no number
            encode, media_type = choose_encoder("")
        return encode(self._registry), media_type

    def on(self, event: Event) -> None:  # noqa: C901, PLR0912 - one case each
        """Count what *event* tells."""
        match event:
            case AttemptEnded():
                self._attempt_ended(event)
            case Responded():
                self._responded(event)
            case LimitWaited():
                self._waits.of(event.provider, event.limit).observe(event.wait_s)
                if event.is_refused:
                    self._limited.of(event.provider, event.limit, "local").inc()
            case KeyHandled():
                self._keys.of(event.provider, event.result).inc()
                if event.result in _PREVENTED:
                    self._prevented.of(event.provider, event.result).inc()
            case OutcomeSettled():
                self._settled.of(event.provider, event.by, event.said).inc()
            case OutcomeContradicted():
                self._contradicted.of(event.provider).inc()
            case WebhookCame():
                self._webhooks.of(event.provider, event.result).inc()
            case ConfigReloaded():
                self._reloads.of(event.result).inc()
            case RetryScheduled():
                self._retries.of(event.provider, event.route, event.reason, event.basis).inc()
            case RetryDenied():
                labels = (event.provider, event.route, event.reason, event.denied_by)
                self._denied.of(*labels).inc()
            case ConnectionDiscarded():
                self._discarded.of(event.provider, event.why).inc()
            case CodeUnmapped():
                self._unmapped.of(event.provider).inc()
            case CallEnded() | BreakerMoved() | TunnelRefused() | FaultOccurred():
                pass  # the log's; a circuit's state is read when Prometheus asks
            case OutcomeUnknown() | StoreMoved():
                pass  # both are read when Prometheus asks
            case _:
                assert_never(event)

    def _responded(self, event: Responded) -> None:
        provider, route = event.provider, event.route
        method = event.method if event.method in METHODS else OTHER
        status = _status(event.status)
        self._requests.of(provider, route, method, status, event.error_code, event.outcome).inc()
        self._durations.of(provider, route, method).observe(event.duration_s)
        self._overhead.of(provider).observe(max(0.0, event.duration_s - event.upstream_s))

    def _attempt_ended(self, event: AttemptEnded) -> None:
        provider, route = event.provider, event.route
        self._upstream.of(provider, route).observe(event.duration_s)
        if event.status is not None:
            self._responses.of(provider, route, _status(event.status)).inc()
        if event.provider_code is not None:
            is_known = self._knows_code(provider, event.provider_code)
            self._codes.of(provider, event.provider_code if is_known else "other").inc()
        if event.reason is not None:
            self._failures.of(provider, event.reason, event.delivery.name.lower()).inc()
        if event.is_throttled:
            self._limited.of(provider, "provider", "upstream").inc()

    def _counter(self, family: Family) -> _Children[Counter]:
        counter = Counter(PREFIX + family.name, family.help, family.labels, registry=self._registry)
        return _Children(counter, len(family.labels), self._limit)

    def _histogram(self, family: Family) -> _Children[Histogram]:
        histogram = Histogram(
            PREFIX + family.name,
            family.help,
            family.labels,
            buckets=BUCKETS,
            registry=self._registry,
        )
        return _Children(histogram, len(family.labels), self._limit)


def _status(status: int) -> str:
    return str(status) if MIN_STATUS <= status <= MAX_STATUS else OTHER
