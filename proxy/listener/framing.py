"""Where the body of a request ends in its caller's bytes, so that the next one can be told. Pure.

aiohttp's parser reads the bytes and does not say how many it took: what is counted here is exact.
"""

from typing import Final, Protocol

from proxy.terms import Headers
from proxy.terms.http import every, first

# Beside its bytes a chunk has a size and two line ends; extensions and trailers are let be up to
# here, and no further (RFC 9112 section 7.1.1).
MAX_FRAMING_BYTES: Final = 16_384
_FRAMING_FOR_EACH_BYTE: Final = 16  # a caller may send chunks of one byte
_CRLF: Final = b"\r\n"


class Framing(Protocol):
    """Follows one body to its end."""

    is_ended: bool

    @property
    def is_excessive(self) -> bool:
        """Whether there is more framing than any content needs."""

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the body, and give what follows it."""


class LengthFraming:
    """A body of so many bytes."""

    def __init__(self, length: int) -> None:
        self._left = length
        self.is_ended = length == 0

    @property
    def is_excessive(self) -> bool:
        """No: a length is all its framing."""
        return False

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the body, and give what follows it."""
        if len(data) < self._left:
            self._left -= len(data)
            return b""
        rest = data[self._left :]
        self._left = 0
        self.is_ended = True
        return rest


class ChunkedFraming:
    """A body in chunks. What is malformed is for the parser to refuse: here it has no end."""

    def __init__(self) -> None:
        self._line = b""  # the beginning of a line whose end has not come
        self._left = 0  # of the chunk's bytes and the line end behind them
        self._is_in_trailer = False
        self._content_bytes = 0
        self._framing_bytes = 0
        self.is_ended = False

    @property
    def is_excessive(self) -> bool:
        """Whether there is more framing than any content needs."""
        if len(self._line) > MAX_FRAMING_BYTES:  # one line is none of many small chunks
            return True
        return self._framing_bytes > (
            MAX_FRAMING_BYTES + _FRAMING_FOR_EACH_BYTE * self._content_bytes
        )

    def feed(self, data: bytes) -> bytes:
        """Take what belongs to the body, and give what follows it."""
        place = 0
        while place < len(data):
            if self._left:
                taken = min(self._left, len(data) - place)
                self._left -= taken
                self._content_bytes += taken
                place += taken
                continue
            end = self._end_of_line(data, place)
            if end < 0:
                if len(self._line) <= MAX_FRAMING_BYTES:  # what is more is excessive already
                    self._line += data[place:]
                return b""
            line = self._line + data[place:end]
            self._line = b""
            place = end
            self._read_line(line)
            if self.is_ended:
                return data[place:]
        return b""

    def _end_of_line(self, data: bytes, place: int) -> int:
        """Give where the line ends that *data* goes on with at *place*, its end included."""
        if self._line.endswith(b"\r") and data[place : place + 1] == b"\n":
            return place + 1
        found = data.find(_CRLF, place)
        return found if found < 0 else found + len(_CRLF)

    def _read_line(self, line: bytes) -> None:
        self._framing_bytes += len(line)
        if self._is_in_trailer:
            self.is_ended = line == _CRLF
            return
        try:
            size = int(line.partition(b";")[0], 16)
        except ValueError:
            return  # no size: the parser refuses it
        self._is_in_trailer = size == 0
        self._left = size + len(_CRLF) if size > 0 else 0


def framing_of(headers: Headers) -> Framing | None:
    """Say how the body behind a head is framed, None where there is none.

    A head that is not sound is refused by others.
    """
    if every(headers, b"transfer-encoding"):
        return ChunkedFraming()
    length = first(headers, b"content-length") or b"0"
    return LengthFraming(int(length)) if length.isdigit() and int(length) else None
