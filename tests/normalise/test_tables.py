"""The tables are total, and say what contract section 4 says."""

import pytest

from proxy.normalise import FAILURES, MESSAGES, REFUSALS, needs_envelope, report_for
from proxy.terms import ErrorCode, Outcome, ProxyError, Refusal
from tests.support.make import lost, ok, refused, rejected, throttled

CONTRACT = {
    ErrorCode.RESOURCE_NOT_FOUND: [ProxyError.DESTINATION_NOT_FOUND],
    ErrorCode.SERVICE_UNAVAILABLE: [ProxyError.DESTINATION_UNAVAILABLE],
    ErrorCode.CONNECTION_FAILED: [
        ProxyError.CONNECTION_REFUSED,
        ProxyError.DESTINATION_IP_UNROUTABLE,
        ProxyError.DNS_ERROR,
        ProxyError.TLS_ALERT_RECEIVED,
        ProxyError.TLS_CERTIFICATE_ERROR,
        ProxyError.TLS_PROTOCOL_ERROR,
    ],
    ErrorCode.GATEWAY_TIMEOUT: [
        ProxyError.CONNECTION_READ_TIMEOUT,
        ProxyError.CONNECTION_TIMEOUT,
        ProxyError.CONNECTION_WRITE_TIMEOUT,
        ProxyError.DNS_TIMEOUT,
        ProxyError.HTTP_RESPONSE_TIMEOUT,
    ],
    ErrorCode.BAD_GATEWAY: [
        ProxyError.CONNECTION_TERMINATED,
        ProxyError.HTTP_RESPONSE_INCOMPLETE,
        ProxyError.PROXY_LOOP_DETECTED,
    ],
    ErrorCode.MALFORMED_RESPONSE: [
        ProxyError.HTTP_PROTOCOL_ERROR,
        ProxyError.HTTP_RESPONSE_HEADER_SIZE,
        ProxyError.HTTP_RESPONSE_TRANSFER_CODING,
    ],
    ErrorCode.OVERLOADED: [ProxyError.CONNECTION_LIMIT_REACHED],
    ErrorCode.MALFORMED_REQUEST: [ProxyError.HTTP_REQUEST_ERROR],
    ErrorCode.INTERNAL_SERVER_ERROR: [ProxyError.PROXY_INTERNAL_ERROR],
}


def test_every_code_has_words_for_people() -> None:
    assert set(MESSAGES) == set(ErrorCode)
    assert all(MESSAGES.values())


@pytest.mark.item(78)
def test_every_failure_has_its_report() -> None:
    assert set(FAILURES) == set(ProxyError)
    assert all(report.error is reason for reason, report in FAILURES.items())


@pytest.mark.item(78)
def test_every_refusal_has_its_report() -> None:
    assert set(REFUSALS) == set(Refusal)


@pytest.mark.item(78, 80)
@pytest.mark.parametrize(
    ("code", "reason"), [(code, reason) for code, all_ in CONTRACT.items() for reason in all_]
)
def test_a_failure_has_the_code_of_the_contract(code: ErrorCode, reason: ProxyError) -> None:
    assert FAILURES[reason].code is code
    assert FAILURES[reason].status == code.status


@pytest.mark.item(78, 80)
@pytest.mark.parametrize(
    ("reason", "code", "status", "error"),
    [
        ("no_provider", "resource_not_found", 404, "destination_not_found"),
        ("malformed", "malformed_request", 400, "http_request_error"),
        ("too_large", "request_too_large", 413, "http_request_error"),
        ("target_too_long", "request_too_large", 414, "http_request_error"),
        ("headers_too_large", "request_too_large", 431, "http_request_error"),
        ("method_unknown", "not_supported", 501, "http_request_error"),
        ("method_refused", "method_not_allowed", 405, "http_request_error"),
        ("loop", "bad_gateway", 502, "proxy_loop_detected"),
        ("key_missing", "idempotency_key_missing", 400, "http_request_error"),
        ("caller_too_slow", "request_timeout", 408, "http_request_error"),
        ("caller_left", "request_timeout", 408, "http_request_error"),
        ("paused", "paused", 503, "destination_unavailable"),
        ("circuit_open", "circuit_open", 503, "destination_unavailable"),
        ("overloaded", "overloaded", 503, "connection_limit_reached"),
        ("rate_limited", "rate_limited", 429, "http_request_error"),
        ("claim_lost", "idempotency_key_in_use", 409, "http_request_error"),
        ("draining", "service_unavailable", 503, "destination_unavailable"),
        ("internal", "internal_server_error", 500, "proxy_internal_error"),
    ],
)
def test_a_refusal_has_the_code_the_status_and_the_error_of_the_contract(
    reason: str, code: str, status: int, error: str
) -> None:
    report = REFUSALS[Refusal(reason)]
    assert (report.code, report.status, report.error) == (code, status, error)
    assert report.message


def test_an_answer_is_reported_under_the_code_it_was_classified_as() -> None:
    report = report_for(throttled())
    assert (report.code, report.status, report.error) == (ErrorCode.RATE_LIMITED, 429, None)


def test_a_success_reported_by_mistake_is_an_unknown_error_and_no_crash() -> None:
    assert report_for(ok()).code is ErrorCode.UNKNOWN_ERROR


@pytest.mark.parametrize(
    ("outcome", "needed"), [(ok(), False), (rejected(), True), (lost(), True), (refused(), True)]
)
def test_what_is_an_error_needs_the_envelope(outcome: Outcome, needed: bool) -> None:
    assert needs_envelope(outcome) is needed
