"""One answer, from bytes to a head and a body: sans-IO, a fresh parser for each answer.

Rule 1: llhttp tokenises; status, framing and sizes are judged here.
Rule 2: header values are read leniently: a control character in a field never loses a charge.
Rule 3: what must not have a body (HEAD, 204, 304) ends with its head, whatever the head says.
Rule 4: bytes after the end spoil the connection, never the answer.
Rule 5: lines of the head may end in LF alone, and a CR alone is a space (RFC 9112 section 2.2): a
    charge that was made is not lost for it, but its connection is not used again.
Rule 6: trailers are dropped (RFC 9110 section 6.5.1); interim answers are too, 101 is refused.
"""

import re
from typing import Final

import httptools
from msgspec import Struct

from proxy.terms import Headers, ProxyError
from proxy.terms.http import MAX_STATUS, MIN_STATUS, NO_CONTENT, NOT_MODIFIED, every, indexed

from .tokens import Tokens

MAX_HEAD_BYTES: Final = 65_536
MAX_HEADERS: Final = 256
MAX_INTERIM_ANSWERS: Final = 16
# A chunk costs at most a 16-digit size, a short extension and two line ends beside its bytes.
_CHUNK_OVERHEAD_BYTES: Final = 64
_SWITCHING_PROTOCOLS: Final = 101
_FIRST_FINAL_STATUS: Final = 200
_PREFIX: Final = b"HTTP/1."
_BARE_CR: Final = re.compile(rb"\r(?!\n)")
_BARE_LF: Final = re.compile(rb"(?<!\r)\n")


class Head(Struct, frozen=True):
    """Status line and header fields of an answer."""

    status: int
    reason: bytes
    headers: Headers
    length: int | None  # Content-Length, where it frames the body
    is_chunked: bool
    has_body: bool
    can_keep_alive: bool

    @property
    def is_close_delimited(self) -> bool:
        """Whether the body ends with the connection (RFC 9112 section 6.3, item 8)."""
        return self.has_body and not self.is_chunked and self.length is None


class ResponseParser:
    """Reads one answer to a request.

    After each `feed`: `head` is set once it has come, `take` gives the body bytes, `is_complete`
    says that the answer is whole, `problem` that it never will be.
    """

    __slots__ = (
        "_body",
        "_buffer",
        "_chunks",
        "_framing_bytes",
        "_is_head",
        "_tokens",
        "buffered",
        "has_excess",
        "head",
        "interim",
        "is_complete",
        "problem",
    )

    def __init__(self, *, is_head: bool) -> None:
        self._is_head = is_head
        self._buffer = b""
        self._tokens: Tokens | None = None
        self._body: list[bytes] = []
        self._chunks = 0
        self._framing_bytes = 0
        self.buffered = 0  # body bytes that nobody has taken yet
        self.interim = 0
        self.head: Head | None = None
        self.is_complete = False
        self.has_excess = False
        self.problem: ProxyError | None = None

    @property
    def is_ended(self) -> bool:
        """Whether nothing more can come of this answer."""
        return self.is_complete or self.problem is not None

    @property
    def is_reusable(self) -> bool:
        """Whether the connection may carry another request.

        Not after a head that may have a body behind it all the same: what comes late would be
        taken for the answer to the next request.
        """
        head = self.head
        if head is None or not self.is_complete or self.has_excess or not head.can_keep_alive:
            return False
        return head.has_body or not (self._is_head or head.is_chunked or head.length)

    def feed(self, data: bytes) -> None:
        """Take bytes as they came off the wire."""
        if self.is_complete:
            self.has_excess = True
        elif self.problem is None:
            if self.head is None:
                self._feed_head(data)
            else:
                self._feed_body(data)

    def feed_end(self, *, is_clean: bool) -> None:
        """Take the end of the connection; only a *clean* one ends a close-delimited body."""
        if self.is_ended:
            return
        if self.head is None:
            nothing_came = not self._buffer and not self.interim
            self.problem = (
                ProxyError.CONNECTION_TERMINATED
                if nothing_came
                else ProxyError.HTTP_RESPONSE_INCOMPLETE
            )
        elif self.head.is_close_delimited and is_clean:
            self.is_complete = True
        else:
            self.problem = ProxyError.HTTP_RESPONSE_INCOMPLETE

    def take(self) -> bytes:
        """Give the body bytes that have come since the last time."""
        body = self._body[0] if len(self._body) == 1 else b"".join(self._body)
        self._body.clear()
        self.buffered = 0
        return body

    def _feed_head(self, data: bytes) -> None:
        # Empty lines before an answer are none of it, as they are none of a request.
        self._buffer = self._buffer + data if self._buffer else data.lstrip(b"\r\n")
        while self._buffer and self.head is None and self.problem is None:
            if not self._buffer.startswith(_PREFIX[: len(self._buffer)]):
                self.problem = ProxyError.HTTP_PROTOCOL_ERROR
                return
            end = _end_of_head(self._buffer)
            if (len(self._buffer) if end is None else end) > MAX_HEAD_BYTES:
                self.problem = ProxyError.HTTP_RESPONSE_HEADER_SIZE
                return
            if end is None:
                return
            raw, self._buffer = self._buffer[:end], self._buffer[end:]
            self._read_head(raw)
        if self.head is not None and self._buffer:
            rest, self._buffer = self._buffer, b""
            self.feed(rest)

    def _read_head(self, raw: bytes) -> None:
        tokens = Tokens()
        tidied = _tidied(raw)
        try:
            tokens.feed(tidied)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.problem = ProxyError.HTTP_PROTOCOL_ERROR
            return
        tokens.can_keep_alive = tokens.can_keep_alive and tidied is raw
        status = tokens.status
        if not MIN_STATUS <= status <= MAX_STATUS:
            self.problem = ProxyError.HTTP_PROTOCOL_ERROR
        elif len(tokens.headers) > MAX_HEADERS:
            self.problem = ProxyError.HTTP_RESPONSE_HEADER_SIZE
        elif status < _FIRST_FINAL_STATUS:
            # We asked for none of them (no Expect, no Upgrade): RFC 9110 section 15.2.
            self.interim += 1
            if status == _SWITCHING_PROTOCOLS or self.interim > MAX_INTERIM_ANSWERS:
                self.problem = ProxyError.HTTP_PROTOCOL_ERROR
        else:
            self._open_body(tokens)

    def _open_body(self, tokens: Tokens) -> None:
        headers = indexed(tokens.headers)
        # As they stand: httptools too ends a body by this one word alone (RFC 9112 section 6.1).
        codings = [value.strip(b" \t").lower() for value in every(headers, b"transfer-encoding")]
        has_body = not (self._is_head or tokens.status in {NO_CONTENT, NOT_MODIFIED})
        if has_body and codings not in ([], [b"chunked"]):
            self.problem = ProxyError.HTTP_RESPONSE_TRANSFER_CODING
            return
        lengths = every(headers, b"content-length")
        self.head = Head(
            status=tokens.status,
            reason=tokens.reason,
            headers=headers,
            # llhttp has refused a repeated, odd or second (beside chunked) Content-Length.
            length=int(lengths[0]) if lengths and not codings else None,
            is_chunked=bool(codings),
            has_body=has_body,
            # RFC 9112 section 6.1: a coding in HTTP/1.0 is faulty framing.
            can_keep_alive=tokens.can_keep_alive and not (codings and tokens.is_old),
        )
        if not has_body or tokens.is_complete:
            self.is_complete = True
            tokens.close()
        else:
            self._tokens = tokens

    def _feed_body(self, data: bytes) -> None:
        tokens = self._tokens
        assert tokens is not None, "a body is open"
        try:
            tokens.feed(data)
        except (httptools.HttpParserError, httptools.HttpParserUpgrade):
            self.has_excess = tokens.is_complete
            if not tokens.is_complete:
                self.problem = ProxyError.HTTP_RESPONSE_INCOMPLETE
        came = sum(map(len, tokens.body))
        self._body += tokens.body
        self.buffered += came
        tokens.body.clear()
        if tokens.is_complete:
            self.is_complete = True
            self.has_excess = self.has_excess or tokens.has_begun_again
            self._tokens = None
            tokens.close()
            return
        # Trailers and chunk extensions are read into memory by llhttp's binding: bound them.
        self._framing_bytes += len(data) - came
        if self._framing_bytes > MAX_HEAD_BYTES + _CHUNK_OVERHEAD_BYTES * tokens.chunks:
            self.problem = ProxyError.HTTP_RESPONSE_HEADER_SIZE


def _end_of_head(data: bytes) -> int | None:
    """Give how long a head is, its empty line included; None where that has not come."""
    end = data.find(b"\n\r\n")
    bare = data.find(b"\n\n", 0, len(data) if end < 0 else end + 1)  # rule 5
    if bare >= 0:
        return bare + 2
    return None if end < 0 else end + 3


def _tidied(head: bytes) -> bytes:
    """Give *head* with lines that end in CR and LF, and no CR elsewhere; itself if it is so."""
    ends = head.count(b"\r\n")
    if head.count(b"\n") == head.count(b"\r") == ends:
        return head
    return _BARE_LF.sub(b"\r\n", _BARE_CR.sub(b" ", head))
