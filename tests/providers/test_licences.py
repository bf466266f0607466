"""What looked like a read, or like a call with a key, and may pay: each was found by a reviewer."""

import pytest

from proxy.app.profiles import load_profile
from proxy.ledger import IdempotencySettings, key_rule
from proxy.route import ProviderRoutes, Router, parse_rules
from proxy.terms import Effect, Kind, Refused, RouteEffect
from tests.support.judging import Classifier, judge


def matched(name: str, method: str, path: str) -> tuple[str, RouteEffect]:
    operations = parse_rules(load_profile(name).routes)
    found = Router([ProviderRoutes(name=name, mount=b"/", operations=operations)]).match(
        method, path.encode()
    )
    assert not isinstance(found, Refused)
    return found.operation, found.effect


@pytest.mark.parametrize(
    ("name", "path"),
    [
        ("paypal", "/nvp?METHOD=DoExpressCheckoutPayment"),
        ("paypal", "/nvp/?METHOD=DoExpressCheckoutPayment"),
        ("nmi", "/api/transact.php?type=sale"),
        ("worldpay", "/process.cgi?action=ns_quicksale_cc"),
        ("payu", "/merchant/postservice?command=cancel_refund_transaction"),
        ("payu", "/merchant/postservice.php?command=cancel_refund_transaction"),
    ],
)
def test_a_get_that_may_pay_is_no_read(name: str, path: str) -> None:
    _, effect = matched(name, "GET", path)
    assert effect is RouteEffect.PAYMENT


@pytest.mark.parametrize("depth", range(1, 11))
@pytest.mark.parametrize("end", ["", "/"])
def test_no_path_of_stripes_v2_has_the_keys_of_v1(depth: int, end: str) -> None:
    operation, _ = matched("stripe", "POST", "/v2" + "/x" * depth + end)
    rule = key_rule(IdempotencySettings(), load_profile("stripe"), operation, "POST")
    assert operation == "call_v2"
    assert rule is None or not rule.covers_failures


def test_a_429_of_checkout_to_a_call_with_a_key_may_be_about_one_under_way() -> None:
    checkout = Classifier(load_profile("checkout"))
    pays = judge(429, by=checkout, operation="create_payment")
    assert (pays.kind, pays.effect) == (Kind.IN_PROGRESS, Effect.UNKNOWN)
    reads = judge(429, by=checkout, operation="get_payment", method="GET")
    assert (reads.kind, reads.effect) == (Kind.THROTTLED, Effect.NONE)
