"""What keeps a caller's bytes from being a request, in our words."""

import re
from typing import Final

from aiohttp.http_exceptions import BadHttpMessage, BadHttpMethod, HttpProcessingError, LineTooLong

from proxy.retry import refused
from proxy.terms import Effect, Refusal, Refused

# What aiohttp says of a request line that is well formed but for its method.
_UNKNOWN_METHOD: Final = re.compile(
    r"^\s*b['\"][!#$%&'*+.^_`|~\w-]+ \S+ HTTP/1\.[01]['\"]$", re.MULTILINE
)
_BAD_REQUEST: Final = 400


class Unfinished(BadHttpMessage):
    """A head that is waited for no longer: what `CallerConnection` refuses in aiohttp's own way."""

    def __init__(self, reason: Refusal) -> None:
        super().__init__("")
        self.told = refused(reason)


def fault_of(status: int, exc: BaseException | None, max_line_bytes: int) -> Refused:
    """Say why aiohttp ended a request with *status* and *exc*; neither of them is ever shown."""
    if isinstance(exc, Unfinished):
        return exc.told
    if status != _BAD_REQUEST:
        # A bug that `Handler.serve` could not answer: nothing is known of what was sent.
        return Refused(reason=Refusal.INTERNAL, effect=Effect.UNKNOWN)
    if isinstance(exc, LineTooLong):
        # aiohttp has one class for a long request line and for long fields; its limit tells.
        is_line = exc.args[1:2] == (max_line_bytes,)
        return Refused(reason=Refusal.TARGET_TOO_LONG if is_line else Refusal.HEADERS_TOO_LARGE)
    if isinstance(exc, BadHttpMethod) and _UNKNOWN_METHOD.search(exc.message):
        return Refused(reason=Refusal.METHOD_UNKNOWN)
    if isinstance(exc, HttpProcessingError) and exc.message.startswith("Too many headers"):
        return Refused(reason=Refusal.HEADERS_TOO_LARGE)
    return Refused(reason=Refusal.MALFORMED)
