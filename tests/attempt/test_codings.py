"""Where a success has to be read, it comes in a coding that can be."""

import pytest

from proxy.attempt import RequestHead
from tests.support import make


@pytest.mark.parametrize(
    ("accepted", "told"),
    [
        (b"gzip, deflate, br, zstd", b"gzip, deflate"),
        (b"br;q=1.0, GZIP;q=0.5, *;q=0.1", b"GZIP;q=0.5"),
        (b"br", b"identity"),
        (b"", b"identity"),
        (b"identity", b"identity"),
    ],
)
def test_a_coding_that_nobody_here_unpacks_is_not_offered(accepted: bytes, told: bytes) -> None:
    head = RequestHead(b"acme", lambda: ())
    call = make.call(headers=((b"Accept-encoding", accepted), (b"X-A", b"br")))
    assert b"\r\nAccept-encoding: %b\r\nX-A: br\r\n" % told in head.render(call, is_read=True)
    assert b"\r\nAccept-encoding: %b\r\n" % accepted in head.render(call)
