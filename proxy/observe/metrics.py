"""Turns events into Prometheus metrics."""

from collections.abc import Callable
from typing import Final, assert_never

from prometheus_client import CollectorRegistry, Gauge
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
from .emit import EVERY
from .families import METHODS, OTHER, PREFIX, Family
from .scrape import GaugeCollector
from .series import Count, CountSeries, Durations, DurationSeries

# What is done with a key instead of sending its payment again.
_PREVENTED: Final = frozenset({"replayed", "joined", "pending"})
MAX_SERIES: Final = 5_000  # of one metric; what comes after is counted under `_OTHER`
_STATUSES: Final = {status: str(status) for status in range(MIN_STATUS, MAX_STATUS + 1)}


class Metrics:
    """Every metric of this process, in a registry of its own.

    *knows_code* tells whether a provider's profile lists a code: no other becomes a label.
    """

    takes = EVERY - {CallEnded}

    def __init__(
        self,
        version: str,
        knows_code: Callable[[str, str], bool],
        emit: Emit,
        max_series: int = MAX_SERIES,
    ) -> None:
        self._registry = CollectorRegistry()
        self._knows_code = knows_code
        self._limit = max_series
        self._told: dict[tuple[object, ...], tuple[Count, Durations, Durations]] = {}
        self._requests = self._count(families.REQUESTS)
        self._durations = self._time(families.REQUEST_DURATION)
        self._responses = self._count(families.UPSTREAM_RESPONSES)
        self._codes = self._count(families.PROVIDER_CODES)
        self._upstream = self._time(families.UPSTREAM_DURATION)
        self._overhead = self._time(families.OVERHEAD)
        self._failures = self._count(families.ATTEMPT_FAILURES)
        self._retries = self._count(families.RETRIES)
        self._denied = self._count(families.RETRIES_DENIED)
        self._limited = self._count(families.RATE_LIMITED)
        self._waits = self._time(families.RATE_LIMIT_WAIT)
        self._keys = self._count(families.IDEMPOTENCY)
        self._prevented = self._count(families.DUPLICATES_PREVENTED)
        self._settled = self._count(families.OUTCOMES_SETTLED)
        self._contradicted = self._count(families.OUTCOMES_CONTRADICTED)
        self._webhooks = self._count(families.WEBHOOKS)
        self._reloads = self._count(families.CONFIG_RELOADS)
        self._discarded = self._count(families.CONNECTIONS_DISCARDED)
        self._unmapped = self._count(families.UNMAPPED_CODES)
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
            case Responded():
                self._responded(event)
            case AttemptEnded():
                self._attempt_ended(event)
            case LimitWaited():
                self._waits.observe(event.wait_s, event.provider, event.limit)
                if event.is_refused:
                    self._limited.inc(event.provider, event.limit, "local")
            case KeyHandled():
                self._keys.inc(event.provider, event.result)
                if event.result in _PREVENTED:
                    self._prevented.inc(event.provider, event.result)
            case OutcomeSettled():
                self._settled.inc(event.provider, event.by, event.said)
            case OutcomeContradicted():
                self._contradicted.inc(event.provider)
            case WebhookCame():
                self._webhooks.inc(event.provider, event.result)
            case ConfigReloaded():
                self._reloads.inc(event.result)
            case RetryScheduled():
                self._retries.inc(event.provider, event.route, event.reason, event.basis)
            case RetryDenied():
                labels = (event.provider, event.route, event.reason, event.denied_by)
                self._denied.inc(*labels)
            case ConnectionDiscarded():
                self._discarded.inc(event.provider, event.why)
            case CodeUnmapped():
                self._unmapped.inc(event.provider)
            case CallEnded() | BreakerMoved() | TunnelRefused() | FaultOccurred():
                pass  # the log's; a circuit's state is read when Prometheus asks
            case OutcomeUnknown() | StoreMoved():
                pass  # both are read when Prometheus asks
            case _:
                assert_never(event)

    def _responded(self, event: Responded) -> None:
        said = (event.method, event.status, event.error_code, event.outcome)
        told = self._told.get((event.provider, event.route, *said)) or self._look_up(event)
        requests, durations, overhead = told
        requests.count += 1
        durations.add(event.duration_s)
        if event.caller_trace is not None:
            durations.remember(event.duration_s, event.caller_trace)
        overhead.add(max(0.0, event.duration_s - event.upstream_s))

    def _look_up(self, event: Responded) -> tuple[Count, Durations, Durations]:
        """Give the three series that count such an answer; kept where it will come again."""
        provider, route = event.provider, event.route
        method = event.method if event.method in METHODS else OTHER
        status = _STATUSES.get(event.status, OTHER)
        told = (
            self._requests.of(provider, route, method, status, event.error_code, event.outcome),
            self._durations.of(provider, route, method),
            self._overhead.of(provider),
        )
        if method == event.method and len(self._told) < self._limit:
            said = (method, event.status, event.error_code, event.outcome)
            self._told[provider, route, *said] = told
        return told

    def _attempt_ended(self, event: AttemptEnded) -> None:
        provider, route = event.provider, event.route
        self._upstream.of(provider, route).add(event.duration_s)
        if event.status is not None:
            self._responses.inc(provider, route, _STATUSES.get(event.status, OTHER))
        if event.provider_code is not None:
            is_known = self._knows_code(provider, event.provider_code)
            self._codes.inc(provider, event.provider_code if is_known else "other")
        if event.reason is not None:
            self._failures.inc(provider, event.reason, event.delivery.name.lower())
        if event.is_throttled:
            self._limited.inc(provider, "provider", "upstream")

    def _count(self, family: Family) -> CountSeries:
        series = CountSeries(family, self._limit)
        self._registry.register(series)
        return series

    def _time(self, family: Family) -> DurationSeries:
        series = DurationSeries(family, self._limit)
        self._registry.register(series)
        return series
