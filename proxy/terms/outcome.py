"""What comes back: a closed union of everything that can become of a call."""

from collections.abc import Callable
from enum import StrEnum
from typing import Protocol, TypeAlias

from msgspec import Struct

from .call import BodyStream, Delivery
from .codes import ErrorCode
from .effect import Effect
from .http import MIN_ERROR_STATUS, MIN_REDIRECTION, Headers


class ProxyError(StrEnum):
    """Proxy error types of RFC 9209 section 2.3: why no usable answer came."""

    DESTINATION_NOT_FOUND = "destination_not_found"
    DESTINATION_UNAVAILABLE = "destination_unavailable"
    DESTINATION_IP_UNROUTABLE = "destination_ip_unroutable"
    DNS_TIMEOUT = "dns_timeout"
    DNS_ERROR = "dns_error"
    CONNECTION_REFUSED = "connection_refused"
    CONNECTION_TERMINATED = "connection_terminated"
    CONNECTION_TIMEOUT = "connection_timeout"
    CONNECTION_READ_TIMEOUT = "connection_read_timeout"
    CONNECTION_WRITE_TIMEOUT = "connection_write_timeout"
    CONNECTION_LIMIT_REACHED = "connection_limit_reached"
    TLS_PROTOCOL_ERROR = "tls_protocol_error"
    TLS_CERTIFICATE_ERROR = "tls_certificate_error"
    TLS_ALERT_RECEIVED = "tls_alert_received"
    HTTP_REQUEST_ERROR = "http_request_error"
    HTTP_RESPONSE_INCOMPLETE = "http_response_incomplete"
    HTTP_RESPONSE_HEADER_SIZE = "http_response_header_size"
    HTTP_RESPONSE_TRANSFER_CODING = "http_response_transfer_coding"
    HTTP_RESPONSE_TIMEOUT = "http_response_timeout"
    HTTP_PROTOCOL_ERROR = "http_protocol_error"
    PROXY_INTERNAL_ERROR = "proxy_internal_error"
    PROXY_LOOP_DETECTED = "proxy_loop_detected"


class Refusal(StrEnum):
    """Why we ourselves said no."""

    NO_PROVIDER = "no_provider"
    MALFORMED = "malformed"
    TOO_LARGE = "too_large"
    TARGET_TOO_LONG = "target_too_long"
    HEADERS_TOO_LARGE = "headers_too_large"
    METHOD_UNKNOWN = "method_unknown"
    METHOD_REFUSED = "method_refused"
    LOOP = "loop"
    KEY_MISSING = "key_missing"
    CALLER_TOO_SLOW = "caller_too_slow"
    CALLER_LEFT = "caller_left"
    PAUSED = "paused"
    CIRCUIT_OPEN = "circuit_open"
    OVERLOADED = "overloaded"
    RATE_LIMITED = "rate_limited"
    CLAIM_LOST = "claim_lost"
    KEY_IN_USE = "key_in_use"  # the request was joined to one under way, and its time is over
    KEY_REUSED = "key_reused"
    OUTCOME_PENDING = "outcome_pending"
    ALREADY_PROCESSED = "already_processed"
    LEDGER_AWAY = "ledger_away"
    LIMITS_AWAY = "limits_away"
    NO_OUTCOME = "no_outcome"
    DRAINING = "draining"
    INTERNAL = "internal"


class Kind(StrEnum):
    """What an answer means, whatever its status says."""

    OK = "ok"
    REJECTED = "rejected"
    DECLINED = "declined"
    THROTTLED = "throttled"  # refused unprocessed, for now
    IN_PROGRESS = "in_progress"  # an earlier request with this key is still running
    DUPLICATE = "duplicate"  # an earlier identical request was there before
    BROKEN = "broken"  # the provider failed, and did not say how far it had come


class AnswerStream(BodyStream, Protocol):
    """What of an answer is still on the wire. Its connection is held until it ends."""

    def on_end(self, callback: Callable[[], None]) -> None:
        """Run *callback* once, when the stream has ended, however it did; at once if it has."""

    def close(self) -> None:
        """Give up: the connection is closed if the stream has not ended."""


class Answer(Struct, frozen=True):
    """A response as it came: nothing decoded, nothing dropped, framing fields included."""

    status: int
    reason: bytes
    headers: Headers
    body: bytes  # all of it, or its beginning where `rest` is set
    rest: AnswerStream | None = None


class Detail(Struct, frozen=True):
    """One faulty field of a request, as the provider named it."""

    field: str
    description: str


class Facts(Struct, frozen=True):
    """What was read out of an answer: the provider's own words, bounded, never invented."""

    code: str | None = None
    type: str | None = None
    message: str | None = None
    details: tuple[Detail, ...] = ()
    trace_id: str | None = None
    span_id: str | None = None
    reference: str | None = None  # the provider's id of the payment
    document: object = None  # the parsed JSON body, where it is one and small enough


NO_FACTS = Facts()


class Ending(Struct, frozen=True, kw_only=True):
    """What every outcome carries. Retry replaces these with what holds over all attempts."""

    effect: Effect = Effect.NONE
    delivery: Delivery = Delivery.NONE
    attempts: int = 0
    retry_after_s: float | None = None
    is_retryable: bool = False  # the caller may send the very same request again
    outcome_id: str | None = None


class Answered(Ending, frozen=True, kw_only=True):
    """The provider answered, and this is what its answer means."""

    answer: Answer
    kind: Kind
    error_code: ErrorCode | None = None  # None exactly where the kind is OK
    facts: Facts = NO_FACTS
    is_transient: bool = False  # another try may get another answer
    is_embedded: bool = False  # an error inside a 2xx, recognised by a rule of the profile
    is_replayed: bool = False  # by our own ledger: it was given before, to the same request


class Failed(Ending, frozen=True, kw_only=True):
    """No usable answer came."""

    reason: ProxyError
    is_transient: bool = True  # False for a bad certificate, say
    status: int | None = None  # of an answer that was begun and never ended


class Quota(Struct, frozen=True):
    """A rate limit of ours that left no room, in whole numbers, as the caller is told of it."""

    name: str
    count: int  # requests in each window
    window_s: int
    reset_s: int  # until one more is let through


class Refused(Ending, frozen=True, kw_only=True):
    """We ourselves said no. It ends the retry loop."""

    reason: Refusal
    quota: Quota | None = None  # set where one of our rate limits said it
    hint: str | None = None  # for people: what to change; never the caller's own bytes
    settled: Kind | None = None  # what the earlier request with this key came to, where we know


Outcome: TypeAlias = Answered | Failed | Refused


def is_redirection(outcome: Outcome) -> bool:
    """Say whether the answer is a 3xx, which is handed back as it came.

    It may come from whoever stands before the provider, so it says nothing of a payment.
    """
    return (
        isinstance(outcome, Answered)
        and MIN_REDIRECTION <= outcome.answer.status < MIN_ERROR_STATUS
    )
