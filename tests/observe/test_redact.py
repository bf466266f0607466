"""Card numbers and secrets never survive, and what is harmless does."""

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.observe import redact
from proxy.observe.redact import plain_token
from proxy.terms.luhn import is_luhn

CARDS = [
    "4111111111111111",
    "5555555555554444",
    "378282246310005",
    "6011111111111117",
    "4222222222222",
    "6304000000000000018",
]


@pytest.mark.parametrize("card", CARDS)
@pytest.mark.parametrize(
    "dress",
    [
        "{0}",
        "card {0} was declined",
        '{{"number":"{0}","cvc":123}}',
        "number={0}&cvc=123",
        "order 77 {0}",
        "{0} 12/29 123",
        "x{0}y",
        "id 900{0}",
    ],
)
def test_a_card_number_goes_whatever_stands_around_it(card: str, dress: str) -> None:
    assert card not in redact(dress.format(card))
    assert card[-6:] not in redact(dress.format(card))


@pytest.mark.parametrize("separator", [" ", "-", ".", "%20", "%2D", "+", "\u00a0", " - ", "/", "_"])
def test_a_card_number_goes_however_its_digits_are_separated(separator: str) -> None:
    groups = ["4111", "1111", "1111", "1111"]
    assert "1111" not in redact(f"card {separator.join(groups)} declined")
    assert "1" not in redact(separator.join("4111111111111111"))


def test_digits_of_other_scripts_are_digits() -> None:
    wide = "4111111111111111".translate({48 + n: 0xFF10 + n for n in range(10)})
    assert redact(wide) == "[card]"


@pytest.mark.parametrize(
    "code",
    [
        '"cvc": "123"',
        "cvv2=1234",
        "security code: 999",
        "PIN 4321",
        "card_cvc: 123",
        '"card_verification_value": "123"',
        '{\\"cvv\\": \\"123\\"}',
        "cvv code is 123",
        "cvc%3D123",
    ],
)
def test_a_card_code_goes_where_it_is_named(code: str) -> None:
    kept = redact(code)
    assert not any(character.isdigit() for character in kept.replace("cvv2", ""))


@pytest.mark.parametrize(
    "canary",
    [
        "sk_live_51HabcdefGHIJ",
        "rk_test_abcd1234",
        "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw",
        "Bearer abc.def-123456",
        "Basic dXNlcjpwYXNzd29yZA==",
        "Authorization: Bearer%20abcdefgh",
        "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl",
        "api_key=hunter2hunter2",
        '"client_secret": "hunter2hunter2"',
        "password: hunter2",
        "dGhpcyBpcyBhIHZlcnkgbG9uZyBiYXNlNjQgc2VjcmV0IQ==",
    ],
)
def test_a_secret_goes(canary: str) -> None:
    kept = redact(f"it said {canary} and no more")
    secret = canary.replace("=", " ").replace(":", " ").replace("%20", " ").split()[-1].strip('"')
    assert secret not in kept
    assert kept.startswith("it said ")
    assert kept.endswith(" and no more")


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Your card was declined.",
        "amount must be at least 50",
        "pay_1NirD82eZvKYlo2CjQk0iBmQ",
        "trace 4bf92f3577b34da6a3ce929d0e0e4736",
        "019a1b2c-3d4e-7f80-9a0b-1c2d3e4f5a6b",
        "the currency EUR is not supported, 2026-11-22",
        "1234567890123",
    ],
)
def test_what_is_harmless_stays(text: str) -> None:
    assert redact(text) == text


@pytest.mark.parametrize(
    "coded",
    [
        "4111%25201111%25201111%25201111",
        "4111&nbsp;1111&nbsp;1111&nbsp;1111",
        "4111\\u00201111\\u00201111\\u00201111",
        "4111\\t1111\\t1111\\t1111",
        "".join(f"\\u003{digit}" for digit in "4111111111111111"),
        "".join(f"&#{ord(digit)};" for digit in "4111111111111111"),
        "".join(f"%3{digit}" for digit in "4111111111111111"),
    ],
)
def test_a_card_number_goes_whatever_code_it_is_written_in(coded: str) -> None:
    assert redact(f"card {coded} refused") == "card [card] refused"


def test_what_is_written_in_code_and_harmless_stays_as_it_came() -> None:
    for text in ("caf\\u00e9 &amp; 100%25", "%2525252525", "half \\ud83d of a pair"):
        assert redact(text) == text
    assert redact("\\ud83d cvc%3D123") == "\ufffd cvc=[card]"


def test_the_password_of_an_address_goes() -> None:
    assert redact("no route to https://me:pw@host/x") == "no route to https://[secret]@host/x"


def test_a_run_of_digits_without_end_goes_unread() -> None:
    assert redact("1" * 4000) == "[card]"


@pytest.mark.parametrize("before", range(4075, 4100))
def test_long_text_is_never_cut_inside_a_card_number(before: int) -> None:
    kept = redact("word " * 800 + "w" * (before - 4000 - 1) + " 4111 1111 1111 1111 word")
    assert "1" not in kept


@given(st.text())
def test_redaction_never_raises_and_changes_nothing_the_second_time(text: str) -> None:
    once = redact(text)
    assert redact(once) == once


def test_a_percent_sign_before_a_number_hides_nothing() -> None:
    assert "048764759340" not in redact("0%56048764759340%")
    assert "5604876475934" not in redact("0%56048764759340 0%5604876475934")


@given(st.integers(min_value=12, max_value=18), st.integers(min_value=0), st.text(max_size=20))
def test_every_card_number_goes(length: int, seed: int, around: str) -> None:
    draw = random.Random(seed)  # noqa: S311 - no secret
    body = [draw.randint(2, 6), *(draw.randint(0, 9) for _ in range(length - 1))]
    check = next(digit for digit in range(10) if is_luhn([*body, digit]))
    card = "".join(str(digit) for digit in [*body, check])
    assert card not in redact(f"{around}{card}{around}")


@pytest.mark.parametrize(
    "text", ["cvc-123", "pin:4321", "token:abcdef", "sk_test_abcd", "eyJhbGciOiJI.e.x"]
)
def test_a_token_that_is_a_secret_is_not_shown(text: str) -> None:
    assert plain_token(text) is None


@pytest.mark.parametrize(
    "text", ["incorrect_cvc", "idempotency_key_reused", "20261122T103000Z-002"]
)
def test_a_token_that_sounds_like_a_secret_and_is_none_is_shown(text: str) -> None:
    assert plain_token(text) == text


_WORDS = [
    "cvc",
    "pin",
    "token",
    "sk",
    "_live_",
    ":",
    "-",
    ".",
    "_",
    "4111",
    "1111",
    "eyJ",
    "a1b2c3",
]


@given(st.lists(st.sampled_from(_WORDS) | st.text("aZ09_.:-", max_size=8), max_size=12))
def test_a_token_is_shown_only_if_redaction_would_leave_it_alone(parts: list[str]) -> None:
    shown = plain_token("".join(parts))
    assert shown is None or redact(shown) == shown


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (None, None),
        ("card_declined", "card_declined"),
        ("E-1001.2:x", "E-1001.2:x"),
        ("4111111111111111", None),
        ("123456789012", None),
        ("4111-1111-1111-1111", None),
        ("sk_live_abcdefgh", None),
        ("two words", None),
        ("", None),
        ("x" * 65, None),
    ],
)
def test_only_a_plain_token_is_shown_as_a_code(text: str | None, kept: str | None) -> None:
    assert plain_token(text) == kept


@pytest.mark.parametrize("joint", [":", "·", "|", "*", "—", "%3A", " : "])
def test_a_card_number_is_found_whatever_joins_its_digits(joint: str) -> None:
    card = joint.join(("4111", "1111", "1111", "1111"))
    assert "1111" not in redact(f"card {card} refused")
    assert plain_token(card) is None
