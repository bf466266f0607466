"""What llhttp says of one message: the tokens, without a judgement."""

import httptools


class Tokens:
    """One message, as llhttp calls it back. Fields of a trailer are left out (RFC 9110 6.5.1)."""

    __slots__ = (
        "_has_begun",
        "_has_head",
        "_parser",
        "body",
        "can_keep_alive",
        "chunks",
        "has_begun_again",
        "headers",
        "is_complete",
        "is_old",
        "reason",
        "status",
    )

    def __init__(self) -> None:
        parser = httptools.HttpResponseParser(self)
        parser.set_dangerous_leniencies(lenient_headers=True, lenient_spaces_after_chunk_size=True)
        self._parser: httptools.HttpResponseParser | None = parser
        self._has_begun = False
        self._has_head = False
        self.status = 0
        self.reason = b""
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.chunks = 0
        self.can_keep_alive = False
        self.is_old = False  # HTTP/1.0
        self.is_complete = False
        self.has_begun_again = False

    def feed(self, data: bytes) -> None:
        """Take bytes.

        Raises:
            httptools.HttpParserError: they are no HTTP.
            httptools.HttpParserUpgrade: they are no HTTP from here on.
        """
        assert self._parser is not None, "it is not closed"
        self._parser.feed_data(data)

    def close(self) -> None:
        """Let llhttp go: each holds the other, and only the garbage collector would part them."""
        self._parser = None

    def on_message_begin(self) -> None:
        """Note that a message begins: the second time, that bytes follow the first."""
        self.has_begun_again = self._has_begun
        self._has_begun = True

    def on_status(self, reason: bytes) -> None:
        """Take the reason phrase."""
        self.reason = reason

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a field."""
        if not self._has_head:
            # RFC 9112 section 5.1: white space before the colon is taken out of an answer.
            self.headers.append((name.rstrip(b" \t"), value.rstrip(b" \t")))

    def on_headers_complete(self) -> None:
        """Take what the head says as a whole."""
        if not self._has_head and self._parser is not None:
            self._has_head = True
            self.status = self._parser.get_status_code()
            self.can_keep_alive = self._parser.should_keep_alive()
            self.is_old = self._parser.get_http_version() == "1.0"

    def on_body(self, data: bytes) -> None:
        """Take a piece of the body."""
        if not self.is_complete:
            self.body.append(data)

    def on_chunk_header(self) -> None:
        """Count a chunk."""
        self.chunks += 1

    def on_message_complete(self) -> None:
        """Note the end of the message."""
        self.is_complete = True
