"""Codes that error bodies share, each with the error code it speaks of.

The order is from the more particular to the more general: the first that holds wins. A hint names
the letters without which its pattern cannot hold: looking for them costs next to nothing.
"""

import re
from typing import Final

from msgspec import Struct

from proxy.terms import ErrorCode

_E: Final = ErrorCode


class Hint(Struct, frozen=True):
    """A pattern, the letters one of which it needs, and the word it stands for."""

    needles: tuple[str, ...]
    pattern: re.Pattern[str]
    code: ErrorCode


def hint(code: ErrorCode, needles: str, *patterns: str) -> Hint:
    """Give the hint at *code* that any of *patterns* is; `|` parts the needles."""
    return Hint(tuple(needles.split("|")), re.compile("|".join(patterns)), code)


# On codes in snake case, joined by spaces.
CODE_HINTS: Final = (
    hint(
        _E.IDEMPOTENCY_KEY_IN_USE,
        "idempot|request_in_progress",
        r"idempot\w*_(?:in_use|in_progress|in_flight|processing)",
        r"request_in_progress",
    ),
    hint(
        _E.IDEMPOTENCY_KEY_MISSING,
        "idempotency",
        r"missing_idempotency",
        r"idempotency_key_(?:missing|required)",
    ),
    hint(
        _E.IDEMPOTENCY_KEY_REUSED,
        "idempotency",
        r"idempotency_(?:key_)?(?:reus\w*|mismatch|error)",
    ),
    hint(
        _E.RATE_LIMITED,
        "rate|too_many|throttl|quota|spike|requests_exceeded",
        r"rate_?limit|too_many_requests|throttl|spike_arrest|requests_exceeded",
        r"quota_(?:exceeded|violation)",
    ),
    hint(
        _E.RESOURCE_LOCKED,
        "lock|concurrent|progress",
        r"(?:resource|account|object|record|row)_(?:is_)?locked",
        r"lock_timeout|concurrent_\w+|\w_in_progress\b",
    ),
    hint(
        _E.ALREADY_PROCESSED,
        "already",
        r"already_(?:processed|captured|refunded|paid|completed|voided|settled)",
    ),
    hint(
        _E.DUPLICATE_TRANSACTION,
        "duplicate|already",
        r"duplicated?_(?:transaction|reference|order|payment|invoice|request|charge|resource)",
        r"(?:order|invoice|reference|transaction|payment)\w*_(?:is_)?(?:duplicate|already_)",
    ),
    hint(_E.CONFLICT, "exists", r"already_exists|(?<!not)(?<!not_)_exists\b"),
    hint(
        _E.INSUFFICIENT_FUNDS,
        "sufficient",
        r"insufficient_funds|not_sufficient_funds|insufficient_account_balance",
    ),
    hint(
        _E.INSUFFICIENT_BALANCE,
        "balance",
        r"insufficient_(?:wallet_|merchant_)?balance|balance_insufficient",
    ),
    hint(_E.EXPIRED_CARD, "expired", r"expired_card|card_(?:has_)?expired"),
    hint(
        _E.INCORRECT_CVC,
        "cv|security_code",
        r"(?:incorrect|invalid|wrong)_(?:cvc|cvv|cvn|security_code)",
        r"(?:cvc|cvv)\w*_(?:invalid|mismatch)",
    ),
    hint(
        _E.INVALID_CARD_NUMBER,
        "number|invalid_",
        r"(?:invalid|incorrect)_(?:card_)?number|card_number_(?:invalid|incorrect)",
        r"invalid_(?:card|pan)\b",
    ),
    hint(_E.FRAUD_SUSPECTED, "fraud", r"fraud"),
    hint(
        _E.AUTHENTICATION_REQUIRED,
        "_required",
        r"(?:authentication|sca|3ds|login|two_factor|verification)_required",
    ),
    hint(
        _E.PAYMENT_DECLINED,
        "declin|honor|honour|card_error|refused|compliance|exhausted|otp",
        r"declin|do_not_honou?r|card_error|payment_refused|compliance_violation",
        r"limit_exhausted|(?:invalid|incorrect|wrong)_otp",
    ),
    hint(
        _E.ACCOUNT_DISABLED,
        "abled|activated|suspended|blocked|inactive",
        r"(?:account|merchant|token|api_key)_(?:is_)?"
        r"(?:disabled|deactivated|suspended|blocked|inactive)",
    ),
    hint(_E.METHOD_NOT_ALLOWED, "method", r"method_not_allowed"),
    # AWS API Gateway says so of a path or method that it does not have.
    hint(_E.RESOURCE_NOT_FOUND, "missing_auth", r"missing_authentication_token_exception"),
    hint(
        _E.FORBIDDEN,
        "insufficient|forbidden|denied|permi|not_a|scope",
        r"insufficient_(?:scope|permission)|forbidden|access_denied|permission|invalid_scope",
        r"not_(?:allowed|permitted|authori[sz]ed|activated)",
    ),
    hint(
        _E.UNAUTHORIZED_REQUEST,
        "auth|invalid|expired|revoked|missing|credentials",
        r"unauthori[sz]ed|unauthenticated|authentication_(?:failed|failure|error)",
        r"invalid_(?:api_?key|access_token|auth\w*|credentials|client|signature|token)\b",
        r"(?:api_key|access_token|credentials)_(?:is_)?(?:invalid|expired|revoked|missing)",
        r"(?:wrong|bad)_credentials|api_token_invalid|missing_api_key",
    ),
    hint(
        _E.RESOURCE_NOT_FOUND,
        "found|no_such|exist|resource_missing",
        r"not_found|no_such_|does_not_exist|doesnt_exist|resource_missing",
    ),
    hint(
        _E.INVALID_STATE,
        "stat",
        r"unexpected_state|(?:invalid|wrong|illegal)_(?:state|status)\b",
        r"state_(?:invalid|conflict)",
    ),
    hint(
        _E.INVALID_AMOUNT,
        "amount",
        r"(?:invalid|wrong)_amount|amount_(?:invalid|exceeded|too_\w+)",
    ),
    hint(
        _E.MISSING_REQUIRED_FIELD,
        "missing|required",
        r"missing_(?:required_)?(?:field|param|argument|value)|required_(?:field|param)",
        r"(?:field|param|parameter)_(?:is_)?(?:missing|required)",
    ),
    hint(
        _E.MALFORMED_REQUEST,
        "malformed|json|pars|syntax",
        r"malformed|(?:invalid|bad)_json|json_(?:syntax|pars)|pars(?:e|ing)_error|syntax_error",
    ),
    hint(
        _E.GATEWAY_TIMEOUT,
        "time|deadline",
        r"time_?out\b|timed_out|deadline_exceeded",
    ),
    hint(
        _E.SERVICE_UNAVAILABLE,
        "unavailable|down|not_responding|maintenance|overload",
        r"unavailable|_(?:is_)?down\b|not_responding|maintenance|overload",
    ),
    hint(
        _E.INVALID_FIELD_VALUE,
        "invalid_|value_",
        r"invalid_(?:field|param|value|format)|value_(?:invalid|too_\w+)",
    ),
    # RFC 6749 section 5.2, whatever its description says of the grant.
    hint(_E.INVALID_REQUEST, "grant", r"\binvalid_grant\b|unsupported_grant_type"),
)

# On codes too, where the message says nothing better. SOAP names whose fault it is.
VAGUE_HINTS: Final = (
    hint(
        _E.INVALID_REQUEST,
        "client|sender|validation|invalid_request",
        r"\b(?:soap\w*|env|s|se)_(?:client|sender)\b|\bvalidation\b",
        r"validation_error|invalid_request",
    ),
)
