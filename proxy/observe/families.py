"""The names, types and labels of every metric (contract section 7): public API, never renamed."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

OTHER: Final = "_OTHER"
METHODS: Final = frozenset(
    {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "QUERY", "CONNECT", "TRACE"}
)
# The buckets of OpenTelemetry's semantic conventions, and 30 and 60: payments may take so long.
BUCKETS: Final = (
    0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1.0, 2.5, 5.0, 7.5, 10.0, 30.0, 60.0
)  # fmt: skip


class Family(Struct, frozen=True):
    """A metric: its name without the prefix, what it tells, and its labels in order."""

    name: str
    help: str
    labels: tuple[str, ...] = ()


PREFIX: Final = "paysluice_"
_PROVIDER: Final = ("provider",)

REQUESTS: Final = Family(
    "requests_total",
    "Requests of callers that were answered.",
    ("provider", "route", "method", "status", "error_code", "outcome"),
)
REQUEST_DURATION: Final = Family(
    "request_duration_seconds",
    "From a request's head to the end of its answer.",
    ("provider", "route", "method"),
)
UPSTREAM_RESPONSES: Final = Family(
    "upstream_responses_total", "Answers of the provider.", ("provider", "route", "status")
)
PROVIDER_CODES: Final = Family(
    "provider_codes_total",
    "Error codes of the provider; `other` for those its profile does not list.",
    ("provider", "provider_code"),
)
UPSTREAM_DURATION: Final = Family(
    "upstream_duration_seconds", "One attempt over the wire.", ("provider", "route")
)
OVERHEAD: Final = Family(
    "overhead_seconds",
    "Of a request's duration, what was not spent waiting for the provider or a limit.",
    ("provider",),
)
ATTEMPT_FAILURES: Final = Family(
    "attempt_failures_total",
    "Attempts without a usable answer, by RFC 9209 error type and what had been sent.",
    ("provider", "reason", "delivery"),
)
RETRIES: Final = Family(
    "retries_total", "Repeats that were scheduled.", ("provider", "route", "reason", "basis")
)
RETRIES_DENIED: Final = Family(
    "retries_denied_total",
    "Failed calls that were not sent again.",
    ("provider", "route", "reason", "denied_by"),
)
RATE_LIMITED: Final = Family(
    "rate_limited_total",
    "Refusals of a rate limit: ours (local) or the provider's (upstream).",
    ("provider", "limit", "origin"),
)
RATE_LIMIT_WAIT: Final = Family(
    "rate_limit_wait_seconds", "Time spent waiting for a rate limit.", ("provider", "limit")
)
IDEMPOTENCY: Final = Family(
    "idempotency_total", "What was done with idempotency keys.", ("provider", "result")
)
DUPLICATES_PREVENTED: Final = Family(
    "duplicates_prevented_total",
    "Payments that were not sent again, and what was done instead.",
    ("provider", "how"),
)
OUTCOMES_SETTLED: Final = Family(
    "outcomes_settled_total",
    "Payments of unknown outcome of which somebody said what came of them.",
    ("provider", "by", "as"),
)
OUTCOMES_CONTRADICTED: Final = Family(
    "outcomes_contradicted_total",
    "Evidence that does not agree with what is recorded of a payment.",
    _PROVIDER,
)
WEBHOOKS: Final = Family("webhooks_total", "Webhooks that came.", ("provider", "result"))
CONFIG_RELOADS: Final = Family(
    "config_reloads_total", "Times that the config was read again: done, or refused.", ("result",)
)
CONNECTIONS_DISCARDED: Final = Family(
    "connections_discarded_total", "Connections not used again.", ("provider", "why")
)
UNMAPPED_CODES: Final = Family(
    "unmapped_codes_total", "Provider codes that no rule of the profile knows.", ("provider",)
)
BUILD_INFO: Final = Family("build_info", "Always 1; the version is a label.", ("version",))

# Read at scrape time from whoever holds the number: `Sample.metric` is the full name.
GAUGES: Final[Mapping[str, Family]] = MappingProxyType(
    {
        f"{PREFIX}{family.name}": family
        for family in (
            Family("breaker_state", "0 closed, 1 half open, 2 open.", ("provider", "route")),
            Family("retry_budget_remaining", "Retries the budget would still pay.", _PROVIDER),
            Family(
                "limit_fill",
                "Share of a limit in use; 1 and over: calls wait.",
                ("provider", "limit"),
            ),
            Family(
                "queue_length",
                "Calls waiting for a limit.",
                ("provider", "limit", "priority"),
            ),
            Family("outcomes_unknown", "Payments of which nobody knows what came.", _PROVIDER),
            Family(
                "unknown_amount",
                "What they come to, in major units.",
                ("provider", "currency"),
            ),
            Family("unknown_oldest_seconds", "How old the oldest of them is.", _PROVIDER),
            Family(
                "keys_near_expiry",
                "Of them, those whose key the provider is about to forget.",
                _PROVIDER,
            ),
            Family("store_up", "1 where the store can be reached.", ("store",)),
            Family("draining", "1 while the process shuts down."),
            Family("in_flight", "Calls under way.", _PROVIDER),
            Family("upstream_connections", "Open connections.", ("provider", "state")),
        )
    }
)
