"""The scrape: exact names and labels, counted right, and never without bound."""

from collections.abc import Iterable
from typing import Any

import pytest
from prometheus_client import parser
from prometheus_client.openmetrics import parser as openmetrics

from proxy.observe import Metrics
from proxy.observe.families import GAUGES
from proxy.terms import Delivery, Event, FaultOccurred, LimitWaited, ProxyError, Sample

# Contract section 7: name, type, labels. Dashboards depend on each word.
CONTRACT = {
    "paysluice_requests_total": "counter provider route method status error_code outcome",
    "paysluice_request_duration_seconds": "histogram provider route method",
    "paysluice_upstream_responses_total": "counter provider route status",
    "paysluice_provider_codes_total": "counter provider provider_code",
    "paysluice_upstream_duration_seconds": "histogram provider route",
    "paysluice_overhead_seconds": "histogram provider",
    "paysluice_attempt_failures_total": "counter provider reason delivery",
    "paysluice_retries_total": "counter provider route reason basis",
    "paysluice_retries_denied_total": "counter provider route reason denied_by",
    "paysluice_rate_limited_total": "counter provider limit origin",
    "paysluice_rate_limit_wait_seconds": "histogram provider limit",
    "paysluice_breaker_state": "gauge provider route",
    "paysluice_idempotency_total": "counter provider result",
    "paysluice_outcomes_unknown": "gauge provider",
    "paysluice_unknown_amount": "gauge provider currency",
    "paysluice_unknown_oldest_seconds": "gauge provider",
    "paysluice_outcomes_settled_total": "counter provider by as",
    "paysluice_outcomes_contradicted_total": "counter provider",
    "paysluice_duplicates_prevented_total": "counter provider how",
    "paysluice_webhooks_total": "counter provider result",
    "paysluice_config_reloads_total": "counter result",
    "paysluice_keys_near_expiry": "gauge provider",
    "paysluice_store_up": "gauge store",
    "paysluice_retry_budget_remaining": "gauge provider",
    "paysluice_limit_fill": "gauge provider limit",
    "paysluice_queue_length": "gauge provider limit priority",
    "paysluice_connections_discarded_total": "counter provider why",
    "paysluice_draining": "gauge",
    "paysluice_unmapped_codes_total": "counter provider",
    "paysluice_in_flight": "gauge provider",
    "paysluice_upstream_connections": "gauge provider state",
    "paysluice_build_info": "gauge version",
}


def knows_code(provider: str, code: str) -> bool:
    return (provider, code) == ("acme", "card_declined")


def unheard(_: Event) -> None:
    pass


def counted(*events: Event, **members: Any) -> Metrics:
    metrics = Metrics("1.2.3", knows_code, **{"emit": unheard, **members})
    for event in events:
        metrics.on(event)
    return metrics


def series(metrics: Metrics) -> dict[tuple[str, frozenset[str]], float]:
    text = metrics.render("")[0].decode()
    return {
        (sample.name, frozenset(sample.labels.values())): sample.value
        for family in parser.text_string_to_metric_families(text)
        for sample in family.samples
    }


def at(name: str, *labels: str) -> tuple[str, frozenset[str]]:
    return name, frozenset(labels)


def full_house(event: Any) -> Metrics:
    metrics = counted(
        *event.one_of_each(),
        event.attempt_ended(
            reason=ProxyError.DNS_ERROR, provider_code="card_declined", is_throttled=True
        ),
    )
    metrics.add_gauges(
        lambda: [
            Sample(name, tuple("x" for _ in family.labels), 1.0) for name, family in GAUGES.items()
        ]
    )
    return metrics


def test_the_scrape_has_exactly_the_metrics_of_the_contract(event: Any) -> None:
    text = full_house(event).render("")[0].decode()
    found = {}
    for family in parser.text_string_to_metric_families(text):
        suffix = "_total" if family.type == "counter" else ""
        labels = set(family.samples[0].labels) - {"le"}
        found[family.name + suffix] = {family.type, *labels}
    assert found == {name: set(words.split()) for name, words in CONTRACT.items()}


def test_the_scrape_is_valid_openmetrics_where_that_is_asked_for(event: Any) -> None:
    accept = "application/openmetrics-text;version=1.0.0,text/plain;q=0.5"
    body, media_type = full_house(event).render(accept)
    assert media_type.startswith("application/openmetrics-text; version=1.0.0; charset=utf-8")
    assert body.endswith(b"# EOF\n")
    families = {family.name for family in openmetrics.text_string_to_metric_families(body.decode())}
    assert {name.removesuffix("_total") for name in CONTRACT} == families
    assert b"_created" not in body


def test_a_gauge_takes_its_labels_in_the_order_of_the_contract() -> None:
    for name, family in GAUGES.items():
        assert CONTRACT[name].split() == ["gauge", *family.labels]


@pytest.mark.parametrize("accept", ["", "*/*", "application/openmetrics-text;version=nonsense"])
def test_without_a_wish_we_can_read_the_scrape_is_prometheus_text(accept: str) -> None:
    body, media_type = counted().render(accept)
    assert media_type == "text/plain; version=0.0.4; charset=utf-8"
    assert b'paysluice_build_info{version="1.2.3"} 1.0\n' in body


def test_an_answered_request_is_counted_timed_and_its_overhead_told(event: Any) -> None:
    found = series(counted(event.responded(), event.responded(duration_s=0.1, upstream_s=0.2)))
    labels = ("acme", "create_payment", "POST", "200", "none", "none")
    assert found[at("paysluice_requests_total", *labels)] == 2
    assert found[at("paysluice_request_duration_seconds_sum", *labels[:3])] == 0.35
    assert found[at("paysluice_overhead_seconds_sum", "acme")] == pytest.approx(0.05)
    assert found[at("paysluice_request_duration_seconds_bucket", *labels[:3], "60.0")] == 2


def test_a_failed_attempt_says_why_and_what_had_been_sent(event: Any) -> None:
    found = series(
        counted(
            event.attempt_ended(status=None, reason=ProxyError.DNS_ERROR, delivery=Delivery.NONE)
        )
    )
    assert found[at("paysluice_attempt_failures_total", "acme", "dns_error", "none")] == 1
    assert found[at("paysluice_upstream_duration_seconds_count", "acme", "create_payment")] == 1
    assert not any(name == "paysluice_upstream_responses_total" for name, _ in found)


def test_a_throttled_attempt_is_the_providers_limit_and_a_refused_wait_is_ours(
    event: Any,
) -> None:
    found = series(
        counted(
            event.attempt_ended(status=429, is_throttled=True),
            LimitWaited("acme", "account", 2.0, is_refused=True),
            LimitWaited("acme", "account", 1.0, is_refused=False),
        )
    )
    assert found[at("paysluice_rate_limited_total", "acme", "provider", "upstream")] == 1
    assert found[at("paysluice_rate_limited_total", "acme", "account", "local")] == 1
    assert found[at("paysluice_rate_limit_wait_seconds_sum", "acme", "account")] == 3.0


def test_only_codes_that_the_profile_lists_become_labels(event: Any) -> None:
    found = series(
        counted(
            event.attempt_ended(provider_code="card_declined"),
            event.attempt_ended(provider_code="4111111111111111"),
            event.attempt_ended(provider_code="something else"),
        )
    )
    codes = {key[1]: value for key, value in found.items() if "provider_codes" in key[0]}
    assert codes == {frozenset({"acme", "card_declined"}): 1, frozenset({"acme", "other"}): 2}


def test_ten_thousand_strange_requests_add_a_handful_of_series(event: Any) -> None:
    metrics = counted(event.responded(), event.attempt_ended(provider_code="x"))
    for number in range(10_000):
        metrics.on(event.responded(method=f"M{number}", status=number * 7))
        metrics.on(event.attempt_ended(provider_code=f"c{number}", status=number * 7))
    statuses = 500
    names = [name for name, _ in series(metrics) if not name.endswith("_bucket")]
    assert len(names) < 2 * statuses + 30


def test_beyond_the_limit_series_are_counted_together(event: Any) -> None:
    metrics = counted(max_series=3)
    for number in range(10):
        metrics.on(event.responded(route=f"route_{number}"))
    found = series(metrics)
    requests = [labels for name, labels in found if name == "paysluice_requests_total"]
    assert len(requests) == 4
    assert found[at("paysluice_requests_total", "_OTHER")] == 7


def test_gauges_are_read_when_the_scrape_is_asked_for() -> None:
    metrics = counted()
    level = 1.0
    metrics.add_gauges(lambda: [Sample("paysluice_breaker_state", ("acme", "all"), level)])
    assert series(metrics)[at("paysluice_breaker_state", "acme", "all")] == 1.0
    level = 2.0
    assert series(metrics)[at("paysluice_breaker_state", "acme", "all")] == 2.0


@pytest.mark.parametrize(
    ("sample", "fault"),
    [
        (Sample("paysluice_draining", ("surplus",), 1), "ValueError"),
        (Sample("draining", (), 1), "KeyError"),
    ],
)
def test_a_holder_with_a_bug_is_reported_and_costs_only_its_own_gauges(
    sample: Sample, fault: str
) -> None:
    told: list[Event] = []
    metrics = counted(emit=told.append)

    def broken() -> Iterable[Sample]:
        return [Sample("paysluice_draining", (), 1.0), sample]

    metrics.add_gauges(broken)
    metrics.add_gauges(lambda: [Sample("paysluice_in_flight", ("acme",), 3.0)])
    found = series(metrics)
    assert found[at("paysluice_in_flight", "acme")] == 3.0
    assert at("paysluice_draining") not in found
    assert told == [FaultOccurred("", fault, "gauges")]


def test_a_bug_of_a_holder_goes_nowhere_if_nobody_listens() -> None:
    metrics = counted()
    metrics.add_gauges(lambda: [Sample("nonsense", (), 1)])
    assert at("nonsense") not in series(metrics)


def test_a_traced_request_is_its_buckets_exemplar_in_openmetrics(event: Any) -> None:
    trace = "4bf92f3577b34da6a3ce929d0e0e4736"
    metrics = counted(event.responded(duration_s=0.3, caller_trace=trace), event.responded())
    accept = "application/openmetrics-text;version=1.0.0"
    families = openmetrics.text_string_to_metric_families(metrics.render(accept)[0].decode())
    found = [
        (sample.name, sample.labels["le"], sample.exemplar.labels, sample.exemplar.value)
        for family in families
        for sample in family.samples
        if sample.exemplar is not None
    ]
    assert found == [("paysluice_request_duration_seconds_bucket", "0.5", {"trace_id": trace}, 0.3)]
    assert trace not in metrics.render("")[0].decode()
