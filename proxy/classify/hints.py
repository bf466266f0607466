"""What the words of a body say to someone who knows no provider in particular.

Rules:

1.  A hint gives a better word than the status, never a better effect: `classifier` sees to it.
2.  Codes speak before sentences: a code was chosen by a program, a sentence by a person.
3.  The order is from the more particular to the more general; the first that holds wins.
4.  Which hints a status admits is a table: a 429 is a 429 whatever the body says, and a status
    that leaves the outcome unknown never becomes a decline.
"""

import re
from collections.abc import Mapping
from functools import lru_cache
from types import MappingProxyType
from typing import Final, NamedTuple, TypeAlias

from proxy.terms import ErrorCode, ErrorType

from .phrases import TEXT_HINTS
from .words import CODE_HINTS, VAGUE_HINTS, Hint

# The letters that a text needs, what it has to say then, and the word for it.
Rows: TypeAlias = tuple[tuple[str, re.Pattern[str], ErrorCode], ...]

_T: Final = ErrorType
_MAX_MESSAGE: Final = 400


_ALL: Final = frozenset(ErrorType)
_CERTAIN: Final = _ALL - {_T.INTERNAL_ERROR, _T.TIMEOUT}
_OPEN: Final = _ALL - {_T.DECLINED}
# What a status admits; a status that is not here admits nothing.
_BY_CODE: Final[Mapping[int, frozenset[ErrorType]]] = MappingProxyType(
    {
        400: _CERTAIN,
        402: frozenset({_T.DECLINED}),
        403: _CERTAIN,
        404: frozenset({_T.UNAUTHORIZED}),
        406: _CERTAIN,
        408: frozenset({_T.TIMEOUT}),
        409: _OPEN,
        412: _OPEN,
        418: _OPEN,
        422: _CERTAIN,
        500: _OPEN,
        502: frozenset({_T.TIMEOUT, _T.UNAVAILABLE, _T.RATE_LIMIT}),
        503: frozenset({_T.TIMEOUT, _T.RATE_LIMIT, _T.CONCURRENCY}),
    }
)
_REFUSALS: Final = frozenset(
    {_T.UNAUTHORIZED, _T.NOT_FOUND, _T.DECLINED, _T.RATE_LIMIT, _T.CONFLICT, _T.VALIDATION,
     _T.PERMISSION, _T.UNAVAILABLE}
)  # fmt: skip
_BY_TEXT: Final[Mapping[int, frozenset[ErrorType]]] = MappingProxyType(
    {
        400: _REFUSALS,
        402: frozenset({_T.DECLINED}),
        403: frozenset({_T.PERMISSION, _T.RATE_LIMIT, _T.NOT_FOUND}),
        404: frozenset({_T.UNAUTHORIZED}),
        409: frozenset({_T.CONCURRENCY, _T.CONFLICT}),
        422: _REFUSALS,
        500: frozenset({_T.UNAUTHORIZED, _T.RATE_LIMIT, _T.TIMEOUT}),
        502: frozenset({_T.TIMEOUT}),
    }
)
_NOTHING: Final = frozenset[ErrorType]()
_INVALID: Final = frozenset({400, 422})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINTS: Final = re.compile(r"[^a-z0-9]+")


class _Admitted(NamedTuple):
    """The hints that may speak: on codes, on the message, and on codes where neither did."""

    on_codes: Rows
    on_message: Rows
    vague: Rows


def _rows(hints: tuple[Hint, ...], admitted: frozenset[ErrorType]) -> Rows:
    return tuple(
        (needle, hint.pattern, hint.code)
        for hint in hints
        if hint.code.type in admitted
        for needle in hint.needles
    )


def _admit(by_code: frozenset[ErrorType], by_text: frozenset[ErrorType]) -> _Admitted:
    return _Admitted(
        _rows(CODE_HINTS, by_code), _rows(TEXT_HINTS, by_text), _rows(VAGUE_HINTS, by_code)
    )


_BY_STATUS: Final[Mapping[int, _Admitted]] = MappingProxyType(
    {status: _admit(types, _BY_TEXT.get(status, _NOTHING)) for status, types in _BY_CODE.items()}
)
_DECLINED: Final = 402  # admits declines, and nothing else


def read_hints(
    status: int, words: tuple[str, ...], message: str | None, *, has_details: bool
) -> ErrorCode | None:
    """Give the error code that a body speaks of, as far as its *status* admits it."""
    admitted = _BY_STATUS.get(status)
    if admitted is None:
        return None
    told, told_vaguely = _read_codes(status, words)
    return (
        told
        or _first(admitted.on_message, _lower(message))
        or (ErrorCode.INVALID_FIELD_VALUE if has_details and status in _INVALID else None)
        or told_vaguely
    )


def read_decline(words: tuple[str, ...], message: str | None) -> ErrorCode | None:
    """Give the reason of what is known to be a decline."""
    return read_hints(_DECLINED, words, message, has_details=False)


@lru_cache(128)  # a provider in trouble says the same again and again
def _read_codes(status: int, words: tuple[str, ...]) -> tuple[ErrorCode | None, ErrorCode | None]:
    """Give what codes say in snake case, joined by spaces; and what they say vaguely."""
    codes = " ".join(_JOINTS.sub("_", _CAMEL.sub("_", word).lower()) for word in words)
    admitted = _BY_STATUS[status]
    return _first(admitted.on_codes, codes), _first(admitted.vague, codes)


def _lower(message: str | None) -> str:
    return message[:_MAX_MESSAGE].lower() if message else ""


def _first(rows: Rows, text: str) -> ErrorCode | None:
    for needle, pattern, code in rows:
        if needle in text and pattern.search(text) is not None:
            return code
    return None
