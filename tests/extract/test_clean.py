"""A message is for people: never markup, never a control character, never too long."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.extract.clean import MAX_MESSAGE, as_word, clean

MARKUP = re.compile(r"<[A-Za-z/!?]")


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("", None),
        ("Card declined.", "Card declined."),
        ("  two\r\n lines\t", "two lines"),
        ("a\x00b\x7fc\x9fd", "a b c d"),
        ("pay\u202eroll\u2028x", "pay roll x"),
        ("lone \ud800 surrogate", "lone surrogate"),
        ("naïve ₦5 000 &amp; 5", "naïve ₦5 000 &amp; 5"),
        ("must be <100 and > 5", "must be <100 and > 5"),
        ("Card <b>declined</b>", "Card declined"),
        ("a <!-- note --> b", "a b"),
        ("cut in a tag <a href='x", "cut in a tag"),
        ("a <br> &lt;script&gt;x()&lt;/script&gt;", "a x()"),
        ("<<b>b>bold", "< b>bold"),
        ("<!DOCTYPE html><title>502</title>", "502"),
        ("oops <script>alert(1)</script>", "oops"),
        ("<br><br/>", None),
        ("x" * 1001, "x" * 1000),
        ("x" * 1_000_000, "x" * 1000),
    ],
)
def test_a_message_is_made_safe_to_show(text: str, shown: str | None) -> None:
    assert clean(text) == shown


@given(st.text(alphabet=st.characters() | st.sampled_from("<>/!?b&lt;g \x00\ud800")))
def test_whatever_comes_the_result_is_short_printable_and_no_markup(text: str) -> None:
    for shown in (clean(text) or "", as_word(text) or ""):
        assert len(shown) <= MAX_MESSAGE
        assert not MARKUP.search(shown)
        assert not any(ord(char) < 0x20 or 0x7F <= ord(char) <= 0x9F for char in shown)
        shown.encode()
