"""How the simulated provider misbehaves: the table of faults (pure).

Rules:
1. A fault without a processing is an edge's: nothing reaches the bookkeeping, nothing is kept
   under the key, so a repeat with the same key is processed as if it were the first.
2. A fault with a processing reaches the bookkeeping; what the provider decided there is kept
   under the key and replayed, failures included.
3. The wire is damaged last: it loses or spoils the answer, never what was decided.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Final

NO_FAULT: Final = "none"


class Processing(Enum):
    """What the provider decides about a payment that reaches it."""

    CHARGE = "charge"
    CHARGE_AND_FAIL = "charge_and_fail"  # the money moved, the answer is a stored 500
    DECLINE = "decline"
    DECLINE_IN_200 = "decline_in_200"


class Wire(Enum):
    """What becomes of the answer on its way."""

    WHOLE = "whole"
    CLOSE_BEFORE_READ = "close_before_read"
    CLOSE = "close"
    CLOSE_MID_ANSWER = "close_mid_answer"
    BROKEN_JSON = "broken_json"
    HANG = "hang"


class RetryAfter(Enum):
    """How an edge says when to come back."""

    ABSENT = "absent"
    SECONDS = "seconds"
    DATE = "date"


@dataclass(frozen=True, slots=True)
class Edge:
    """An answer given in place of the provider's: nothing behind it was reached."""

    status: int
    code: str
    type: str
    message: str
    retry_after: RetryAfter = RetryAfter.ABSENT
    is_html: bool = False


@dataclass(frozen=True, slots=True)
class Fault:
    """One way to misbehave."""

    does: str
    processing: Processing | None = None
    edge: Edge | None = None
    wire: Wire = Wire.WHOLE
    seconds: float | None = None  # the default of `name=SECONDS`; None: it takes no number
    waits: bool = False  # the seconds pass before the answer

    @property
    def charges(self) -> bool:
        """Whether a valid payment under this fault is charged."""
        return self.processing in {Processing.CHARGE, Processing.CHARGE_AND_FAIL}

    @property
    def is_kept(self) -> bool:
        """Whether what was decided is kept under the key, and replayed."""
        return self.processing is not None


def _refusal(does: str, edge: Edge, seconds: float | None = None) -> Fault:
    return Fault(does, edge=edge, seconds=seconds)


_SLOW_DOWN: Final = ("rate_limit_exceeded", "rate_limit_error", "Too many requests.")

NONE: Final = Fault("Nothing is wrong.", Processing.CHARGE)

FAULTS: Final[Mapping[str, Fault]] = MappingProxyType(
    {
        NO_FAULT: NONE,
        "charge_then_drop": Fault(
            "Closes the connection in place of the answer.", Processing.CHARGE, wire=Wire.CLOSE
        ),
        "close_before_read": Fault(
            "Closes the connection after the head; the body is not read.",
            wire=Wire.CLOSE_BEFORE_READ,
        ),
        "close_mid_answer": Fault(
            "Sends the head and half of the body, then closes.",
            Processing.CHARGE,
            wire=Wire.CLOSE_MID_ANSWER,
        ),
        "truncated_json": Fault(
            "Answers with broken JSON under a right Content-Length.",
            Processing.CHARGE,
            wire=Wire.BROKEN_JSON,
        ),
        "slow": Fault(
            "Answers after SECONDS; until then the key is in progress.",
            Processing.CHARGE,
            seconds=1.0,
            waits=True,
        ),
        "charge_then_hang": Fault("Never answers.", Processing.CHARGE, wire=Wire.HANG),
        "hang": Fault("Reads the request and never answers.", wire=Wire.HANG),
        "429": _refusal(
            "429 without Retry-After; with `=SECONDS` as `429_retry_after`.",
            Edge(429, *_SLOW_DOWN),
            0.0,
        ),
        "429_retry_after": _refusal(
            "429 with Retry-After: SECONDS.", Edge(429, *_SLOW_DOWN, RetryAfter.SECONDS), 1.0
        ),
        "429_date": _refusal(
            "429 with Retry-After as a date SECONDS ahead.",
            Edge(429, *_SLOW_DOWN, RetryAfter.DATE),
            2.0,
        ),
        "500_html": _refusal(
            "500 with an HTML page.", Edge(500, "", "", "Internal Server Error", is_html=True)
        ),
        "502_html": _refusal(
            "502 with a balancer's HTML page.", Edge(502, "", "", "Bad Gateway", is_html=True)
        ),
        "503": _refusal(
            "503 with a JSON error.",
            Edge(503, "service_unavailable", "api_error", "The service is being maintained."),
        ),
        "500_charged": Fault("500 with a JSON error.", Processing.CHARGE_AND_FAIL),
        "error_in_200": Fault("200 whose body says declined.", Processing.DECLINE_IN_200),
        "decline": Fault("402 with code `card_declined`.", Processing.DECLINE),
        "409_in_progress": _refusal(
            "409 with code `idempotency_key_in_use`.",
            Edge(
                409,
                "idempotency_key_in_use",
                "idempotency_error",
                "Another request with this key is in progress.",
            ),
        ),
        "400": _refusal(
            "400 with a JSON error.",
            Edge(400, "invalid_request", "invalid_request_error", "The request is not valid."),
        ),
        "401": _refusal(
            "401 with a JSON error.",
            Edge(401, "invalid_api_key", "authentication_error", "The API key is not valid."),
        ),
        "404": _refusal(
            "404 with a JSON error.",
            Edge(404, "resource_missing", "invalid_request_error", "There is no such resource."),
        ),
    }
)
