"""The codes that nobody wrote down, as an operator sees them."""

from proxy.observe import UnmappedCodes
from proxy.observe.unmapped import MAX_CODES
from proxy.terms import CodeUnmapped, KeyHandled

CARD = "4111111111111111"


def unmapped(code: str, message: str | None = None, status: int = 400) -> CodeUnmapped:
    return CodeUnmapped("acme", code, status, message, "invalid_request")


def test_a_code_is_counted_with_its_latest_sample_and_what_to_write_down() -> None:
    codes = UnmappedCodes()
    codes.on(unmapped("E1"))
    codes.on(unmapped("E2"))
    codes.on(unmapped("E1", f"No such card: {CARD}", 422))
    codes.on(KeyHandled("r", "acme", "new"))
    assert codes.view("acme") == [
        {
            "code": "E1",
            "count": 2,
            "status": 422,
            "sample": "No such card: [card]",
            "suggestion": '"E1": invalid_request',
        },
        {
            "code": "E2",
            "count": 1,
            "status": 400,
            "sample": None,
            "suggestion": '"E2": invalid_request',
        },
    ]
    assert codes.view("other") == []


def test_what_is_no_plain_code_is_not_kept() -> None:
    codes = UnmappedCodes()
    for odd in (CARD, "a b", "sk_live_abcdefgh", "x" * 100):
        codes.on(unmapped(odd))
    assert codes.view("acme") == []


def test_only_so_many_are_kept_the_latest() -> None:
    codes = UnmappedCodes()
    for number in range(MAX_CODES + 10):
        codes.on(unmapped(f"E{number}"))
        codes.on(unmapped("E0"))
    view = codes.view("acme")
    assert len(view) == MAX_CODES
    assert (view[0]["code"], view[0]["count"]) == ("E0", MAX_CODES + 11)
