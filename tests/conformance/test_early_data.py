"""Early data (RFC 8470): what it says goes on, and a 425 comes back to who asked for it."""

import pytest

from tests.support.caller import head, sound_envelope
from tests.support.raw import RawProvider, answer, send
from tests.support.sidecar import provider, sidecar
from tests.support.world import post, world

EARLY = {"Early-Data": "1"}
OK = answer(200, b'{"id":1}')


@pytest.mark.item(99)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_early_data_goes_on_as_it_came(method: str) -> None:
    async with world() as here:
        await here.ask(head(f"{method} /acme/x HTTP/1.1", "Early-Data: 1", "Content-Length: 0"))
        await here.ask(head(f"{method} /acme/x HTTP/1.1", "Content-Length: 0"))
        first, second = here.upstream.seen
        assert first.values(b"early-data") == [b"1"]
        assert second.values(b"early-data") == []


@pytest.mark.item(99)
@pytest.mark.parametrize("named", ["Early-Data", "early-data", "x, EARLY-DATA"])
async def test_connection_may_not_name_early_data(named: str) -> None:
    async with world() as here:
        reply = await here.ask(post("Early-Data: 1", f"Connection: {named}"))
        assert (reply.status, sound_envelope(reply)["error_code"]) == (400, "malformed_request")
        assert here.upstream.requests == 0


@pytest.mark.item(99)
async def test_early_data_stands_in_no_answer_and_in_no_trailer() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n"
    async with world(send(chunked + b"Early-Data: 1\r\n\r\n")) as here:
        fields = ("Transfer-Encoding: chunked", "Trailer: Early-Data")
        body = b"2\r\n{}\r\n0\r\nEarly-Data: 1\r\n\r\n"
        reply = await here.ask(head("POST /acme/x HTTP/1.1", *fields) + body)
        assert (reply.status, reply.header("Early-Data")) == (200, None)
        (seen,) = here.upstream.seen
        assert seen.values(b"early-data") == seen.values(b"trailer") == []
        assert seen.body == b"{}"


@pytest.mark.item(100)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_425_that_stays_comes_back_as_425(method: str) -> None:
    async with (
        RawProvider([answer(425)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask(method, "/acme/x", EARLY, b"{}")
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (425, "too_early")
        assert (envelope["outcome"], envelope["retryable"]) == ("rejected", True)


@pytest.mark.item(100)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_425_to_early_data_is_the_callers_to_repeat(method: str) -> None:
    # RFC 8470 section 5.2: who passed the field on MUST pass the 425 on; a repeat is as early.
    async with (
        RawProvider([answer(425), OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask(method, "/acme/x", EARLY, b"{}")
        assert (reply.status, upstream.requests) == (425, 1)


@pytest.mark.item(100)
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_425_to_what_was_not_early_is_sent_again(method: str) -> None:
    async with (
        RawProvider([answer(425), OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        assert (await proxy.ask(method, "/acme/x", body=b"{}")).status == 200
        assert upstream.requests == 2
