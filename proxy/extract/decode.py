"""Bytes of an answer to text: content coding undone on a bounded copy, charset found by looking."""

import codecs
import re
import zlib
from typing import Final

from proxy.terms.http import Headers, first, list_members

MAX_READ: Final = 128 * 1024
_CHARSET: Final = re.compile(rb"charset\s{0,5}=\s{0,5}[\"']?([A-Za-z0-9._-]{1,40})")
# Only charsets that map bytes to characters: `idna`, `punycode` and friends do other things.
_KNOWN: Final = re.compile(
    r"(?:iso8859-\d{1,2}|cp\d{3,4}|utf-(?:16|32)(?:-[bl]e)?|latin-1|ascii|koi8-[ru]|shift_jis"
    r"|euc_(?:jp|kr)|gb\d{4,5}|gbk|big5)"
)
_BOMS: Final = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_MARKS: Final = tuple(mark for mark, _ in _BOMS)
_MAX_CODINGS: Final = 3
_LONGEST_TAIL: Final = 3  # bytes of a character of UTF-8 that lacks its last
_GZIP: Final = 16 + zlib.MAX_WBITS
_WINDOWS: Final = {
    b"gzip": (_GZIP,),
    b"x-gzip": (_GZIP,),
    b"deflate": (zlib.MAX_WBITS, -zlib.MAX_WBITS),  # with zlib's head, as it should, or without
}


def read_text(body: bytes, headers: Headers) -> str | None:
    """Give the text of a body, or of its beginning; None where it cannot be decoded."""
    raw = body[:MAX_READ]
    codings = [name for name in list_members(headers, b"content-encoding") if name != b"identity"]
    if len(codings) > _MAX_CODINGS:
        return None
    for coding in reversed(codings):
        unpacked = _inflate(raw, coding)
        if unpacked is None:
            return None
        raw = unpacked
    return _decode(raw, headers, is_cut=len(body) > MAX_READ or len(raw) >= MAX_READ)


def _inflate(raw: bytes, coding: bytes) -> bytes | None:
    """Undo one coding, as far as it goes: what a broken one gave before it broke still helps."""
    if raw.lstrip()[:1] in {b"{", b"[", b"<"}:
        return raw  # says compressed and is not: seen behind proxies that unpack
    for window in _WINDOWS.get(coding, ()):
        unpacker = zlib.decompressobj(wbits=window)
        try:
            return unpacker.decompress(raw, MAX_READ)
        except zlib.error:
            continue
    return None


def _decode(raw: bytes, headers: Headers, *, is_cut: bool) -> str:
    if raw.startswith(_MARKS):
        encoding = next(encoding for mark, encoding in _BOMS if raw.startswith(mark))
        return raw.decode(encoding, "replace")
    if raw[1:4:2] == b"\0\0" and raw[:1] != b"\0":
        return raw.decode("utf-16-le", "replace")
    if raw[:3:2] == b"\0\0" and raw[1:2] not in {b"", b"\0"}:
        return raw.decode("utf-16-be", "replace")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError as error:
        if is_cut and error.start >= len(raw) - _LONGEST_TAIL:
            return raw[: error.start].decode("utf-8")  # we cut within a character
    charset = _declared(headers)
    if charset is not None:
        return raw.decode(charset, "replace")
    return raw.decode("cp1252", "replace")


def _declared(headers: Headers) -> str | None:
    found = _CHARSET.search((first(headers, b"content-type") or b"").lower())
    if found is None:
        return None
    try:
        name = codecs.lookup(found[1].decode("ascii")).name
    except LookupError:
        return None
    return name if _KNOWN.fullmatch(name) else None
