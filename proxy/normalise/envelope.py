"""The error envelope: one JSON object, whoever said no (contract section 4)."""

import json
import math
from enum import StrEnum
from typing import Final
from urllib.parse import quote

from msgspec import Struct
from msgspec.json import Encoder

from proxy.terms import (
    NO_FACTS,
    Answered,
    Detail,
    ErrorCode,
    ErrorType,
    Facts,
    Failed,
    Headers,
    Outcome,
    RouteEffect,
)
from proxy.terms.http import every, list_members

from .messages import MESSAGES
from .tables import report_for
from .words import OutcomeWord, word_for

JSON: Final = b"application/json"
PROBLEM: Final = b"application/problem+json"
MAX_BODY: Final = 64 * 1024  # bytes of the provider's JSON body that are handed on

# RFC 9457 section 3.1.1 wants an absolute URI that never changes. A URN promises no page: what a
# code means stands in docs/errors.md of the version that runs, not at an address we would have to
# keep for ever.
_TYPE: Final = "urn:paysluice:error:"
_INSTANCE: Final = "urn:paysluice:request:"
_ENCODER: Final = Encoder()
# For what the other has no words for: half of a pair of surrogates, and numbers that are none.
_CAREFUL: Final = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":"))


class Origin(StrEnum):
    """Who said no."""

    PROVIDER = "provider"
    PROXY = "proxy"


class ProviderPart(Struct, frozen=True):
    """What the provider said, in its own words; None where it said nothing."""

    name: str | None
    status: int | None
    code: str | None
    type: str | None
    message: str | None
    span_id: str | None
    reference: str | None
    body: object


class Envelope(Struct, frozen=True):
    """The members of an error answer, in their order on the wire; and its HTTP `status`."""

    error_code: ErrorCode
    error_type: ErrorType
    message: str
    details: tuple[Detail, ...]
    trace_id: str | None
    request_id: str
    origin: Origin
    outcome: OutcomeWord
    outcome_id: str | None
    retryable: bool
    retry_after: int | None
    attempts: int
    provider: ProviderPart
    status: int  # of the answer; no member of its own

    def as_dict(self) -> dict[str, object]:
        """Give the JSON object."""
        provider = self.provider
        return {
            "error_code": self.error_code,
            "error_type": self.error_type,
            "message": self.message,
            "details": [
                {"field": detail.field, "description": detail.description}
                for detail in self.details
            ],
            "trace_id": self.trace_id,
            "request_id": self.request_id,
            "origin": self.origin,
            "outcome": self.outcome,
            "outcome_id": self.outcome_id,
            "retryable": self.retryable,
            "retry_after": self.retry_after,
            "attempts": self.attempts,
            "provider": {
                "name": provider.name,
                "status": provider.status,
                "code": provider.code,
                "type": provider.type,
                "message": provider.message,
                "span_id": provider.span_id,
                "reference": provider.reference,
                "body": provider.body,
            },
        }


def envelope_for(
    outcome: Outcome,
    *,
    provider: str | None,
    effect: RouteEffect,
    request_id: str,
    include_body: bool,
) -> Envelope:
    """Describe the error *outcome*; *provider* is None where no provider was found."""
    report = report_for(outcome)
    facts, status, said = NO_FACTS, None, None
    if isinstance(outcome, Answered):
        facts, status, said = outcome.facts, outcome.answer.status, outcome.facts.message
    elif isinstance(outcome, Failed):
        status = outcome.status
    else:
        said = outcome.hint
    return Envelope(
        error_code=report.code,
        error_type=report.code.type,
        message=said or report.message,
        details=facts.details,
        trace_id=facts.trace_id,
        request_id=request_id,
        origin=Origin.PROVIDER if isinstance(outcome, Answered) else Origin.PROXY,
        outcome=word_for(outcome, effect=effect),
        outcome_id=outcome.outcome_id,
        retryable=outcome.is_retryable,
        retry_after=retry_after_of(outcome),
        attempts=outcome.attempts,
        provider=ProviderPart(
            name=provider,
            status=status,
            code=facts.code,
            type=facts.type,
            message=facts.message,
            span_id=facts.span_id,
            reference=facts.reference,
            body=_body_of(facts) if include_body else None,
        ),
        status=report.status,
    )


def retry_after_of(outcome: Outcome) -> int | None:
    """Give the whole seconds to wait, rounded up; None where the caller should not come again.

    The member and the header field say the same number, and RFC 9110 section 10.2.3 has no
    fractions: rounded down, the caller would come too early.
    """
    seconds = outcome.retry_after_s
    if not outcome.is_retryable or seconds is None or not math.isfinite(seconds):
        return None
    return max(0, math.ceil(seconds))


def encode(envelope: Envelope) -> bytes:
    """Give the envelope as `application/json`."""
    return dump(envelope.as_dict())


def encode_problem(envelope: Envelope) -> bytes:
    """Give the envelope as `application/problem+json`: RFC 9457's members, and all of ours."""
    code = envelope.error_code
    return dump(
        {
            "type": _TYPE + code.value,
            "title": MESSAGES[code],
            "status": envelope.status,
            "detail": envelope.message,
            "instance": _INSTANCE + quote(envelope.request_id, safe=""),
            **envelope.as_dict(),
        }
    )


def accepts_problem(headers: Headers) -> bool:
    """Whether the caller names `application/problem+json` in Accept, and does not rule it out.

    A wildcard does not ask for it: contract section 4 makes plain JSON the default.
    """
    if not any(PROBLEM in value.lower() for value in every(headers, b"accept")):
        return False
    for member in list_members(headers, b"accept"):
        media_type, *parameters = (part.strip(b" \t") for part in member.split(b";"))
        if media_type == PROBLEM:
            return all(_is_wanted(parameter) for parameter in parameters)
    return False


def _is_wanted(parameter: bytes) -> bool:
    name, _, weight = parameter.partition(b"=")
    if name != b"q":
        return True
    # RFC 9110 section 12.4.2: 0 to 1 with three decimals; whatever else stands there is no yes.
    return weight[:1] in (b"0", b"1") and bool(weight.strip(b"0."))


def _body_of(facts: Facts) -> object:
    """Give the provider's document where it can be handed on whole; half a body would mislead."""
    if facts.document is None:
        return None
    try:
        size = len(_dump_carefully(facts.document))
    except (ValueError, TypeError, RecursionError):  # 1e999, which JSON has and numbers have not
        return None
    return facts.document if size <= MAX_BODY else None


def dump(value: object) -> bytes:
    """Give *value* as compact JSON that every parser takes."""
    try:
        return _ENCODER.encode(value)
    except UnicodeEncodeError:
        return _dump_carefully(value)


def _dump_carefully(value: object) -> bytes:
    text = _CAREFUL.encode(value)
    # A lone surrogate is legal in JSON text and fatal to many parsers (RFC 7493 section 2.1): `?`.
    return text.encode("utf-8", "replace")
