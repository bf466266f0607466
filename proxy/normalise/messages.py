"""What each error code says to people where nobody said more; RFC 9457 calls it the title."""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.terms import ErrorCode

MESSAGES: Final[Mapping[ErrorCode, str]] = MappingProxyType(
    {
        ErrorCode.INVALID_REQUEST: "The request is not valid.",
        ErrorCode.MALFORMED_REQUEST: "The request could not be understood.",
        ErrorCode.MISSING_REQUIRED_FIELD: "A required field is missing.",
        ErrorCode.INVALID_FIELD_VALUE: "A field has a value that is not allowed.",
        ErrorCode.INVALID_AMOUNT: "The amount is not valid.",
        ErrorCode.IDEMPOTENCY_KEY_MISSING: "The request needs an idempotency key.",
        ErrorCode.METHOD_NOT_ALLOWED: "The method is not allowed here.",
        ErrorCode.REQUEST_TOO_LARGE: "The request is too large.",
        ErrorCode.NOT_SUPPORTED: "The request asks for something that is not supported.",
        ErrorCode.UNAUTHORIZED_REQUEST: "The credentials are missing or not valid.",
        ErrorCode.FORBIDDEN: "The credentials do not permit this request.",
        ErrorCode.ACCOUNT_DISABLED: "The account with the provider is disabled.",
        ErrorCode.INSUFFICIENT_BALANCE: "The merchant's balance with the provider is too low.",
        ErrorCode.RESOURCE_NOT_FOUND: "The resource was not found.",
        ErrorCode.RESOURCE_GONE: "The resource is no longer there.",
        ErrorCode.CONFLICT: "The request conflicts with the state of the resource.",
        ErrorCode.INVALID_STATE: "The resource is in a state that does not allow this.",
        ErrorCode.DUPLICATE_TRANSACTION: "A transaction with this reference exists already.",
        ErrorCode.ALREADY_PROCESSED: "The request was processed before.",
        ErrorCode.IDEMPOTENCY_KEY_REUSED: "The idempotency key was used for another request.",
        ErrorCode.RESOURCE_LOCKED: "The resource is locked by another request.",
        ErrorCode.IDEMPOTENCY_KEY_IN_USE: "A request with this idempotency key is under way.",
        ErrorCode.OUTCOME_PENDING: (
            "An earlier request with this idempotency key has an unknown outcome."
        ),
        ErrorCode.RATE_LIMITED: "Too many requests were sent.",
        ErrorCode.PAYMENT_DECLINED: "The payment was declined.",
        ErrorCode.INSUFFICIENT_FUNDS: "The payment was declined: insufficient funds.",
        ErrorCode.EXPIRED_CARD: "The payment was declined: the card has expired.",
        ErrorCode.INCORRECT_CVC: "The payment was declined: the security code is wrong.",
        ErrorCode.INVALID_CARD_NUMBER: "The payment was declined: the card number is not valid.",
        ErrorCode.FRAUD_SUSPECTED: "The payment was declined: fraud is suspected.",
        ErrorCode.AUTHENTICATION_REQUIRED: "The payer has to authenticate this payment.",
        ErrorCode.REQUEST_TIMEOUT: "The request did not arrive in time.",
        ErrorCode.GATEWAY_TIMEOUT: "The provider did not answer in time.",
        ErrorCode.SERVICE_UNAVAILABLE: "The service is not available at the moment.",
        ErrorCode.BAD_GATEWAY: "The provider could not give a usable answer.",
        ErrorCode.CONNECTION_FAILED: "No connection to the provider could be made.",
        ErrorCode.CIRCUIT_OPEN: "The provider keeps failing and is left alone for a while.",
        ErrorCode.OVERLOADED: "Too many requests to the provider are under way.",
        ErrorCode.PAUSED: "Requests to the provider are paused by the operator.",
        ErrorCode.TOO_EARLY: "The request came too early to be processed safely.",
        ErrorCode.INTERNAL_SERVER_ERROR: "An internal error occurred.",
        ErrorCode.MALFORMED_RESPONSE: "The provider's answer could not be understood.",
        ErrorCode.UNKNOWN_ERROR: "The provider reported an error and said no more.",
    }
)
