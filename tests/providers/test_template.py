"""Bodies with places to fill."""

from typing import Any

import pytest

from proxy.providers.template import TemplateError, check_template, fill

VALUES: dict[str, str | int] = {
    "message": "No {status} here",
    "error_code": "card_declined",
    "error_type": "declined",
    "request_id": "r1",
    "status": 402,
}


@pytest.mark.parametrize(
    ("tree", "filled"),
    [
        ("{message}", "No {status} here"),
        ("{status}", 402),
        ("{error_code} ({status})", "card_declined (402)"),
        ({"a": ["{error_type}", {"b": "{request_id}"}]}, {"a": ["declined", {"b": "r1"}]}),
        ({"a": None, "b": True, "c": 1.5, "d": 7}, {"a": None, "b": True, "c": 1.5, "d": 7}),
        ("{Not a place} {}", "{Not a place} {}"),
    ],
)
def test_places_are_filled_once_and_alone_keep_their_kind(tree: Any, filled: Any) -> None:
    check_template(tree)
    assert fill(tree, VALUES) == filled


@pytest.mark.parametrize("tree", ["{mesage}", ["{amount}"], {"a": {"b": "x{card}"}}, {"a": {1, 2}}])
def test_a_place_that_nobody_fills_is_a_fault(tree: Any) -> None:
    with pytest.raises(TemplateError):
        check_template(tree)
