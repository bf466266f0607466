r"""Takes card numbers and secrets out of text that a person may see (pure).

Rules:
1. A run of digits, separated or not, that contains a card number (13 to 19 digits with a right
   Luhn digit) goes as a whole: what stands beside a card number is its date or its code
   (PCI DSS 3.3.1.2, 3.5.1).
2. A card's code goes where it is named.
3. What is named a secret, looks like a provider's key, is the password in an address, or is long
   and random goes.
4. What is written in code (`%20`, `&#160;`, `\u0034`) is read as what it stands for, up to three
   deep; where that shows anything to take out, the text is shown as it was read.
It takes out too much rather than too little, and never raises.
"""

import html
import re
from typing import Final
from urllib.parse import unquote

from proxy.terms.luhn import is_luhn

CARD: Final = "[card]"
SECRET: Final = "[secret]"  # noqa: S105 - what stands in its place

MIN_CARD: Final = 13
MAX_CARD: Final = 19
MAX_DIGITS: Final = 64  # a longer run is nobody's message, and is not worth looking into
MAX_TEXT: Final = 4096

# Percent-encoded separators come first: their own digits are not a card's.
_SEPARATOR: Final = r"(?:%[0-9A-Fa-f]{2}|(?!%)[\W_])"
_RUN: Final = re.compile(rf"\d(?:{_SEPARATOR}{{0,3}}\d){{12,}}")
_DIGIT: Final = re.compile(rf"{_SEPARATOR}*(\d)")
_ANY_DIGIT: Final = re.compile(r"\d")
_CARD_CODE: Final = re.compile(
    r"(?i)((?<![a-z])(?:cvc|cvv|csc|cvn|cid|pin)2?(?![a-z])|security[\W_]?code"
    r"|verification[\W_]?(?:code|value|number))"
    r"((?:[\W_]|is|was|code|value|number|no){1,12})\d{3,6}(?!\d)"
)
_NAMED: Final = re.compile(
    r"(?i)((?:api[ _-]?key|access[ _-]?token|client[ _-]?secret|secret|password|passwd|token)"
    r"[\"']?\s*[:=]\s*[\"']?)[^\s\"',;&]{4,}"
)
_SCHEME: Final = re.compile(r"(?i)\b(bearer|basic|digest)(\s+|%20|\+)[A-Za-z0-9._~+/=-]{6,}")
_USER: Final = re.compile(r"(://)[^/\s@]{1,256}@")
_KEY: Final = re.compile(
    r"\b(?:[A-Za-z]{2,12}_(?:live|test|prod|sandbox)_[A-Za-z0-9_]{4,}|whsec_[A-Za-z0-9+/=]{4,})"
)
_TOKEN: Final = re.compile(r"\beyJ[A-Za-z0-9_-]{8,}(?:\.[A-Za-z0-9_-]*){1,2}")
_LONG: Final = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")

_ESCAPED: Final = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|[bfnrt])")
_HALVES: Final = (0xD800, 0xDFFF)  # of a pair of surrogates: no character by itself
_IN_CODE: Final = re.compile(r"[%&\\]")
_DEPTH: Final = 3

MAX_TOKEN: Final = 64
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:-]+")
_ALL_DIGITS: Final = re.compile(r"[0-9]{12,}")
_MANY_DIGITS: Final = re.compile(r"\d(?:[_.:-]*\d){12}")
# What each rule above cannot do without, in lower case: a cheap look spares the rules.
_MARKS: Final = re.compile(
    "_live_|_test_|_prod_|_sandbox_|whsec_|eyj|secret|passw|token|key"
    "|cvc|cvv|csc|cvn|cid|security|pin"
)


def redact(text: str) -> str:
    """Give *text* without card numbers and secrets, and without what is beyond `MAX_TEXT`."""
    if len(text) > MAX_TEXT:
        text = _cut(text)
    kept = _redacted(text)
    read = _decoded(kept)
    if read == kept:
        return kept
    shown = _redacted(read)
    return kept if shown == read else shown


def _redacted(text: str) -> str:
    text = _USER.sub(rf"\1{SECRET}@", text)
    text = _SCHEME.sub(rf"\1 {SECRET}", text)
    text = _NAMED.sub(rf"\1{SECRET}", text)
    text = _KEY.sub(SECRET, text)
    text = _TOKEN.sub(SECRET, text)
    text = _RUN.sub(_without_card, text)
    text = _CARD_CODE.sub(rf"\1\2{CARD}", text)
    return _LONG.sub(SECRET, text)


def plain_token(text: str | None, longest: int = MAX_TOKEN) -> str | None:
    """Give *text* if it is a plain code or identifier that can be shown, else None."""
    if text is None or len(text) > longest or _PLAIN.fullmatch(text) is None:
        return None
    if _ALL_DIGITS.fullmatch(text) is not None:
        return None
    return text if not _is_suspect(text) or redact(text) == text else None


def _is_suspect(text: str) -> bool:
    """Whether a plain token may hold anything that `redact` would take out."""
    return (
        _MARKS.search(text.lower()) is not None
        or _LONG.search(text) is not None
        or _MANY_DIGITS.search(text) is not None
    )


def _decoded(text: str) -> str:
    """Give what *text* stands for, where it is written in the codes of URLs, HTML or JSON."""
    for _ in range(_DEPTH):
        if not _IN_CODE.search(text):
            break
        before, text = text, html.unescape(unquote(_ESCAPED.sub(_character, text)))
        if before == text:
            break
    return text


def _character(found: re.Match[str]) -> str:
    code = int(found[1], 16) if found[1] else 0x20
    return "\ufffd" if _HALVES[0] <= code <= _HALVES[1] else chr(code)


def _cut(text: str) -> str:
    """Cut where no card number can be cut in two: behind a letter."""
    end = MAX_TEXT
    while end and not text[end - 1].isalpha():
        end -= 1
    return text[:end]


def _without_card(found: re.Match[str]) -> str:
    run = found[0]
    # `0%5604…`: an encoded separator, or a percent sign and a number: who can tell.
    for read in (_DIGIT.findall(run), _ANY_DIGIT.findall(run)):
        digits = [int(digit) for digit in read]
        if len(digits) > MAX_DIGITS or _has_card(digits):
            return CARD
    return run


def _has_card(digits: list[int]) -> bool:
    return any(
        is_luhn(digits[start : start + length])
        for length in range(MIN_CARD, MAX_CARD + 1)
        for start in range(len(digits) - length + 1)
        if digits[start] != 0
    )
