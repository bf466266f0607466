"""What a profile may say of a provider beside its answers."""

from typing import Any

import pytest

from proxy.providers import ProfileError, load, names, parse

HEAD = """
version: 1
name: acme
title: Acme
sources: {docs: https://docs.acme.example}
routes: [{name: pay, match: POST /pay, effect: payment, grade: assumed, evidence: docs}]
"""
CLAIM = "grade: documented, evidence: docs"
LOOKUP = (
    "operations: pay, target: '/pay?reference={reference}', records: data, reference: ref, "
    "amount: amount, currency: currency, status: state, succeeded: [paid], declined: [refused]"
)

EVENTS = (
    "operations: pay, id: id, records: data, reference: ref, amount: amount, currency: currency, "
    "created: at, status: state, succeeded: [paid], declined: [refused]"
)


def profile(block: str) -> Any:
    return parse(f"{HEAD}{block}\n", name="acme")


def test_a_profile_tells_of_keys_limits_lookups_and_webhooks() -> None:
    acme = profile(
        "idempotency:\n"
        f"  - {{place: header, name: Pay-Key, operations: pay, {CLAIM}}}\n"
        f"  - {{place: body, name: key, methods: [POST, PATCH], {CLAIM}}}\n"
        f"stop: {{header: Acme-Retry, value: 'no', {CLAIM}}}\n"
        f"rate_limit: {{remaining: Left, reset: Reset, reset_as: epoch, {CLAIM}}}\n"
        f"payments: [{{operations: pay, id: id, amount: amount, amount_in: major, {CLAIM}}}]\n"
        f"lookups: [{{{LOOKUP}, {CLAIM}}}]\n"
        f"webhook: {{header: Sig, algorithm: hmac_sha256, encoding: hex, signed: body, {CLAIM}}}\n"
        f"events: {{{EVENTS}, {CLAIM}}}"
    )
    assert acme.idempotency_of("pay", "POST").name == "Pay-Key"
    assert acme.idempotency_of("", "PATCH").name == "key"
    assert acme.idempotency_of("", "PUT") is None
    assert (acme.stop.header, acme.rate_limit.reset_as) == ("Acme-Retry", "epoch")
    assert acme.payments[0].amount_in == "major"
    assert acme.lookups[0].succeeded == ("paid",)
    assert acme.webhook.signed == "body"
    assert (acme.events.id, acme.events.created) == (("id",), ("at",))
    assert len(acme.claims()) == 9


@pytest.mark.parametrize(
    ("block", "fault"),
    [
        (
            "lookups: [{" + LOOKUP.replace("[refused]", "[PAID]") + ", " + CLAIM + "}]",
            "paid cannot be both `succeeded` and `declined`",
        ),
        (f"lookups: [{{{LOOKUP.replace('{reference}', 'x')}, {CLAIM}}}]", "lookups.0.target"),
        (
            "events: {" + EVENTS.replace("[refused]", "[PAID]") + ", " + CLAIM + "}",
            "paid cannot be both `succeeded` and `declined`",
        ),
        *(
            (f"events: {{{EVENTS.replace(member, '')}, {CLAIM}}}", f"events.{name}: ")
            for name, member in (
                ("operations", "operations: pay, "),
                ("id", "id: id, "),
                ("created", "created: at, "),
                ("succeeded", "succeeded: [paid], "),
            )
        ),
        (f"payments: [{{operations: nope, {CLAIM}}}]", "no route is called 'nope'"),
        (f"stop: {{header: a b, value: x, {CLAIM}}}", "stop.header"),
        (f"native_errors: {{body: {{a: '{{b}}'}}, {CLAIM}}}", "{b} is no place"),
    ],
    ids=[
        "both",
        "no_reference",
        "both_in_events",
        "no_operations",
        "no_id",
        "no_created",
        "no_succeeded",
        "no_route",
        "no_header",
        "no_place",
    ],
)
def test_what_cannot_be_is_a_fault(block: str, fault: str) -> None:
    with pytest.raises(ProfileError) as caught:
        profile(block)
    assert fault in str(caught.value)


@pytest.mark.parametrize("name", [name for name in names() if load(name).events is not None])
def test_bundled_events_are_signed_documented_and_of_payments_that_have_a_reference(
    name: str,
) -> None:
    known = load(name)
    assert known.events is not None
    assert known.webhook is not None
    assert known.events.is_documented
    assert known.webhook.is_documented
    assert set(known.events.operations) <= {route.name for route in known.routes}
    told = {
        operation
        for members in known.payments
        if members.reference and members.amount and members.currency
        for operation in members.operations
    }
    assert set(known.events.operations) <= told
