"""The closed lists of `error_code` and `error_type`, and the HTTP status of each code.

Source: contract section 4. Programs branch on these words: nothing is ever removed or renamed.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class ErrorType(StrEnum):
    """The category of an error code."""

    VALIDATION = "validation"
    UNAUTHORIZED = "unauthorized"
    PERMISSION = "permission"
    NOT_FOUND = "not_found"
    CONFLICT = "conflict"
    CONCURRENCY = "concurrency"
    RATE_LIMIT = "rate_limit"
    DECLINED = "declined"
    TIMEOUT = "timeout"
    UNAVAILABLE = "unavailable"
    INTERNAL_ERROR = "internal_error"


class ErrorCode(StrEnum):
    """What happened. `CODES` gives each its category and its HTTP status."""

    INVALID_REQUEST = "invalid_request"
    MALFORMED_REQUEST = "malformed_request"
    MISSING_REQUIRED_FIELD = "missing_required_field"
    INVALID_FIELD_VALUE = "invalid_field_value"
    INVALID_AMOUNT = "invalid_amount"
    IDEMPOTENCY_KEY_MISSING = "idempotency_key_missing"
    METHOD_NOT_ALLOWED = "method_not_allowed"
    REQUEST_TOO_LARGE = "request_too_large"
    NOT_SUPPORTED = "not_supported"
    UNAUTHORIZED_REQUEST = "unauthorized_request"
    FORBIDDEN = "forbidden"
    ACCOUNT_DISABLED = "account_disabled"
    INSUFFICIENT_BALANCE = "insufficient_balance"
    RESOURCE_NOT_FOUND = "resource_not_found"
    RESOURCE_GONE = "resource_gone"
    CONFLICT = "conflict"
    INVALID_STATE = "invalid_state"
    DUPLICATE_TRANSACTION = "duplicate_transaction"
    ALREADY_PROCESSED = "already_processed"
    IDEMPOTENCY_KEY_REUSED = "idempotency_key_reused"
    RESOURCE_LOCKED = "resource_locked"
    IDEMPOTENCY_KEY_IN_USE = "idempotency_key_in_use"
    OUTCOME_PENDING = "outcome_pending"
    RATE_LIMITED = "rate_limited"
    PAYMENT_DECLINED = "payment_declined"
    INSUFFICIENT_FUNDS = "insufficient_funds"
    EXPIRED_CARD = "expired_card"
    INCORRECT_CVC = "incorrect_cvc"
    INVALID_CARD_NUMBER = "invalid_card_number"
    FRAUD_SUSPECTED = "fraud_suspected"
    AUTHENTICATION_REQUIRED = "authentication_required"
    REQUEST_TIMEOUT = "request_timeout"
    GATEWAY_TIMEOUT = "gateway_timeout"
    SERVICE_UNAVAILABLE = "service_unavailable"
    BAD_GATEWAY = "bad_gateway"
    CONNECTION_FAILED = "connection_failed"
    CIRCUIT_OPEN = "circuit_open"
    OVERLOADED = "overloaded"
    PAUSED = "paused"
    TOO_EARLY = "too_early"
    INTERNAL_SERVER_ERROR = "internal_server_error"
    MALFORMED_RESPONSE = "malformed_response"
    UNKNOWN_ERROR = "unknown_error"

    @property
    def type(self) -> ErrorType:
        """The category this code belongs to."""
        return CODES[self][0]

    @property
    def status(self) -> int:
        """The HTTP status that an answer with this code carries."""
        return CODES[self][1]


CODES: Final[Mapping[ErrorCode, tuple[ErrorType, int]]] = MappingProxyType(
    {
        ErrorCode.INVALID_REQUEST: (ErrorType.VALIDATION, 400),
        ErrorCode.MALFORMED_REQUEST: (ErrorType.VALIDATION, 400),
        ErrorCode.MISSING_REQUIRED_FIELD: (ErrorType.VALIDATION, 400),
        ErrorCode.INVALID_FIELD_VALUE: (ErrorType.VALIDATION, 400),
        ErrorCode.INVALID_AMOUNT: (ErrorType.VALIDATION, 400),
        ErrorCode.IDEMPOTENCY_KEY_MISSING: (ErrorType.VALIDATION, 400),
        ErrorCode.METHOD_NOT_ALLOWED: (ErrorType.VALIDATION, 405),
        ErrorCode.REQUEST_TOO_LARGE: (ErrorType.VALIDATION, 413),
        ErrorCode.NOT_SUPPORTED: (ErrorType.VALIDATION, 501),
        ErrorCode.UNAUTHORIZED_REQUEST: (ErrorType.UNAUTHORIZED, 401),
        ErrorCode.FORBIDDEN: (ErrorType.PERMISSION, 403),
        ErrorCode.ACCOUNT_DISABLED: (ErrorType.PERMISSION, 403),
        ErrorCode.INSUFFICIENT_BALANCE: (ErrorType.PERMISSION, 403),
        ErrorCode.RESOURCE_NOT_FOUND: (ErrorType.NOT_FOUND, 404),
        ErrorCode.RESOURCE_GONE: (ErrorType.NOT_FOUND, 410),
        ErrorCode.CONFLICT: (ErrorType.CONFLICT, 409),
        ErrorCode.INVALID_STATE: (ErrorType.CONFLICT, 409),
        ErrorCode.DUPLICATE_TRANSACTION: (ErrorType.CONFLICT, 409),
        ErrorCode.ALREADY_PROCESSED: (ErrorType.CONFLICT, 409),
        ErrorCode.IDEMPOTENCY_KEY_REUSED: (ErrorType.CONFLICT, 422),
        ErrorCode.RESOURCE_LOCKED: (ErrorType.CONCURRENCY, 423),
        ErrorCode.IDEMPOTENCY_KEY_IN_USE: (ErrorType.CONCURRENCY, 409),
        ErrorCode.OUTCOME_PENDING: (ErrorType.CONCURRENCY, 409),
        ErrorCode.RATE_LIMITED: (ErrorType.RATE_LIMIT, 429),
        ErrorCode.PAYMENT_DECLINED: (ErrorType.DECLINED, 402),
        ErrorCode.INSUFFICIENT_FUNDS: (ErrorType.DECLINED, 402),
        ErrorCode.EXPIRED_CARD: (ErrorType.DECLINED, 402),
        ErrorCode.INCORRECT_CVC: (ErrorType.DECLINED, 402),
        ErrorCode.INVALID_CARD_NUMBER: (ErrorType.DECLINED, 402),
        ErrorCode.FRAUD_SUSPECTED: (ErrorType.DECLINED, 402),
        ErrorCode.AUTHENTICATION_REQUIRED: (ErrorType.DECLINED, 402),
        ErrorCode.REQUEST_TIMEOUT: (ErrorType.TIMEOUT, 408),
        ErrorCode.GATEWAY_TIMEOUT: (ErrorType.TIMEOUT, 504),
        ErrorCode.SERVICE_UNAVAILABLE: (ErrorType.UNAVAILABLE, 503),
        ErrorCode.BAD_GATEWAY: (ErrorType.UNAVAILABLE, 502),
        ErrorCode.CONNECTION_FAILED: (ErrorType.UNAVAILABLE, 502),
        ErrorCode.CIRCUIT_OPEN: (ErrorType.UNAVAILABLE, 503),
        ErrorCode.OVERLOADED: (ErrorType.UNAVAILABLE, 503),
        ErrorCode.PAUSED: (ErrorType.UNAVAILABLE, 503),
        ErrorCode.TOO_EARLY: (ErrorType.UNAVAILABLE, 425),
        ErrorCode.INTERNAL_SERVER_ERROR: (ErrorType.INTERNAL_ERROR, 500),
        ErrorCode.MALFORMED_RESPONSE: (ErrorType.INTERNAL_ERROR, 502),
        ErrorCode.UNKNOWN_ERROR: (ErrorType.INTERNAL_ERROR, 502),
    }
)
