"""Texts of a provider made fit for an envelope and a log: one line, bounded, no markup."""

import re
from typing import Final

from .markup import visible_text

MAX_MESSAGE: Final = 1000
MAX_WORD: Final = 128  # of a code, a type or an id
MAX_FIELD: Final = 200
_MAX_READ: Final = 4096  # of a text, before it is cleaned
_MAX_PARTS: Final = 5

# C0, DEL, C1, line and paragraph separators, bidirectional controls, lone surrogates, BOM.
_UNFIT: Final = re.compile(
    "[\\x00-\\x1f\\x7f-\\x9f\\u200e\\u200f\\u2028-\\u202e\\u2066-\\u2069\\ud800-\\udfff\\ufeff]"
)
_PLAIN: Final = re.compile(r"[A-Za-z0-9_.:/-]+")
_COLOUR: Final = re.compile("\\x1b\\[[0-9;]{0,20}[A-Za-z]")
# A tag begins with a letter, `/`, `!` or `?` (WHATWG HTML section 13.2.5.6): `<100` is text.
_TAG: Final = re.compile("<[A-Za-z/!?]")
_ESCAPED: Final = re.compile(r"<[A-Za-z/!?][^<>]*(?:>|\Z)")  # what unescaping made a tag again


def clean(text: str, limit: int = MAX_MESSAGE) -> str | None:
    """Give *text* on one line, without control characters and markup, or None if none is left."""
    text = text[:_MAX_READ]
    if "<" in text and _TAG.search(text):
        text = _ESCAPED.sub(" ", visible_text(text))
    if not text.isprintable():
        text = _UNFIT.sub(" ", _COLOUR.sub("", text))
    text = " ".join(text.split())
    return text[:limit].rstrip() or None


def as_word(value: object, limit: int = MAX_WORD) -> str | None:
    """Give a code, a type or an id as text: numbers too, longer things not at all."""
    if isinstance(value, str):
        if len(value) > limit * 4:
            return None
        if len(value) <= limit and _PLAIN.fullmatch(value):
            return value
        word = clean(value, limit + 1)
        return word if word is not None and len(word) <= limit else None
    if isinstance(value, int | float) and not isinstance(value, bool):
        word = str(value)
        return word if len(word) <= limit else None
    return None


def as_message(value: object) -> str | None:
    """Give a text for people: a string, or a short list of strings joined."""
    if isinstance(value, str):
        return clean(value)
    if isinstance(value, list):
        parts = [
            part
            for item in value[:_MAX_PARTS]
            if isinstance(item, str) and (part := clean(item)) is not None
        ]
        return "; ".join(parts)[:MAX_MESSAGE].rstrip() or None
    return None
