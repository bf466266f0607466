"""How long the provider asks to wait: `Retry-After` in seconds or as a date, and its cousin."""

import re
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

from proxy.terms.http import Headers, first

MAX_WAIT_S: Final = 24 * 3600.0
_NUMBER: Final = re.compile(rb"\d{1,20}(?:\.\d{1,20})?")
_MAX_DATE: Final = 64


def read_retry_after(headers: Headers, wall: float) -> float | None:
    """Give the seconds to wait, at most a day, or None where nobody says.

    A date counts from the answer's own `Date`: the provider's clock wrote both (RFC 9110 section
    10.2.3). What is neither seconds nor a date is ignored; a date that has passed is no wait.
    """
    text, milliseconds = _read(headers, b"retry-after"), _read(headers, b"retry-after-ms")
    if not text and not milliseconds:
        return None
    waits: list[float] = []
    if _NUMBER.fullmatch(text):
        waits.append(float(text))
    elif text:
        until = _read_date(text)
        if until is not None:
            now = _read_date(_read(headers, b"date"))
            waits.append(max(0.0, until - (wall if now is None else now)))
    if _NUMBER.fullmatch(milliseconds):
        waits.append(float(milliseconds) / 1000)
    return min(max(waits), MAX_WAIT_S) if waits else None


def _read(headers: Headers, name: bytes) -> bytes:
    return (first(headers, name) or b"").strip()


def _read_date(text: bytes) -> float | None:
    if not text or len(text) > _MAX_DATE:
        return None
    try:
        date = parsedate_to_datetime(text.decode("latin-1"))
        return (date if date.tzinfo is not None else date.replace(tzinfo=UTC)).timestamp()
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
