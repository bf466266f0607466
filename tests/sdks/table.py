"""What providers say of a payment, and what their SDKs are to make of it."""

from collections.abc import Mapping

from tests.sdks.situations import Situation, Spoken, said
from tests.support.raw import answer

DECLINED, THROTTLED, PAGE, CIRCUIT, LOST = Situation
GATEWAY = "The connection to the provider ended before an answer came."
LEFT_ALONE = "The provider keeps failing and is left alone for a while."

# The SDK, by the package that has to be installed; the profile is of the same name, or follows.
MODULES: Mapping[str, str] = {
    "stripe": "stripe",
    "adyen": "Adyen",
    "square": "square",
    "square_refund": "square",
    "square_refund_once": "square",
    "mollie": "mollie",
    "gocardless": "gocardless_pro",
    "razorpay": "razorpay",
    "braintree": "braintree",
    "plaid": "plaid",
    "checkout": "checkout_sdk",
}
PROFILES: Mapping[str, str] = {
    "stripe_node": "stripe",
    "square_refund": "square",
    "square_refund_once": "square",
    "paypal_server": "paypal",
}

_SQUARE_THROTTLED = said(429, {"errors": [{"category": "RATE_LIMIT_ERROR", "code": "RATE_LIMITED",
                                           "detail": "Too many requests."}]})  # fmt: skip
_STRIPE = Spoken(
    said(402, {"error": {"type": "card_error", "code": "card_declined", "message": "Declined.",
                         "decline_code": "generic_decline", "charge": "ch_1"}}),
    said(429, {"error": {"type": "invalid_request_error", "code": "rate_limit",
                         "message": "Request rate limit exceeded."}}),
)  # fmt: skip
SPOKEN: Mapping[str, Spoken] = {
    "stripe": _STRIPE,
    "stripe_node": _STRIPE,
    "adyen": Spoken(
        said(200, {"pspReference": "881", "resultCode": "Refused", "refusalReasonCode": "2",
                   "refusalReason": "Refused", "merchantReference": "order-1"}),
        said(429, {"status": 429, "errorCode": "00_429", "message": "Too many requests",
                   "errorType": "validation"}),
    ),
    "square": Spoken(
        said(402, {"errors": [{"category": "PAYMENT_METHOD_ERROR", "code": "GENERIC_DECLINE",
                               "detail": "Authorization error: 'GENERIC_DECLINE'"}]}),
        _SQUARE_THROTTLED,
    ),
    "square_refund": Spoken(
        said(400, {"errors": [{"category": "REFUND_ERROR", "code": "REFUND_DECLINED",
                               "detail": "The refund is declined."}]}),
        _SQUARE_THROTTLED,
    ),
    "mollie": Spoken(
        said(422, {"status": 422, "title": "Unprocessable Entity", "detail": "The card is refused",
                   "field": "cardToken"}, "application/hal+json"),
        said(429, {"status": 429, "title": "Too Many Requests", "detail": "Please slow down"},
             "application/hal+json"),
    ),
    "gocardless": Spoken(
        said(422, {"error": {"type": "invalid_state", "code": 422, "message": "Mandate is failed",
                             "errors": [{"reason": "mandate_is_inactive",
                                         "message": "Mandate is failed"}]}}),
        said(429, {"error": {"type": "invalid_api_usage", "code": 429, "message": "Rate limit",
                             "errors": [{"reason": "rate_limit_exceeded",
                                         "message": "Rate limit exceeded"}]}}),
    ),
    "razorpay": Spoken(
        said(400, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Insufficient balance",
                             "source": "customer", "step": "payment_authorization",
                             "reason": "payment_failed", "metadata": {}}}),
        said(429, {"error": {"code": "BAD_REQUEST_ERROR", "description": "Too many requests"}}),
    ),
    "braintree": Spoken(
        said(422, b'<?xml version="1.0" encoding="UTF-8"?>\n<api-error-response>'
             b'<errors><errors type="array"/></errors><message>Insufficient Funds</message>'
             b"<transaction><id>abc</id><type>sale</type><amount>10.00</amount>"
            b"<status>processor_declined</status>"
             b"<processor-response-code>2001</processor-response-code></transaction>"
             b"</api-error-response>", "application/xml; charset=utf-8"),
        answer(429, b""),
    ),
    "plaid": Spoken(
        said(400, {"error_type": "TRANSFER_ERROR", "error_code": "TRANSFER_LIMIT_REACHED",
                   "error_message": "over the limit", "display_message": None,
                   "request_id": "r1"}),
        said(429, {"error_type": "RATE_LIMIT_EXCEEDED", "error_code": "TRANSFER_LIMIT",
                   "error_message": "rate limit exceeded", "display_message": None,
                   "request_id": "r2"}),
    ),
    "checkout": Spoken(
        said(201, {"id": "pay_1", "approved": False, "status": "Declined",
                   "response_code": "20005", "response_summary": "Do not honour"}),
        answer(429, b""),
    ),
    "paypal_server": Spoken(
        said(422, {"name": "UNPROCESSABLE_ENTITY", "message": "Could not be performed.",
                   "debug_id": "d1", "details": [{"issue": "INSTRUMENT_DECLINED",
                                                  "description": "Declined by the bank."}]}),
        said(429, {"name": "RATE_LIMIT_REACHED", "message": "Too many requests.",
                   "debug_id": "d2", "details": [{"issue": "RATE_LIMIT_REACHED"}]}),
    ),
}  # fmt: skip

SEES: Mapping[str, Mapping[Situation, str]] = {
    "stripe": {
        DECLINED: "stripe.CardError: card_declined",
        THROTTLED: "stripe.RateLimitError: rate_limit",
        PAGE: "stripe.APIError: bad_gateway",
        CIRCUIT: "stripe.APIError: circuit_open",
        LOST: "stripe.APIError: bad_gateway",
    },
    "stripe_node": {
        DECLINED: "stripe.StripeCardError: card_declined",
        THROTTLED: "stripe.StripeRateLimitError: rate_limit",
        PAGE: "stripe.StripeAPIError: bad_gateway",
        CIRCUIT: "stripe.StripeAPIError: circuit_open",
        LOST: "stripe.StripeAPIError: bad_gateway",
    },
    "adyen": {  # a refusal is a result of its API; 502 and 503 have no class of their own
        DECLINED: "Refused",
        THROTTLED: "Adyen.AdyenAPIResponseError: 00_429",
        PAGE: "Adyen.AdyenAPIResponseError: bad_gateway",
        CIRCUIT: "Adyen.AdyenAPIResponseError: circuit_open",
        LOST: "Adyen.AdyenAPIResponseError: bad_gateway",
    },
    "adyen_node": {
        DECLINED: "Refused",
        THROTTLED: "adyen.HttpClientException: 00_429",
        PAGE: "adyen.HttpClientException: bad_gateway",
        CIRCUIT: "adyen.HttpClientException: circuit_open",
        LOST: "adyen.HttpClientException: bad_gateway",
    },
    "square_refund": {
        DECLINED: "square.ApiError: REFUND_ERROR REFUND_DECLINED",
        THROTTLED: "square.ApiError: RATE_LIMIT_ERROR RATE_LIMITED",
        PAGE: "square.ApiError: API_ERROR bad_gateway",
        CIRCUIT: "square.ApiError: API_ERROR circuit_open",
        LOST: "square.ApiError: API_ERROR bad_gateway",
    },
    "square": {
        DECLINED: "square.ApiError: PAYMENT_METHOD_ERROR GENERIC_DECLINE",
        THROTTLED: "square.ApiError: RATE_LIMIT_ERROR RATE_LIMITED",
        PAGE: "square.ApiError: API_ERROR bad_gateway",
        CIRCUIT: "square.ApiError: API_ERROR circuit_open",
        LOST: "square.ApiError: API_ERROR bad_gateway",
    },
    "mollie": {
        DECLINED: "mollie.UnprocessableEntityError: The card is refused",
        THROTTLED: "mollie.ResponseError: Please slow down",
        PAGE: "mollie.ResponseError: 502 Bad Gateway: nginx",
        CIRCUIT: f"mollie.ResponseError: {LEFT_ALONE}",
        LOST: f"mollie.ResponseError: {GATEWAY}",
    },
    "gocardless": {
        DECLINED: "gocardless_pro.InvalidStateError: mandate_is_inactive",
        THROTTLED: "gocardless_pro.RateLimitError: rate_limit_exceeded",
        PAGE: "gocardless_pro.GoCardlessInternalError: bad_gateway",
        CIRCUIT: "gocardless_pro.GoCardlessInternalError: circuit_open",
        LOST: "gocardless_pro.GoCardlessInternalError: bad_gateway",
    },
    "razorpay": {
        DECLINED: "razorpay.BadRequestError: Insufficient balance",
        THROTTLED: "razorpay.BadRequestError: Too many requests",
        PAGE: "razorpay.ServerError: 502 Bad Gateway: nginx",
        CIRCUIT: f"razorpay.ServerError: {LEFT_ALONE}",
        LOST: f"razorpay.ServerError: {GATEWAY}",
    },
    "braintree": {  # a decline is a result; 502 has no class of its own
        DECLINED: "ErrorResult: Insufficient Funds",
        THROTTLED: "braintree.TooManyRequestsError: ",
        PAGE: "braintree.UnexpectedError: Unexpected HTTP_RESPONSE 502",
        CIRCUIT: "braintree.ServiceUnavailableError: ",
        LOST: "braintree.UnexpectedError: Unexpected HTTP_RESPONSE 502",
    },
    "plaid": {
        DECLINED: "plaid.ApiException: TRANSFER_LIMIT_REACHED",
        THROTTLED: "plaid.ApiException: TRANSFER_LIMIT",
        PAGE: "plaid.ServiceException: bad_gateway",
        CIRCUIT: "plaid.ServiceException: circuit_open",
        LOST: "plaid.ServiceException: bad_gateway",
    },
    "checkout": {  # a decline is a result
        DECLINED: "approved: False",
        THROTTLED: "checkout_sdk.CheckoutApiException: rate_limited",
        PAGE: "checkout_sdk.CheckoutApiException: bad_gateway",
        CIRCUIT: "checkout_sdk.CheckoutApiException: circuit_open",
        LOST: "checkout_sdk.CheckoutApiException: bad_gateway",
    },
    "paypal_server": {
        DECLINED: "paypal.ErrorException: UNPROCESSABLE_ENTITY INSTRUMENT_DECLINED",
        THROTTLED: "paypal.ErrorException: RATE_LIMIT_REACHED RATE_LIMIT_REACHED",
        PAGE: "paypal.ErrorException: INTERNAL_SERVER_ERROR bad_gateway",
        CIRCUIT: "paypal.ErrorException: INTERNAL_SERVER_ERROR circuit_open",
        LOST: "paypal.ErrorException: INTERNAL_SERVER_ERROR bad_gateway",
    },
}

# What SDKs send again by themselves: the same payment, under the key of the first.
REPEATS: Mapping[str, frozenset[Situation]] = {
    "stripe": frozenset({PAGE, LOST}),
    "stripe_node": frozenset({PAGE, LOST}),
    "square": frozenset({THROTTLED, PAGE, LOST}),
    # Nobody says what a failure leaves under its key, and no field of Square's stops its SDK.
    "square_refund": frozenset({THROTTLED, PAGE, LOST}),
}

# The class by the status of an error of ours; `None`: for all others.
RAISES: Mapping[str, Mapping[int | None, str]] = {
    "stripe": {
        400: "stripe.InvalidRequestError",
        401: "stripe.AuthenticationError",
        402: "stripe.CardError",
        403: "stripe.PermissionError",
        404: "stripe.InvalidRequestError",
        429: "stripe.RateLimitError",
        None: "stripe.APIError",
    },
    "stripe_node": {
        400: "stripe.StripeInvalidRequestError",
        401: "stripe.StripeAuthenticationError",
        402: "stripe.StripeCardError",
        403: "stripe.StripePermissionError",
        404: "stripe.StripeInvalidRequestError",
        429: "stripe.StripeRateLimitError",
        None: "stripe.StripeAPIError",
    },
    "adyen": {
        400: "Adyen.AdyenAPIValidationError",
        401: "Adyen.AdyenAPIAuthenticationError",
        403: "Adyen.AdyenAPIInvalidPermission",
        404: "Adyen.AdyenAPICommunicationError",
        422: "Adyen.AdyenAPIUnprocessableEntity",
        500: "Adyen.AdyenAPICommunicationError",
        None: "Adyen.AdyenAPIResponseError",
    },
    "square_refund_once": {None: "square.ApiError"},
    "mollie": {
        400: "mollie.BadRequestError",
        401: "mollie.UnauthorizedError",
        404: "mollie.NotFoundError",
        409: "mollie.ConflictError",
        422: "mollie.UnprocessableEntityError",
        None: "mollie.ResponseError",
    },
    "gocardless": {
        **dict.fromkeys((400, 405, 413, 501), "gocardless_pro.ValidationFailedError"),
        401: "gocardless_pro.AuthenticationError",
        403: "gocardless_pro.PermissionsError",
        **dict.fromkeys((404, 410), "gocardless_pro.InvalidApiUsageError"),
        **dict.fromkeys((402, 409, 422, 423), "gocardless_pro.InvalidStateError"),
        429: "gocardless_pro.RateLimitError",
        None: "gocardless_pro.GoCardlessInternalError",
    },
    "razorpay": {
        402: "razorpay.GatewayError",
        **dict.fromkeys((408, 425, 500, 502, 503, 504), "razorpay.ServerError"),
        None: "razorpay.BadRequestError",
    },
    "braintree": {
        401: "braintree.AuthenticationError",
        403: "braintree.AuthorizationError",
        404: "braintree.NotFoundError",
        408: "braintree.RequestTimeoutError",
        422: "ErrorResult",
        429: "braintree.TooManyRequestsError",
        500: "braintree.ServerError",
        503: "braintree.ServiceUnavailableError",
        504: "braintree.GatewayTimeoutError",
        None: "braintree.UnexpectedError",
    },
    "plaid": {
        401: "plaid.UnauthorizedException",
        403: "plaid.ForbiddenException",
        404: "plaid.NotFoundException",
        **dict.fromkeys((500, 501, 502, 503, 504), "plaid.ServiceException"),
        None: "plaid.ApiException",
    },
    "checkout": {None: "checkout_sdk.CheckoutApiException"},
    "paypal_server": {None: "paypal.ErrorException"},
}
