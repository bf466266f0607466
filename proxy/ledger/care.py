"""Takes out of an answer what must not be stored, before it is kept. Pure.

Rules:

1. What PCI DSS calls sensitive authentication data (requirement 3.3) goes as a whole: the values of
   members that are named for a card's code, its PIN or its track, and tracks wherever they stand.
2. Of a card number (13 to 19 digits of a known issuer's range, with a right Luhn digit) the first
   six and the last four stay (requirement 3.4). A number that only looks like one is masked too.
3. Everything else stays byte for byte, so a replay is what the first caller got.
4. What cannot be looked into is not kept: an unknown coding, UTF-16, more than is ever read.
"""

import re
from typing import Final

from proxy.extract.decode import MAX_READ, read_text
from proxy.terms import Headers
from proxy.terms.http import list_members
from proxy.terms.luhn import is_luhn

_SECRET: Final = (
    rb"(?i:cvv2?|cvc2?|cvn2?|csc|card_?(?:verification|security|validation)_?(?:code|value|number)"
    rb"|(?:verification|security)_?(?:code|value)|pin|pin_?(?:block|data)"
    rb"|track_?[123]?(?:_?data)?|mag(?:netic)?_?stripe(?:_?data)?|emv_?data)"
)
_JSON: Final = re.compile(
    rb'("' + _SECRET + rb'"\s*:\s*)(?:"(?:[^"\\]|\\.)*"|-?[0-9][0-9.eE+-]*)', re.DOTALL
)
_FORM: Final = re.compile(rb"(?<![A-Za-z0-9_])(" + _SECRET + rb"\]?=)[^&\s]*")
_XML: Final = re.compile(rb"(<(?:[\w-]+:)?" + _SECRET + rb"(?:\s[^<>]*)?>)[^<]*")
_TRACK: Final = re.compile(rb"(?:%B[0-9 ]{12,23}\^|;[0-9]{12,19}=)[^?]{0,120}\?")
_CARD: Final = re.compile(rb"(?<![0-9.])[2-6][0-9](?:[ -]?[0-9]){11,17}(?![0-9])")
# ISO/IEC 7812-1 ranges in use: Visa, Mastercard, American Express, Diners, JCB, Discover, Maestro,
# UnionPay, Mir. A time in milliseconds begins with a 1.
_ISSUER: Final = re.compile(rb"4|5[0-8]|2[2-7]|3[04-9]|6[0-9]")
_OLD_VISA: Final = 13
_KEPT_AHEAD: Final = 6
_KEPT_BEHIND: Final = 4
_NUMBER_BEGINS: Final = frozenset(b":,[")


def careful(body: bytes, headers: Headers) -> bytes | None:
    """Give *body* without what must not be stored; None where it cannot be told."""
    codings = [name for name in list_members(headers, b"content-encoding") if name != b"identity"]
    if not codings:
        return None if b"\0" in body else _without_secrets(body)
    text = read_text(body, headers)
    if text is None or len(text) >= MAX_READ:
        return None
    plain = text.encode("utf-8", "replace")
    return body if _without_secrets(plain) == plain else None


def _without_secrets(body: bytes) -> bytes:
    body = _TRACK.sub(b"", body)
    body = _JSON.sub(rb"\1null", body)
    body = _FORM.sub(rb"\1", body)
    body = _XML.sub(rb"\1", body)
    return _CARD.sub(_masked, body)


def _masked(found: re.Match[bytes]) -> bytes:
    run = found[0]
    digits = [int(chr(byte)) for byte in run if byte not in b" -"]
    is_card = _ISSUER.match(run) is not None and is_luhn(digits)
    if not is_card or (len(digits) == _OLD_VISA and digits[0] != 4):  # noqa: PLR2004 - Visa's digit
        return run
    before = found.string[: found.start()].rstrip()
    # A number of JSON stays one.
    mask = b"0" if before and before[-1] in _NUMBER_BEGINS else b"*"
    masked = bytearray()
    seen = 0
    for byte in run:
        is_digit = byte not in b" -"
        seen += is_digit
        is_kept = seen <= _KEPT_AHEAD or seen > len(digits) - _KEPT_BEHIND
        masked += bytes((byte,)) if is_kept or not is_digit else mask
    return bytes(masked)
