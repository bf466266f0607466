"""Whose failure an error is, and the drawing of it."""

import pytest

from proxy.admin.page.blame import Whose, verdict, whose
from proxy.admin.page.drawing import BAR, HEIGHT, draw
from proxy.terms import ErrorCode


def test_each_code_is_somebodys() -> None:
    assert {whose(code.value) for code in ErrorCode} == set(Whose) - {Whose.FINE}
    assert whose("none") is Whose.FINE


@pytest.mark.parametrize(
    ("codes", "expected"),
    [
        ({}, Whose.FINE),
        ({"none": 100}, Whose.FINE),
        ({"none": 99, "bad_gateway": 1}, Whose.FINE),
        ({"none": 90, "payment_declined": 10}, Whose.CUSTOMER),
        ({"none": 90, "bad_gateway": 6, "circuit_open": 4}, Whose.PROVIDER),
        ({"none": 50, "paused": 50}, Whose.SIDECAR),
        ({"none": 50, "rate_limited": 50}, Whose.LIMIT),
        ({"none": 50, "invalid_request": 50, "bad_gateway": 3}, Whose.APPLICATION),
    ],
)
def test_the_failures_of_a_while_point_at_somebody(codes: dict[str, int], expected: Whose) -> None:
    who, sentence = verdict(codes)
    assert who is expected
    assert sentence.endswith(".")


def test_a_bar_stands_on_the_ground_and_the_tallest_reaches_the_top() -> None:
    pieces, tallest = draw([{"none": 1, "bad_gateway": 1}, {}, {"none": 4}])
    assert tallest == 4
    assert [(p.whose, p.x, p.y, p.height) for p in pieces] == [
        ("fine", 0, HEIGHT * 0.75, HEIGHT * 0.25),
        ("provider", 0, HEIGHT * 0.5, HEIGHT * 0.25),
        ("fine", 2 * BAR, 0.0, float(HEIGHT)),
    ]
    assert draw([]) == ([], 0)
