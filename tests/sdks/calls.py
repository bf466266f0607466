"""Vendors' SDKs as an application has them: pointed at an address, and asked for one payment.

Each gives what the SDK calls the result, where it tells of a decline without an exception. What
an SDK does by itself (keys, repeats) is left as it is delivered, or switched on.
"""

import json
from collections.abc import Callable, Mapping
from functools import partial
from importlib import import_module
from typing import Any

AMOUNT = {"currency": "EUR", "value": "10.00"}


def pay_stripe(url: str) -> str:
    client = import_module("stripe").StripeClient(
        "sk_test_1", base_addresses={"api": url}, max_network_retries=2
    )
    return str(client.v1.payment_intents.create({"amount": 1000, "currency": "eur"}).status)


def pay_adyen(url: str) -> str:
    client = import_module("Adyen").Adyen(xapikey="key", platform="test")
    payments = client.checkout.payments_api
    payments.baseUrl = f"{url}/v72"
    request = {"merchantAccount": "acme", "reference": "order-1", "amount": AMOUNT}
    return str(payments.payments(request, idempotency_key="order-1").message["resultCode"])


def pay_square(url: str) -> str:
    client = import_module("square").Square(token="token", base_url=url)
    amount = {"amount": 1000, "currency": "EUR"}
    paid = client.payments.create(
        source_id="cnon:card-nonce-ok", idempotency_key="order-1", amount_money=amount
    )
    return str(paid.payment.status)


def refund_square(url: str, **options: Any) -> str:
    client = import_module("square").Square(token="token", base_url=url)
    amount = {"amount": 1000, "currency": "EUR"}
    refunded = client.refunds.refund_payment(
        idempotency_key="order-1", amount_money=amount, payment_id="p1", **options
    )
    return str(refunded.refund.status)


def pay_mollie(url: str) -> str:
    client = import_module("mollie.api.client").Client(api_endpoint=url)
    client.set_api_key("test_abcdefghijklmnopqrstuvwxyz1234")
    return str(client.payments.create({"amount": AMOUNT, "description": "order-1"}).status)


def pay_gocardless(url: str) -> str:
    client = import_module("gocardless_pro").Client(access_token="token", base_url=url)
    params = {"amount": 1000, "currency": "EUR", "links": {"mandate": "MD123"}}
    return str(client.payments.create(params=params).status)


def pay_razorpay(url: str) -> str:
    client = import_module("razorpay").Client(auth=("id", "secret"), base_url=url)
    client.enable_retry(True)  # noqa: FBT003 - as its README has it
    order = {"amount": 1000, "currency": "INR", "order_id": "order_1", "recurring": "1"}
    return str(client.payment.createRecurring(order))


def pay_braintree(url: str) -> str:
    sdk = import_module("braintree")
    port = url.rpartition(":")[2]
    local = sdk.Environment("local", "127.0.0.1", port, url, False, None)  # noqa: FBT003
    keys = {"merchant_id": "acme", "public_key": "public", "private_key": "private"}
    gateway = sdk.BraintreeGateway(sdk.Configuration(local, **keys))
    sale = gateway.transaction.sale({"amount": "10.00", "payment_method_nonce": "nonce"})
    return f"{type(sale).__name__}: {sale.message}"


def pay_plaid(url: str) -> str:
    sdk = import_module("plaid")
    keys = {"clientId": "id", "secret": "secret"}
    request = {
        "access_token": "access-sandbox-1",
        "account_id": "account",
        "type": "debit",
        "network": "ach",
        "ach_class": "ppd",
        "amount": "10.00",
        "user": {"legal_name": "A. Payer"},
        "idempotency_key": "order-1",
    }
    model = import_module("plaid.model.transfer_authorization_create_request")
    typed = model.TransferAuthorizationCreateRequest(**request, _check_type=False)
    with sdk.ApiClient(sdk.Configuration(host=url, api_key=keys)) as client:
        api = import_module("plaid.api.plaid_api").PlaidApi(client)
        asked = api.transfer_authorization_create(typed)
    return str(asked.authorization.decision)


def pay_checkout(url: str) -> str:
    places = import_module("checkout_sdk.environment").Environment(
        *[f"{url}/"] * 7, is_sandbox=True
    )
    builder = import_module("checkout_sdk.checkout_sdk").CheckoutSdk.builder()
    builder = builder.secret_key("sk_sbox_m73dzbpy7cf3gfd46xr4yj5xo4e")
    client = builder.environment(places).use_legacy_domain().build()
    paid = client.payments.request_payment({"amount": 1000, "currency": "EUR"}, "order-1")
    return f"approved: {paid.approved}"


CALLS: Mapping[str, Callable[[str], str]] = {
    "stripe": pay_stripe,
    "adyen": pay_adyen,
    "square": pay_square,
    "square_refund": refund_square,
    "square_refund_once": partial(refund_square, request_options={"max_retries": 0}),
    "mollie": pay_mollie,
    "gocardless": pay_gocardless,
    "razorpay": pay_razorpay,
    "braintree": pay_braintree,
    "plaid": pay_plaid,
    "checkout": pay_checkout,
}


def read_square(error: Any) -> str:
    return f"{error.errors[0].category} {error.errors[0].code}"


# The word, or the text, that the SDK hands on with its exception.
WORDS: Mapping[str, Callable[[Any], Any]] = {
    "stripe": lambda error: error.error.code,
    "adyen": lambda error: error.error_code,
    "square": read_square,
    "square_refund": read_square,
    "square_refund_once": read_square,
    "gocardless": lambda error: error.errors[0]["reason"],
    "plaid": lambda error: json.loads(error.body)["error_code"],
    "checkout": lambda error: error.error_details[0],
}


def tell(sdk: str, url: str) -> str:
    """Give what the application is told: the exception's package and class, and its word."""
    try:
        return CALLS[sdk](url)
    except Exception as error:  # noqa: BLE001 - which one it is, is the question
        return describe(error, WORDS.get(sdk, str))


def describe(error: Exception, word: Callable[[Any], Any]) -> str:
    logged = str(error)  # as every application does: it must not raise another one
    package = type(error).__module__.partition(".")[0]
    return f"{package}.{type(error).__name__}: {word(error) if word is not str else logged}"
