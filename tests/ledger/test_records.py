"""What a provider says of a payment settles it only where there can be no doubt."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from proxy.ledger.decide import Said
from proxy.ledger.entry import Money, State
from proxy.ledger.payment import first_of
from proxy.ledger.records import MAX_RECORDS, Found, Records, match, target_of
from proxy.providers import load
from tests.support.ledger import entry

LOOKUP = load("sim").lookups[0]
RECORDS = Records(LOOKUP)
OURS = entry(State.UNKNOWN, money=Money("10.5", "EUR", "order-1"))  # made at 900.0
FOUND = Found("order-1", "10.5", "EUR", 900.0, Said.SUCCEEDED, ("create_payment",))


def test_the_one_record_that_is_ours_settles() -> None:
    assert match(OURS, [FOUND]) is Said.SUCCEEDED
    assert match(OURS, [replace(FOUND, operations=())]) is Said.SUCCEEDED
    assert match(replace(OURS, created_at=900.9), [FOUND]) is Said.SUCCEEDED
    assert match(OURS, [replace(FOUND, said=Said.DECLINED)]) is Said.DECLINED
    assert match(OURS, [FOUND, replace(FOUND, reference="order-2")]) is Said.SUCCEEDED


@pytest.mark.parametrize(
    "found",
    [
        [],
        [FOUND, FOUND],
        [FOUND, replace(FOUND, amount="1")],  # one reference, two payments: which one is ours?
        *(
            [replace(FOUND, **members)]
            for members in (
                {"reference": "order-2"},
                {"reference": None},
                {"amount": "10.51"},
                {"amount": None},
                {"currency": "USD"},
                {"currency": None},
                {"created_at": 899.0},
                {"created_at": None},
                {"said": None},
                {"operations": ("create_refund",)},
            )
        ),
    ],
)
def test_anything_else_settles_nothing(found: list[Found]) -> None:
    assert match(OURS, found) is None


@pytest.mark.parametrize("lacking", ["amount", "currency", "reference"])
def test_nothing_is_matched_by_what_we_do_not_know(lacking: str) -> None:
    ours = replace(OURS, money=replace(OURS.money, **{lacking: None}))
    assert match(ours, [replace(FOUND, **{lacking: None})]) is None
    assert match(ours, [FOUND]) is None


def test_the_type_of_an_event_may_be_its_state() -> None:
    events = load("paystack").events
    assert events is not None
    data = {"id": 4677002219, "reference": "order-1", "amount": 1050, "currency": "NGN"}
    event = {"event": "charge.success", "data": {**data, "created_at": "2025-02-11T10:42:03.000Z"}}
    ours = replace(OURS, operation="create_charge", money=Money("10.5", "NGN", "order-1"))
    assert match(ours, Records(events).read(event)) is Said.SUCCEEDED
    assert match(ours, Records(events).read(event | {"event": "transfer.success"})) is None
    assert first_of(events.id)(event) == "charge.success:4677002219"
    assert first_of(events.id)({"data": data}) is None


def record(**members: Any) -> dict[str, Any]:
    base = {
        "id": "pay_1",
        "status": "succeeded",
        "amount": 1050,
        "currency": "EUR",
        "reference": "order-1",
        "created": 900,
    }
    return {**base, **members}


def test_records_are_read_as_the_profile_says() -> None:
    assert RECORDS.read({"data": [record()]}) == (FOUND,)
    assert RECORDS.read({"data": record()}) == (FOUND,)
    (other,) = RECORDS.read({"data": [record(status="DECLINED")]})
    assert other.said is Said.DECLINED
    assert RECORDS.read({"data": []}) == RECORDS.read({}) == RECORDS.read(None) == ()


def test_nothing_is_read_where_another_record_may_be_among_those_not_read() -> None:
    others = [record(reference="order-2")] * (MAX_RECORDS - 1)
    assert match(OURS, RECORDS.read({"data": [record(), *others]})) is Said.SUCCEEDED
    assert RECORDS.read({"data": [record(), *others, record()]}) == ()


def test_an_event_speaks_of_the_operations_that_it_is_for() -> None:
    events = load("sim").events
    assert events is not None
    found = Records(events).read({"id": "evt_1", "payment": record()})
    assert match(OURS, found) is Said.SUCCEEDED
    assert match(replace(OURS, operation="create_refund"), found) is None


@pytest.mark.parametrize(
    ("created", "at"),
    [
        (900, 900.0),
        (1_700_000_000_000, 1_700_000_000.0),
        ("1700000000", 1_700_000_000.0),
        ("2023-11-14T22:13:20Z", 1_700_000_000.0),
        ("2023-11-14T23:13:20+01:00", 1_700_000_000.0),
        ("2023-11-14 22:13:20.5+0100", 1_699_996_400.5),
        ("2023-11-14t22:13:20z", 1_700_000_000.0),
        # In which zone? An older payment would seem to be made later than we sent.
        ("2023-11-14T22:13:20", None),
        ("2023-02-30T22:13:20Z", None),
        ("20231114T221320Z", None),
        ("202311142213200", None),
        # In which unit?
        (1_700_000_000_000_000, None),
        ("1700000000000000", None),
        (10**400, None),
        (-(10**400), None),
        (-1, None),
        (float("inf"), None),
        (float("nan"), None),
        ("\ud800", None),
        (True, None),
        (None, None),
        ("yesterday", None),
        ({}, None),
    ],
)
def test_times_are_read_in_the_ways_that_providers_write_them(
    created: object, at: float | None
) -> None:
    (found,) = RECORDS.read({"data": [record(created=created)]})
    assert found.created_at == at


@pytest.mark.parametrize("status", [None, 1, "pending", ""])
def test_a_state_that_nobody_describes_decides_nothing(status: object) -> None:
    (found,) = RECORDS.read({"data": [record(status=status)]})
    assert found.said is None


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9),
        lambda inner: (
            st.lists(inner, max_size=3)
            | st.dictionaries(st.sampled_from(["data", "amount", "created"]), inner, max_size=3)
        ),
    )
)
def test_no_answer_is_too_strange(tree: object) -> None:
    assert match(OURS, RECORDS.read({"data": tree})) is None


@pytest.mark.parametrize(
    ("reference", "target"),
    [
        ("order-1", b"/v1/payments?reference=order-1"),
        ("a b/c?d&e=f#g%", b"/v1/payments?reference=a%20b%2Fc%3Fd%26e%3Df%23g%25"),
        ("\u00e9", b"/v1/payments?reference=%C3%A9"),
        ("", None),
        (".", None),
        ("..", None),
        ("x" * 3000, None),
        ("order\ud800", None),
        ("a-._~", b"/v1/payments?reference=a-._~"),
    ],
)
def test_a_reference_never_changes_what_is_asked(reference: str, target: bytes | None) -> None:
    assert target_of(LOOKUP, reference, "/v1") == target
