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
from typing import Final

from proxy.terms import ErrorCode, ErrorType

from .phrases import TEXT_HINTS
from .words import CODE_HINTS, VAGUE_HINTS, Hint

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
NOTHING: Final = frozenset[ErrorType]()
_DECLINES: Final = frozenset({_T.DECLINED})
_INVALID: Final = frozenset({400, 422})
_CAMEL: Final = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
_JOINTS: Final = re.compile(r"[^a-z0-9]+")


def read_hints(
    status: int, words: tuple[str, ...], message: str | None, *, has_details: bool
) -> ErrorCode | None:
    """Give the error code that a body speaks of, as far as its *status* admits it."""
    by_code = _BY_CODE.get(status, NOTHING)
    if not by_code:
        return None
    codes = _fold(words)
    return (
        _first(CODE_HINTS, codes, by_code)
        or _read_message(message, _BY_TEXT.get(status, NOTHING))
        or (ErrorCode.INVALID_FIELD_VALUE if has_details and status in _INVALID else None)
        or _first(VAGUE_HINTS, codes, by_code)
    )


def read_decline(words: tuple[str, ...], message: str | None) -> ErrorCode | None:
    """Give the reason of what is known to be a decline."""
    return _first(CODE_HINTS, _fold(words), _DECLINES) or _read_message(message, _DECLINES)


@lru_cache(128)  # a provider in trouble says the same again and again
def _fold(words: tuple[str, ...]) -> str:
    """Write codes in snake case, joined by spaces."""
    return " ".join(_JOINTS.sub("_", _CAMEL.sub("_", word).lower()) for word in words)


def _read_message(message: str | None, admitted: frozenset[ErrorType]) -> ErrorCode | None:
    if not message or not admitted:
        return None
    return _first(TEXT_HINTS, message[:_MAX_MESSAGE].lower(), admitted)


def _first(hints: tuple[Hint, ...], text: str, admitted: frozenset[ErrorType]) -> ErrorCode | None:
    for hint in hints:
        if hint.holds(text) and hint.code.type in admitted:
            return hint.code
    return None
