"""What each failure, each refusal of ours and each error answer is reported as.

Source: the tables of contract section 4. A status is the canonical one of its error code, with
the two exceptions that the contract names: 414 and 431.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from msgspec import Struct

from proxy.terms import Answered, ErrorCode, Failed, Outcome, ProxyError, Refusal

from .messages import MESSAGES


class Report(Struct, frozen=True):
    """Under which code, with which words and which `Proxy-Status` error an outcome is reported."""

    code: ErrorCode
    message: str
    error: ProxyError | None  # None where the provider answered (RFC 9209 section 2.1.1)
    status: int


def _report(
    error: ProxyError, code: ErrorCode, message: str | None = None, status: int | None = None
) -> Report:
    return Report(code, message or MESSAGES[code], error, status or code.status)


# Why no usable answer came -> its code, and words where it knows better than the code.
_FAILURES: Final[Mapping[ProxyError, tuple[ErrorCode, str | None]]] = MappingProxyType(
    {
        ProxyError.DESTINATION_NOT_FOUND: (ErrorCode.RESOURCE_NOT_FOUND, None),
        ProxyError.DESTINATION_UNAVAILABLE: (ErrorCode.SERVICE_UNAVAILABLE, None),
        ProxyError.DESTINATION_IP_UNROUTABLE: (
            ErrorCode.CONNECTION_FAILED,
            "There is no network route to the provider.",
        ),
        ProxyError.DNS_TIMEOUT: (
            ErrorCode.GATEWAY_TIMEOUT,
            "The provider's host name was not resolved in time.",
        ),
        ProxyError.DNS_ERROR: (
            ErrorCode.CONNECTION_FAILED,
            "The provider's host name could not be resolved.",
        ),
        ProxyError.CONNECTION_REFUSED: (
            ErrorCode.CONNECTION_FAILED,
            "The provider refused the connection.",
        ),
        ProxyError.CONNECTION_TERMINATED: (
            ErrorCode.BAD_GATEWAY,
            "The connection to the provider ended before an answer came.",
        ),
        ProxyError.CONNECTION_TIMEOUT: (
            ErrorCode.GATEWAY_TIMEOUT,
            "No connection to the provider was made in time.",
        ),
        ProxyError.CONNECTION_READ_TIMEOUT: (ErrorCode.GATEWAY_TIMEOUT, None),
        ProxyError.CONNECTION_WRITE_TIMEOUT: (
            ErrorCode.GATEWAY_TIMEOUT,
            "The provider did not take the request in time.",
        ),
        ProxyError.CONNECTION_LIMIT_REACHED: (ErrorCode.OVERLOADED, None),
        ProxyError.TLS_PROTOCOL_ERROR: (
            ErrorCode.CONNECTION_FAILED,
            "The TLS handshake with the provider failed.",
        ),
        ProxyError.TLS_CERTIFICATE_ERROR: (
            ErrorCode.CONNECTION_FAILED,
            "The provider's TLS certificate could not be verified.",
        ),
        ProxyError.TLS_ALERT_RECEIVED: (
            ErrorCode.CONNECTION_FAILED,
            "The provider ended the TLS handshake with an alert.",
        ),
        ProxyError.HTTP_REQUEST_ERROR: (ErrorCode.MALFORMED_REQUEST, None),
        ProxyError.HTTP_RESPONSE_INCOMPLETE: (
            ErrorCode.BAD_GATEWAY,
            "The provider's answer broke off.",
        ),
        ProxyError.HTTP_RESPONSE_HEADER_SIZE: (
            ErrorCode.MALFORMED_RESPONSE,
            "The head of the provider's answer is too large.",
        ),
        ProxyError.HTTP_RESPONSE_TRANSFER_CODING: (
            ErrorCode.MALFORMED_RESPONSE,
            "The provider's answer has an unknown transfer coding.",
        ),
        ProxyError.HTTP_RESPONSE_TIMEOUT: (ErrorCode.GATEWAY_TIMEOUT, None),
        ProxyError.HTTP_PROTOCOL_ERROR: (ErrorCode.MALFORMED_RESPONSE, None),
        ProxyError.PROXY_INTERNAL_ERROR: (ErrorCode.INTERNAL_SERVER_ERROR, None),
        ProxyError.PROXY_LOOP_DETECTED: (
            ErrorCode.BAD_GATEWAY,
            "The request came back to this proxy.",
        ),
    }
)
FAILURES: Final[Mapping[ProxyError, Report]] = MappingProxyType(
    {reason: _report(reason, code, message) for reason, (code, message) in _FAILURES.items()}
)

REFUSALS: Final[Mapping[Refusal, Report]] = MappingProxyType(
    {
        # RFC 9209 section 2.3.1 recommends 500 for destination_not_found; the contract says 404,
        # because the caller chose the path.
        Refusal.NO_PROVIDER: _report(
            ProxyError.DESTINATION_NOT_FOUND,
            ErrorCode.RESOURCE_NOT_FOUND,
            "No provider is configured at this path.",
        ),
        Refusal.MALFORMED: _report(ProxyError.HTTP_REQUEST_ERROR, ErrorCode.MALFORMED_REQUEST),
        Refusal.TOO_LARGE: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.REQUEST_TOO_LARGE,
            "The body of the request is too large.",
        ),
        Refusal.TARGET_TOO_LONG: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.REQUEST_TOO_LARGE,
            "The target of the request is too long.",
            414,  # RFC 9110 section 15.5.15
        ),
        Refusal.HEADERS_TOO_LARGE: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.REQUEST_TOO_LARGE,
            "The header fields of the request are too large or too many.",
            431,  # RFC 6585 section 5
        ),
        Refusal.METHOD_UNKNOWN: _report(
            ProxyError.HTTP_REQUEST_ERROR, ErrorCode.NOT_SUPPORTED, "The method is not known."
        ),
        Refusal.METHOD_REFUSED: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.METHOD_NOT_ALLOWED,
            "The method is not forwarded by this proxy.",
        ),
        Refusal.LOOP: _report(
            ProxyError.PROXY_LOOP_DETECTED,
            ErrorCode.BAD_GATEWAY,
            "The request came back to this proxy.",
        ),
        Refusal.KEY_MISSING: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.IDEMPOTENCY_KEY_MISSING,
            "A payment through this proxy needs an Idempotency-Key.",
        ),
        Refusal.CALLER_TOO_SLOW: _report(ProxyError.HTTP_REQUEST_ERROR, ErrorCode.REQUEST_TIMEOUT),
        # Nobody hears this answer: it is for the log and the metrics. RFC 9110 section 15.5.9.
        Refusal.CALLER_LEFT: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.REQUEST_TIMEOUT,
            "The caller left before the request was complete or answered.",
        ),
        Refusal.PAUSED: _report(ProxyError.DESTINATION_UNAVAILABLE, ErrorCode.PAUSED),
        Refusal.CIRCUIT_OPEN: _report(ProxyError.DESTINATION_UNAVAILABLE, ErrorCode.CIRCUIT_OPEN),
        Refusal.OVERLOADED: _report(ProxyError.CONNECTION_LIMIT_REACHED, ErrorCode.OVERLOADED),
        Refusal.RATE_LIMITED: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.RATE_LIMITED,
            "The configured rate limit left no place in time.",
        ),
        # Another owner of this key sends, or has sent: nothing was sent for this request.
        Refusal.CLAIM_LOST: _report(
            ProxyError.HTTP_REQUEST_ERROR, ErrorCode.IDEMPOTENCY_KEY_IN_USE
        ),
        Refusal.KEY_IN_USE: _report(
            ProxyError.HTTP_REQUEST_ERROR, ErrorCode.IDEMPOTENCY_KEY_IN_USE
        ),
        Refusal.KEY_REUSED: _report(
            ProxyError.HTTP_REQUEST_ERROR, ErrorCode.IDEMPOTENCY_KEY_REUSED
        ),
        Refusal.OUTCOME_PENDING: _report(ProxyError.HTTP_REQUEST_ERROR, ErrorCode.OUTCOME_PENDING),
        Refusal.ALREADY_PROCESSED: _report(
            ProxyError.HTTP_REQUEST_ERROR, ErrorCode.ALREADY_PROCESSED
        ),
        Refusal.LEDGER_AWAY: _report(
            ProxyError.PROXY_INTERNAL_ERROR,
            ErrorCode.SERVICE_UNAVAILABLE,
            "The payment cannot be written down now, so it was not sent.",
        ),
        Refusal.LIMITS_AWAY: _report(
            ProxyError.PROXY_INTERNAL_ERROR,
            ErrorCode.SERVICE_UNAVAILABLE,
            "The provider's rate limits cannot be asked now, so the request was not sent.",
        ),
        Refusal.NO_OUTCOME: _report(
            ProxyError.HTTP_REQUEST_ERROR,
            ErrorCode.RESOURCE_NOT_FOUND,
            "No outcome is followed under this id.",
        ),
        Refusal.DRAINING: _report(
            ProxyError.DESTINATION_UNAVAILABLE,
            ErrorCode.SERVICE_UNAVAILABLE,
            "This proxy is shutting down.",
        ),
        Refusal.INTERNAL: _report(ProxyError.PROXY_INTERNAL_ERROR, ErrorCode.INTERNAL_SERVER_ERROR),
    }
)


_ANSWERED: Final[Mapping[ErrorCode, Report]] = MappingProxyType(
    {code: Report(code, MESSAGES[code], None, code.status) for code in ErrorCode}
)


def needs_envelope(outcome: Outcome) -> bool:
    """Whether *outcome* is an error. What is none goes through as it came."""
    return not isinstance(outcome, Answered) or outcome.error_code is not None


def report_for(outcome: Outcome) -> Report:
    """Say how an error is reported; what `needs_envelope` calls none comes out as unknown."""
    if isinstance(outcome, Answered):
        return _ANSWERED[outcome.error_code or ErrorCode.UNKNOWN_ERROR]
    if isinstance(outcome, Failed):
        return FAILURES[outcome.reason]
    return REFUSALS[outcome.reason]
