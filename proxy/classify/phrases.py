"""Phrases that error messages share, each with the error code it speaks of."""

from typing import Final

from proxy.terms import ErrorCode

from .words import hint

_E: Final = ErrorCode

# On the message in lower case; the order is from the more particular to the more general.
TEXT_HINTS: Final = (
    hint(
        _E.IDEMPOTENCY_KEY_IN_USE,
        "being processed|in progress|completed yet|idempot",
        r"(?:still |already |currently )being processed|request in progress",
        r"not been completed yet|idempot\w+ key\W+in use",
    ),
    hint(
        _E.IDEMPOTENCY_KEY_MISSING,
        "idempotency",
        r"idempotency.key.{0,20}(?:null|missing|required|empty)|missing.{0,20}idempotency",
    ),
    hint(
        _E.RATE_LIMITED,
        "limit|too many|spike|quota",
        r"rate.?limit|too many requests|spike arrest|quota (?:exceeded|violation)",
    ),
    hint(
        _E.DUPLICATE_TRANSACTION,
        "duplicate|already",
        r"duplicate (?:\w+ )?(?:transaction|reference|order|payment|invoice)",
        r"(?:order|invoice|reference|transaction)(?: id)? (?:is |was |has )?(?:a )?"
        r"(?:duplicate|already)",
    ),
    hint(
        _E.UNAUTHORIZED_REQUEST,
        "key|token|credentials|authentication",
        r"(?:invalid|wrong|bad) (?:api|secret|access|merchant|auth\w*) (?:key|token)",
        r"(?:invalid|wrong|bad) credentials|authentication failed",
        r"(?:api|secret|access|merchant|server|client) (?:secret )?(?:key|token) "
        r"(?:provided )?(?:is )?(?:required|missing|invalid|expired)",
    ),
    hint(_E.INSUFFICIENT_BALANCE, "balance", r"insufficient balance"),
    hint(_E.INSUFFICIENT_FUNDS, "funds", r"insufficient (?:\w+ )?funds|not sufficient funds"),
    hint(
        _E.ACCOUNT_DISABLED,
        "account",
        r"account (?:is |has been |was )?(?:disabled|deactivated|suspended|blocked)",
    ),
    hint(_E.EXPIRED_CARD, "expired", r"card (?:has |is )?expired|expired card"),
    hint(
        _E.INVALID_CARD_NUMBER,
        "number",
        r"(?:invalid|incorrect) (?:credit )?card number",
        r"card number is (?:invalid|incorrect)",
    ),
    hint(
        _E.PAYMENT_DECLINED,
        "declined|honor|honour|credit limit|otp",
        r"(?:card|payment|transaction) (?:was |is |has been )?declined|do not honou?r",
        r"credit limit|(?:incorrect|invalid|wrong) otp",
    ),
    hint(
        _E.FORBIDDEN,
        "activated|enabled|permitted",
        r"not (?:been )?(?:activated|enabled|permitted)",
    ),
    hint(
        _E.RESOURCE_NOT_FOUND,
        "found|exist|no such|find",
        r"not found|does not exist|doesn.t exist|no such |cannot be found",
        r"could not (?:be found|find)",
    ),
    hint(
        _E.MALFORMED_REQUEST,
        "malformed|json|unexpected",
        r"malformed|invalid json|unexpected (?:input|token|end)|not valid json",
    ),
    hint(
        _E.INVALID_AMOUNT, "amount", r"(?:in)?valid amount|amount (?:is )?(?:invalid|exceed|too )"
    ),
    hint(_E.MISSING_REQUIRED_FIELD, "required|missing", r"required|missing"),
    hint(_E.GATEWAY_TIMEOUT, "time", r"time(?:d)?[ -]?out"),
    hint(
        _E.SERVICE_UNAVAILABLE,
        "temporarily|not currently",
        r"temporarily (?:unavailable|not available)|not currently responding",
    ),
)
