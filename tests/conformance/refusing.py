"""Sends what must be refused, with a request hidden behind it, and sees that nothing came of it."""

from typing import Any

from tests.support.caller import caller, head, sound_envelope
from tests.support.sidecar import Reply
from tests.support.world import CANARY, world

HIDDEN = head("GET /acme/hidden HTTP/1.1")


async def closed(raw: bytes, *, hidden: bytes = HIDDEN, **settings: Any) -> Reply:
    """Give the one answer to *raw*: an envelope of ours, then the end of the connection.

    Nothing of *raw*, nor the request behind it, went on, and nothing of it is shown or logged.
    Where *raw* is the last of its connection by itself, what is behind it would be the fault.
    """
    async with world(**settings) as here, caller(here.proxy.port) as one:
        await one.send(raw + hidden)
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (envelope["origin"], envelope["outcome"]) == ("proxy", "not_sent")
        assert (envelope["attempts"], envelope["retryable"]) == (0, False)
        assert "error=http_request_error" in str(reply.header("Proxy-Status"))
        assert reply.header("Connection") == "close"
        assert await one.rest() == b""
        assert (here.upstream.requests, here.upstream.connections) == (0, 0)
        shown = reply.body + b"".join(name + value for name, value in reply.headers)
        assert CANARY.encode() not in shown
        assert CANARY not in here.proxy.log.getvalue()
        return reply


async def malformed(raw: bytes, *, hidden: bytes = HIDDEN, **settings: Any) -> None:
    """See that *raw* is refused as no sound request."""
    reply = await closed(raw, hidden=hidden, **settings)
    assert (reply.status, reply.json["error_code"]) == (400, "malformed_request")
