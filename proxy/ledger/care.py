r"""Takes out of an answer what must not be stored, before it is kept. Pure.

Rules:

1. What PCI DSS calls sensitive authentication data (requirement 3.3) goes as a whole: the values of
   members that are named for a card's code, its PIN or its track, and tracks wherever they stand.
2. Of a card number (13 to 19 digits of a known issuer's range, with a right Luhn digit) the first
   six and the last four stay (requirement 3.4). A number that only looks like one is masked too.
   With signs between its digits it is one in the groups that cards are printed in.
3. Everything else stays byte for byte, so a replay is what the first caller got.
4. What cannot be looked into is not kept: an unknown coding, UTF-16, more than is ever read; and
   what holds any of this once its letters are read as what they stand for (`\u0034`, `%34`,
   digits of another script).
5. The same goes for header fields and the reason phrase; one that rule 4 is about is left out.
"""

import html
import re
import unicodedata
from collections.abc import Iterator
from itertools import islice
from typing import Final
from urllib.parse import unquote

from proxy.extract.decode import MAX_READ, read_text
from proxy.terms import Headers
from proxy.terms.http import list_members
from proxy.terms.luhn import is_luhn

_SECRET: Final = (
    rb"(?i:(?:card_?)?(?:cvv|cvc|cvn)2?|csc"
    rb"|card_?(?:verification|security|validation)_?(?:code|value|number)"
    rb"|(?:verification|security)_?(?:code|value)|pin|pin_?(?:block|data)"
    rb"|track_?[123]?(?:_?data)?|mag(?:netic)?_?stripe(?:_?data)?|emv_?data)"
)
# What none of these names is without, in small letters: a cheap look spares the rules.
_NAMES: Final = (b"cvv", b"cvc", b"cvn", b"csc", b"pin", b"security", b"verification",
                 b"validation", b"track", b"stripe", b"emv")  # fmt: skip
_PREFIX: Final = rb"(?:[A-Za-z0-9]{1,20}_){0,2}"
_JSON: Final = re.compile(
    rb'("' + _PREFIX + _SECRET + rb'"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)', re.DOTALL
)
# The same as text within a member of JSON: its quotes are escaped.
_QUOTED: Final = re.compile(
    rb'(\\+"' + _PREFIX + _SECRET + rb'\\+"\s*:\s*)(?:\\+"[^"\\]*\\+"|-?[0-9][0-9.eE+-]*)'
)
_FORM: Final = re.compile(rb"(?<![A-Za-z0-9])(" + _SECRET + rb"\]?=)[^&\s]*")
_XML: Final = re.compile(rb"(<(?:[\w-]+:)?" + _SECRET + rb"(?:\s[^<>]*)?>)[^<]*")
_TRACK: Final = re.compile(rb"(?:%B[0-9 ]{12,23}\^|;[0-9]{12,19}=)[^?]{0,120}\?")
# In a sentence: 'security code 123 is wrong'.
_NAMED: Final = re.compile(
    rb"(?i)(?<![a-z0-9])((?:cvv2?|cvc2?|cvn2?|csc|pin|(?:security|verification)[ _-](?:code|value))"
    rb"(?:[:=#\s-]|is){1,4})[0-9]{3,4}(?![0-9])"
)
_JOINT: Final = (
    rb"(?:%(?:25)*[0-9A-Fa-f]{2}|&(?:#[0-9]{1,4}|[a-z]{2,6});|\\+u[0-9a-fA-F]{4}|\\+t"
    rb'|[^\w\r\n"\\{}\[\],<>%&;]{1,3}|_)'
)
# Groups of four, and American Express's, with the same sign between them.
_GROUPS: Final = re.compile(
    rb"(?<![0-9])(?:[2-6][0-9]{3}(?P<a>" + _JOINT + rb")[0-9]{4}(?P=a)[0-9]{4}(?P=a)[0-9]{1,7}"
    rb"|3[47][0-9]{2}(?P<b>" + _JOINT + rb")[0-9]{6}(?P=b)[0-9]{5})(?![0-9])"
)
_CARD: Final = re.compile(rb"(?<![0-9.])[2-6](?:[ -]?[0-9]){12,18}(?![0-9])")
_WHOLE: Final = re.compile(rb"[0-9]{13,19}")
# ISO/IEC 7812-1 ranges in use: Visa, Mastercard, American Express, Diners, JCB, Discover, Maestro,
# UnionPay, Mir. A time in milliseconds begins with a 1.
_ISSUER: Final = re.compile(rb"4|5[0-8]|2[2-7]|3[04-9]|6[0-9]")
_OLD_VISA: Final = 13
_KEPT_AHEAD: Final = 6
_KEPT_BEHIND: Final = 4
_NUMBER_BEGINS: Final = frozenset(b":,[")


# What may stand for a digit, or for a sign between them: a cheap look spares the reading.
_IN_CODE: Final = re.compile(rb"\\u|%|&|[\x80-\xff]")
_ESCAPED: Final = re.compile(r"\\+(?:u([0-9a-fA-F]{4})|t)")
_OTHER_DIGIT: Final = re.compile(r"(?![0-9])\d")
_DEPTH: Final = 2


def careful(body: bytes, headers: Headers) -> bytes | None:
    """Give *body* without what must not be stored; None where it cannot be told."""
    codings = [name for name in list_members(headers, b"content-encoding") if name != b"identity"]
    if not codings:
        return None if b"\0" in body else _kept(body)
    text = read_text(body, headers)
    if text is None or len(text) >= MAX_READ:
        return None
    plain = text.encode("utf-8", "replace")
    return body if _kept(plain) == plain else None


def careful_head(reason: bytes, headers: Headers) -> tuple[bytes, Headers]:
    """Give the head of an answer without what must not be stored."""
    cleaned = ((name, _kept(value)) for name, value in headers if _kept(name) == name)
    return _kept(reason) or b"", tuple((n, value) for n, value in cleaned if value is not None)


def _kept(text: bytes) -> bytes | None:
    text = _without_secrets(text)
    if _IN_CODE.search(text) is None:
        return text
    read = _read(text)
    return text if read == text or _without_secrets(read) == read else None


def _without_secrets(text: bytes) -> bytes:
    text = _TRACK.sub(b"", text)
    small = text.lower()
    if any(name in small for name in _NAMES):
        text = _JSON.sub(rb"\1null", text)
        text = _QUOTED.sub(rb"\1null", text)
        text = _FORM.sub(rb"\1", text)
        text = _XML.sub(rb"\1", text)
        text = _NAMED.sub(rb"\1***", text)
    text = _CARD.sub(_masked, text)
    return _GROUPS.sub(_masked_groups, text)


def _read(text: bytes) -> bytes:
    """Give what *text* stands for, where it is written in the codes of JSON, URLs or HTML."""
    read = text.decode("utf-8", "replace")
    for _ in range(_DEPTH):
        read = html.unescape(unquote(_ESCAPED.sub(_character, read)))
    return _OTHER_DIGIT.sub(_digit, read).encode("utf-8", "replace")


def _digit(found: re.Match[str]) -> str:
    return str(unicodedata.digit(found[0]))


def _character(found: re.Match[str]) -> str:
    return chr(int(found[1], 16)) if found[1] else " "


def _masked(found: re.Match[bytes]) -> bytes:
    run = found[0]
    digits = bytes(byte for byte in run if byte not in b" -")
    if not _is_card(digits):
        # A card number, and its date behind a space.
        return run if run == digits else _WHOLE.sub(_masked, run)
    before = found.string[: found.start()].rstrip()
    # A number of JSON stays one.
    hidden = _hidden(digits, b"0" if before and before[-1] in _NUMBER_BEGINS else b"*")
    return bytes(byte if byte in b" -" else next(hidden) for byte in run)


def _masked_groups(found: re.Match[bytes]) -> bytes:
    joint = found["a"] or found["b"]
    groups = found[0].split(joint)
    digits = b"".join(groups)
    if not digits.isdigit() or not _is_card(digits):
        return found[0]
    hidden = _hidden(digits, b"*")
    return joint.join(bytes(islice(hidden, len(group))) for group in groups)


def _is_card(digits: bytes) -> bool:
    is_card = _ISSUER.match(digits) is not None and is_luhn([byte - 48 for byte in digits])
    return is_card and (len(digits) != _OLD_VISA or digits[:1] == b"4")


def _hidden(digits: bytes, mask: bytes) -> Iterator[int]:
    behind = len(digits) - _KEPT_BEHIND
    return iter(digits[:_KEPT_AHEAD] + mask * (behind - _KEPT_AHEAD) + digits[behind:])
