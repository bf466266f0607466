"""`Expect`, and what is not upgraded to: a caller is told at once, a provider is asked for none."""

from typing import Any

import pytest

from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import Seen, answer
from tests.support.sidecar import Reply
from tests.support.world import World, post, world

EXPECT = "Expect: 100-continue"
CLOSE = "Connection: close"
GET = head("GET /acme/x HTTP/1.1")
ONCE: dict[str, Any] = {"retry": {"max_attempts": 1}}
CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"


async def raw_answer(here: World, request: bytes, body: bytes = b"") -> bytes:
    """Give all the bytes that come back; *body* goes out once a byte of them has come."""
    async with caller(here.proxy.port) as one:
        await one.send(request)
        began = await one.reader.readuntil(b"\r\n\r\n")
        await one.send(body)
        return began + await one.rest()


REFUSED: dict[str, tuple[int, dict[str, Any], str]] = {
    "path": (404, {}, "POST /nobody HTTP/1.1"),
    "method": (501, {}, "BREW /acme/x HTTP/1.1"),
    "trace": (405, {}, "TRACE /acme/x HTTP/1.1"),
    "dot_segment": (400, {}, "POST /acme/../x HTTP/1.1"),
    "paused": (503, {"acme": {"paused": "payments"}}, "POST /acme/x HTTP/1.1"),
    "too_large": (413, {"max_body": "3B"}, "POST /acme/x HTTP/1.1"),
}


@pytest.mark.item(55)
@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_refused_is_refused_before_a_byte_of_content_is_asked_for(name: str) -> None:
    status, settings, line = REFUSED[name]
    async with world(**settings) as here, caller(here.proxy.port) as one:
        await one.send(post(EXPECT, "Content-Length: 4", line=line))
        reply = await one.answer()
        assert (reply.status, sound_envelope(reply)["outcome"]) == (status, "not_sent")
        assert here.upstream.requests == 0


NARROW = {"rate_limits": [{"name": "a", "rate": "1/1m", "burst": 1, "max_wait": "0s"}]}


@pytest.mark.item(55)
async def test_a_rate_limit_speaks_after_100_since_a_token_is_waited_for() -> None:
    async with world(acme=ONCE | NARROW) as here:
        assert (await here.ask(GET)).status == 200
        told = await raw_answer(here, post(EXPECT, "Content-Length: 4", CLOSE), b"body")
        assert told.startswith(CONTINUE + b"HTTP/1.1 429 ")
        assert here.upstream.requests == 1


@pytest.mark.item(55)
@pytest.mark.parametrize("framing", ["Content-Length: 4", "Transfer-Encoding: chunked"])
@pytest.mark.parametrize("replay_body", ["1MiB", "1B"], ids=["kept", "streamed"])
async def test_content_is_asked_for_once_and_the_provider_is_asked_nothing(
    framing: str, replay_body: str
) -> None:
    body = b"body" if framing.startswith("Content") else b"4\r\nbody\r\n0\r\n\r\n"
    async with world(answer(201), replay_body=replay_body) as here:
        told = await raw_answer(here, post(EXPECT, framing, CLOSE), body)
        assert told.startswith(CONTINUE + b"HTTP/1.1 201 ")
        assert told.count(b"HTTP/1.1 ") == 2
        assert here.upstream.seen[0].body == b"body"
        assert here.upstream.seen[0].values(b"expect") == []


@pytest.mark.item(55, 56)
@pytest.mark.parametrize("expect", [EXPECT, "Expect: something-else"])
async def test_http_1_0_gets_one_answer_whatever_it_expects(expect: str) -> None:
    async with world() as here:
        request = post(expect, "Content-Length: 2", line="POST /acme/x HTTP/1.0", body=b"{}")
        told = await raw_answer(here, request)
        assert told.startswith(b"HTTP/1.1 200 ")
        assert told.count(b"HTTP/1.") == 1


@pytest.mark.item(55)
@pytest.mark.parametrize(
    "expect", ["something-else", "100-continue, x", "100-continue=1", "200-ok"]
)
async def test_another_expectation_is_ignored_and_goes_no_further(expect: str) -> None:
    async with world() as here:
        request = post(f"Expect: {expect}", "Content-Length: 2", CLOSE, body=b"{}")
        told = await raw_answer(here, request)
        assert told.startswith(b"HTTP/1.1 200 ")
        assert here.upstream.seen[0].values(b"expect") == []


UPGRADES = ["h2c", "websocket", "TLS/1.0, HTTP/1.1"]


@pytest.mark.item(56)
@pytest.mark.parametrize("protocol", UPGRADES)
async def test_an_upgrade_that_is_asked_for_is_not_passed_on_and_never_switched_to(
    protocol: str,
) -> None:
    async with world() as here:
        fields = ("Connection: Upgrade, HTTP2-Settings", "HTTP2-Settings: AAMAAABk")
        reply: Reply = await here.ask(head("GET /acme/x HTTP/1.1", f"Upgrade: {protocol}", *fields))
        seen: Seen = here.upstream.seen[0]
        assert reply.status == 200
        assert [name for name, _ in seen.fields] == [b"Host", b"Via"]
