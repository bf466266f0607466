"""Text to a document, by what it is and not by what its Content-Type says."""

import json
import math
import re
from enum import StrEnum
from typing import Final
from urllib.parse import parse_qsl

from msgspec import DecodeError, Struct
from msgspec.json import Decoder

from .markup import is_html
from .xml import read_xml

MAX_DEPTH: Final = 64
_MAX_DIGITS: Final = 400
_MAX_FORM: Final = 300
_FORM: Final = re.compile(r"[A-Za-z_][\w.%\[\]-]{0,100}=")
_PLAINTEXT: Final = re.compile(r"<plaintext>", re.IGNORECASE)
_LINE: Final = re.compile(r"^[ \t]*([A-Za-z_][\w.-]{0,50})=([^\r\n]{0,1000})", re.MULTILINE)
_GIBBERISH: Final = re.compile("[\\x00-\\x08\\x0e-\\x1a\\x1c-\\x1f\ufffd]")


class Shape(StrEnum):
    """What a body is."""

    JSON = "json"
    FORM = "form"
    XML = "xml"
    HTML = "html"
    TEXT = "text"
    NONE = "none"  # empty, or nothing that a person could read


class Document(Struct, frozen=True):
    """A body as read: `tree` of what has structure, `text` of what is for people."""

    shape: Shape
    tree: object = None
    text: str = ""
    is_exact: bool = False  # the tree is all of the body, and JSON


EMPTY: Final = Document(Shape.NONE)


def read_document(text: str) -> Document:
    """Give what *text* is. It never raises."""
    text = text.strip(" \t\r\n\0\ufeff")
    if not text:
        return EMPTY
    if text[0] == "<":
        if is_html(text):
            lines = _read_plaintext(text)
            return Document(Shape.FORM, lines) if lines else Document(Shape.HTML, text=text)
        tree = read_xml(text)
        return Document(Shape.XML, tree) if tree else EMPTY
    found = _read_json(text)
    if found is not None:
        return found
    if text[0] in "{[":
        return EMPTY  # cut off or broken: its pieces are no message
    if _FORM.match(text) and (fields := _read_form(text)):
        return Document(Shape.FORM, fields)
    return EMPTY if _is_gibberish(text) else Document(Shape.TEXT, text=text)


def _int(digits: str) -> object:
    return int(digits) if len(digits) <= _MAX_DIGITS else digits


def _float(digits: str) -> object:
    number = float(digits)
    return number if math.isfinite(number) else digits


def _constant(_name: str) -> None:
    """NaN and Infinity are not JSON: whoever reads the envelope could not parse them."""


_STRICT: Final = Decoder()
# For what JSON does not allow and providers send: control characters in a string, half of a pair of
# surrogates, NaN, and something behind the end.
_DECODER: Final = json.JSONDecoder(parse_float=_float, parse_constant=_constant, strict=False)
# For integers of more digits than Python reads (4,300): they stay text.
_CAREFUL: Final = json.JSONDecoder(
    parse_int=_int, parse_float=_float, parse_constant=_constant, strict=False
)


def _decode(text: str) -> tuple[object, int]:
    try:
        return _STRICT.decode(text), len(text)
    except (DecodeError, UnicodeEncodeError):
        pass
    try:
        return _DECODER.raw_decode(text)
    except json.JSONDecodeError:
        raise
    except ValueError:
        return _CAREFUL.raw_decode(text)


def _read_json(text: str) -> Document | None:
    try:
        tree, end = _decode(text)
    except (ValueError, RecursionError):
        return None
    if end < len(text) and not isinstance(tree, dict | list):
        return None  # "400 Bad Request" begins with a number and is none
    if _is_deep(tree, text):
        return EMPTY
    return Document(Shape.JSON, tree, is_exact=end == len(text))


def _is_deep(tree: object, text: str) -> bool:
    """Whether the tree is deeper than whoever walks it should bear."""
    if text.count("{") + text.count("[") <= MAX_DEPTH:
        return False
    level: list[object] = [tree]
    for _ in range(MAX_DEPTH):
        below: list[object] = []
        for node in level:
            if isinstance(node, dict):
                below.extend(node.values())
            elif isinstance(node, list):
                below.extend(node)
        level = [node for node in below if isinstance(node, dict | list)]
        if not level:
            return False
    return True


def _read_form(text: str) -> dict[str, object] | None:
    """Read what is form-encoded; a sentence with an equals sign is not."""
    if "&" not in text and " " in text:
        return None
    try:
        pairs = parse_qsl(text, keep_blank_values=True, max_num_fields=_MAX_FORM)
    except ValueError:
        return None
    fields: dict[str, object] = {}
    for name, value in pairs:
        fields.setdefault(name, value)
    return fields


def _read_plaintext(page: str) -> dict[str, object]:
    """Read `name=value` lines behind the tag that ends all markup, as gateways of old write them.

    It has no end tag (WHATWG HTML section 13.2.6.4.7): what follows it is text.
    """
    fields: dict[str, object] = {}
    for line in _PLAINTEXT.split(page, maxsplit=1)[1:]:
        for pair in _LINE.findall(line)[:_MAX_FORM]:
            fields.setdefault(*pair)
    return fields


def _is_gibberish(text: str) -> bool:
    head = text[:1024]
    return len(_GIBBERISH.findall(head)) * 10 > len(head)
