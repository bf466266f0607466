"""Fields of an answer that are added or kept: Date, and what speaks of a part."""

from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime

import pytest

from tests.support.caller import head
from tests.support.raw import Step, answer, send
from tests.support.sidecar import Reply
from tests.support.world import post, world

GET = head("GET /acme/x HTTP/1.1")
POST = post("Content-Length: 2", body=b"{}")
BOTH = pytest.mark.parametrize("request_bytes", [GET, POST], ids=["get", "post"])
THEN = "Tue, 15 Nov 1994 08:12:31 GMT"
ONCE = {"retry": {"max_attempts": 1}}


def date_of(reply: Reply) -> datetime:
    """Give the one Date of *reply*, once it is known to be an IMF-fixdate."""
    (told,) = [value.decode() for name, value in reply.headers if name.lower() == b"date"]
    date = parsedate_to_datetime(told)
    assert told == date.strftime("%a, %d %b %Y %H:%M:%S GMT")
    return date


WITHOUT_DATE: dict[str, Step] = {
    "success": answer(201),
    "no_content": answer(204, b""),
    "streamed": answer(200, b"x" * 2_000_000),
    "not_modified": send(b"HTTP/1.1 304 Not Modified\r\nETag: x\r\n\r\n"),
    "error": answer(500),
    "no_answer": send(b"", keep=False),
}


@pytest.mark.item(59)
@BOTH
@pytest.mark.parametrize("name", WITHOUT_DATE)
async def test_an_answer_without_a_date_is_given_one(name: str, request_bytes: bytes) -> None:
    async with world(WITHOUT_DATE[name], acme=ONCE) as here:
        before = datetime.now(UTC).replace(microsecond=0)
        date = date_of(await here.ask(request_bytes))
        assert before <= date.replace(tzinfo=UTC) <= datetime.now(UTC) + timedelta(seconds=1)


@pytest.mark.item(59)
@pytest.mark.parametrize("raw", [b"nonsense\r\n\r\n", head("GET /nobody HTTP/1.1")])
async def test_a_refusal_of_ours_has_a_date(raw: bytes) -> None:
    async with world() as here:
        date_of(await here.ask(raw))


@pytest.mark.item(59)
@BOTH
@pytest.mark.parametrize("status", [200, 204, 404, 503])
@pytest.mark.parametrize("name", ["Date", "date"])
async def test_the_providers_date_stays_the_only_one(
    status: int, name: str, request_bytes: bytes
) -> None:
    async with world(answer(status, b"", [(name, THEN)]), acme=ONCE) as here:
        reply = await here.ask(request_bytes)
        assert date_of(reply) == parsedate_to_datetime(THEN)


PARTS: dict[str, tuple[int, bytes, list[tuple[str, str]]]] = {
    "one": (206, b"ab", [("Content-Range", "bytes 0-1/9"), ("ETag", '"x"')]),
    "several": (
        206,
        b"--s\r\nContent-Range: bytes 0-0/9\r\n\r\na\r\n--s--\r\n",
        [("Content-Type", "multipart/byteranges; boundary=s")],
    ),
    "all_of_it": (200, b"abcdefghi", [("Accept-Ranges", "bytes"), ("ETag", '"y"')]),
}


@pytest.mark.item(60)
@BOTH
@pytest.mark.parametrize("name", PARTS)
async def test_what_asks_for_a_part_and_what_answers_it_cross_untouched(
    name: str, request_bytes: bytes
) -> None:
    status, body, fields = PARTS[name]
    asked = b'Range: bytes=0-0,-1\r\nIf-Range: "x"\r\n'
    async with world(answer(status, body, fields)) as here:
        reply = await here.ask(request_bytes.replace(b"\r\n\r\n", b"\r\n" + asked + b"\r\n", 1))
        seen = here.upstream.seen[0]
        assert seen.values(b"range") == [b"bytes=0-0,-1"]
        assert seen.values(b"if-range") == [b'"x"']
        assert (reply.status, reply.body) == (status, body)
        assert [(n, reply.header(n)) for n, _ in fields] == fields


@pytest.mark.item(60, 75)
async def test_a_416_is_an_error_like_others_and_stands_as_it_is_in_passthrough() -> None:
    fields = [("Content-Range", "bytes */9"), ("Content-Type", "text/plain")]
    async with world(answer(416, b"no such part", fields)) as here:
        told = await here.ask(GET)
        assert (told.status, told.json["provider"]["status"]) == (400, 416)
        assert told.header("Content-Range") is None
        request = head("GET /acme/x HTTP/1.1", "Paysluice-Errors: passthrough")
        stood = await here.ask(request)
        assert (stood.status, stood.body) == (416, b"no such part")
        assert [(n, stood.header(n)) for n, _ in fields] == fields
