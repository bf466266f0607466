"""The head of a request, byte for byte: what the caller sent, and nothing it did not ask for."""

from collections.abc import Callable

from proxy.terms import Call, Headers, Span
from proxy.terms.trace import TRACEPARENT, traceparent

_READABLE = frozenset({b"gzip", b"x-gzip", b"deflate", b"identity"})  # what `extract` unpacks
# RFC 9110 section 8.6: a method that anticipates content says so when there is none.
_ANTICIPATE_CONTENT = frozenset({"POST", "PUT", "PATCH"})


class RequestHead:
    """Writes request heads to one origin.

    *configured* gives the header fields that the config sets on every request; it is asked for
    each request, so that a rotated secret takes effect, and its bytes are kept while it gives
    the very same object.
    """

    def __init__(self, authority: bytes, configured: Callable[[], Headers]) -> None:
        self._host = b"Host: " + authority + b"\r\n"
        self._configured = configured
        self._seen: Headers = ()
        self._names: frozenset[bytes] = frozenset()
        self._lines = b""

    def render(self, call: Call, *, is_read: bool = False, span: Span | None = None) -> bytes:
        """Give the head of *call*, its framing last.

        *is_read* says that a success of it has to be read, since a rule may call it an error:
        then the provider is not offered content codings that nobody here unpacks. *span* is the
        attempt's: the provider's own spans are its children.
        """
        configured = self._configured()
        if configured is not self._seen:
            self._seen = configured
            self._names = frozenset(name.lower() for name, _ in configured)
            self._lines = b"".join(_line(name, value) for name, value in configured)
        parts = [call.method.encode("ascii"), b" ", call.target, b" HTTP/1.1\r\n", self._host]
        parent = span if span is not None and span.is_passed_on else None
        headers = call.headers if parent is None else _without_parent(call.headers)
        for name, value in headers:
            if not self._names or name.lower() not in self._names:
                if is_read and name.lower() == b"accept-encoding":
                    value = _readable(value)  # noqa: PLW2901 - of this one field
                parts += (name, b": ", value, b"\r\n")
        if parent is not None:
            parts.append(_line(TRACEPARENT, traceparent(parent)))
        parts += (self._lines, _framing(call), b"\r\n")
        return b"".join(parts)


def _readable(accepted: bytes) -> bytes:
    """Give the codings of *accepted* that can be read here, `identity` where there is none."""
    members = (member.strip(b" \t") for member in accepted.split(b","))
    kept = [each for each in members if each.partition(b";")[0].strip().lower() in _READABLE]
    return b", ".join(kept) or b"identity"


def _without_parent(headers: Headers) -> Headers:
    return tuple([field for field in headers if field[0].lower() != TRACEPARENT])


def _line(name: bytes, value: bytes) -> bytes:
    return name + b": " + value + b"\r\n"


def _framing(call: Call) -> bytes:
    body = call.body
    length = len(body) if isinstance(body, bytes) else body.length
    if length is None:
        return b"Transfer-Encoding: chunked\r\n"
    if length == 0 and call.method not in _ANTICIPATE_CONTENT:
        return b""
    return b"Content-Length: %d\r\n" % length
