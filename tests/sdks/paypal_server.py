"""PayPal's server SDK: one payment for each URL, and what it told of each. A process of its own.

It brings a package called `tests`, which would hide ours: so it is installed apart, too.
"""

import json
import sys

sys.path.insert(0, sys.argv[1])

from paypalserversdk.configuration import Configuration, Environment, Server
from paypalserversdk.exceptions.error_exception import ErrorException
from paypalserversdk.http.auth.o_auth_2 import ClientCredentialsAuthCredentials
from paypalserversdk.models.o_auth_token import OAuthToken
from paypalserversdk.paypal_serversdk_client import PaypalServersdkClient


def pay(url: str) -> str:
    Configuration.environments[Environment.SANDBOX][Server.DEFAULT] = url
    token = OAuthToken(access_token="token", token_type="Bearer", expires_in=3600, expiry=2**31)
    keys = ClientCredentialsAuthCredentials("id", "secret", token)
    client = PaypalServersdkClient(client_credentials_auth_credentials=keys, max_retries=2)
    try:
        made = client.orders.capture_order({"id": "5O1", "paypal_request_id": "order-1"})
    except ErrorException as error:
        return describe(error)
    return str(made.body.status)


def describe(error: ErrorException) -> str:
    assert str(error), "it can be logged"
    return f"paypal.{type(error).__name__}: {error.name} {error.details[0].issue}"


json.dump([pay(url) for url in sys.argv[2:]], sys.stdout)
