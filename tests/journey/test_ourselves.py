"""What is asked of the proxy itself, and what it says of itself to the provider."""

import pytest

from tests.support.caller import caller, head
from tests.support.world import world

ALLOW = "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY"


@pytest.mark.item(50)
@pytest.mark.parametrize(
    "request_head",
    [
        head("OPTIONS /acme/x HTTP/1.1", "Max-Forwards: 0"),
        head("OPTIONS * HTTP/1.1"),
        head("OPTIONS * HTTP/1.1", "Max-Forwards: 5"),
    ],
)
async def test_an_options_that_is_for_us_is_answered_by_us(request_head: bytes) -> None:
    async with world() as here, caller(here.proxy.port) as one:
        for _ in range(2):
            await one.send(request_head)
            reply = await one.answer()
            assert (reply.status, reply.header("Allow")) == (204, ALLOW)
            assert reply.header("Paysluice-Attempts") == "0"
            assert reply.header("Content-Length") is None
        assert here.upstream.requests == 0


@pytest.mark.item(50)
@pytest.mark.parametrize(
    ("method", "value", "goes_on_as"),
    [
        ("OPTIONS", "3", b"2"),
        ("OPTIONS", "1", b"0"),
        ("OPTIONS", "many", b"many"),
        ("GET", "3", b"3"),
    ],
)
async def test_max_forwards_goes_on_with_one_less_where_it_counts(
    method: str, value: str, goes_on_as: bytes
) -> None:
    async with world() as here:
        reply = await here.ask(head(f"{method} /acme/x HTTP/1.1", f"Max-Forwards: {value}"))
        assert reply.status == 200
        assert here.upstream.seen[0].values(b"Max-Forwards") == [goes_on_as]


@pytest.mark.item(50)
async def test_trace_is_refused_whatever_max_forwards_says() -> None:
    async with world() as here:
        reply = await here.ask(head("TRACE /acme/x HTTP/1.1", "Max-Forwards: 0"))
        assert (reply.status, reply.header("Allow")) == (405, ALLOW)


@pytest.mark.item(49)
@pytest.mark.parametrize(
    ("version", "fields", "via"),
    [
        ("1.1", [], b"1.1 paysluice"),
        ("1.0", [], b"1.0 paysluice"),
        ("1.1", ["Via: 1.0 fred"], b"1.0 fred, 1.1 paysluice"),
        ("1.1", ["Via: 1.0 fred", "via: 1.1 p (x)"], b"1.0 fred, 1.1 p (x), 1.1 paysluice"),
    ],
)
async def test_via_names_us_last_and_the_version_that_the_caller_spoke(
    version: str, fields: list[str], via: bytes
) -> None:
    async with world() as here:
        reply = await here.ask(head(f"GET /acme/x HTTP/{version}", *fields))
        assert reply.status == 200
        assert here.upstream.seen[0].values(b"Via") == [via]
