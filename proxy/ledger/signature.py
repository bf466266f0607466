"""Whether a webhook comes from the provider: its signature over the raw body, and its age. Pure.

Rules:

1. Every signature of every line is looked at (a provider that rotates its secret sends two), up to
   a bound, and each is compared in constant time. The time in a line goes with its signatures.
2. A time counts only once it is signed right. Where none is signed there is none to look at: a
   repeat is met by its id, under which an event settles once.
3. Without a secret nothing is signed right: anybody can sign with an empty one.
"""

import base64
import binascii
import hmac
import re
from enum import StrEnum
from itertools import islice
from typing import Final

from proxy.providers.dealings import WebhookSignature
from proxy.terms import Headers
from proxy.terms.http import every

_MAX_HEADER: Final = 4_096
_MAX_LINES: Final = 4
_MAX_TRIED: Final = 16  # of a line


class Verdict(StrEnum):
    """What is to be thought of a webhook."""

    VALID = "valid"
    MISSING = "missing"  # nothing is signed in the way that the profile knows
    WRONG = "wrong"
    STALE = "stale"  # signed by the provider, and too long ago, or ahead of its time


_BEST_FIRST: Final = (Verdict.VALID, Verdict.STALE, Verdict.WRONG)


class Signature:
    """Verifies the webhooks of one provider."""

    def __init__(self, rule: WebhookSignature) -> None:
        self._header = rule.header.lower().encode("ascii")
        self._pattern = re.compile(rule.pattern)
        self._digest = rule.algorithm.removeprefix("hmac_")
        self._is_hex = rule.encoding == "hex"
        self._timestamp = None if rule.timestamp is None else re.compile(rule.timestamp)

    def verify(
        self, secret: str, headers: Headers, body: bytes, *, now: float, tolerance_s: float
    ) -> Verdict:
        """Say what *secret* makes of a webhook. It never raises, whatever came."""
        found = {
            self._judge(secret, value[:_MAX_HEADER].decode("latin-1"), body, now, tolerance_s)
            for value in every(headers, self._header)[:_MAX_LINES]
        }
        return next((each for each in _BEST_FIRST if each in found), Verdict.MISSING)

    def _judge(
        self, secret: str, line: str, body: bytes, now: float, tolerance_s: float
    ) -> Verdict:
        given = list(islice(self._pattern.finditer(line), _MAX_TRIED))
        signed_at = "" if self._timestamp is None else _first(self._timestamp, line)
        if not given or signed_at is None:
            return Verdict.MISSING
        signed = body if self._timestamp is None else f"{signed_at}.".encode("latin-1") + body
        right = hmac.digest(secret.encode("utf-8", "surrogatepass"), signed, self._digest)
        is_right = [hmac.compare_digest(right, self._decode(each["signature"])) for each in given]
        if not secret or not any(is_right):
            return Verdict.WRONG
        is_fresh = self._timestamp is None or _is_fresh(signed_at, now, tolerance_s)
        return Verdict.VALID if is_fresh else Verdict.STALE

    def _decode(self, text: str | None) -> bytes:
        if text is None:  # a group of the pattern that need not be there
            return b""
        try:
            return bytes.fromhex(text) if self._is_hex else base64.b64decode(text.strip())
        except (ValueError, binascii.Error):
            return b""


def _first(pattern: re.Pattern[str], text: str) -> str | None:
    found = pattern.search(text)
    return None if found is None else found[1]


def _is_fresh(timestamp: str, now: float, tolerance_s: float) -> bool:
    if not timestamp.isascii() or not timestamp.isdigit() or len(timestamp) > len("1700000000"):
        return False
    return abs(now - int(timestamp)) <= tolerance_s
