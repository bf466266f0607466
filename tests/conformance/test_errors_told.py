"""How an error is told over the wire: its shape, the fields beside it, and Proxy-Status."""

import re

import pytest

from tests.support import raw
from tests.support.caller import head, sound_envelope
from tests.support.raw import Step, answer, send
from tests.support.world import world

POST = head("POST /acme/payments HTTP/1.1", "Content-Length: 2") + b"{}"
# RFC 9651: an Item of Token or String, and parameters whose values are bare Items.
_BARE = (
    r'(?:-?\d{1,15}|"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"|[A-Za-z*][\w!#$%&\'*+.^`|~:/-]*)'
)
_MEMBER = re.compile(rf"({_BARE})((?:;\s*[a-z*][a-z0-9_.*-]*(?:={_BARE})?)*)")


def members(field: str) -> list[tuple[str, dict[str, str]]]:
    """Read a List strictly: what is no List of RFC 9651 is an error of the test."""
    found: list[tuple[str, dict[str, str]]] = []
    while True:
        member = _MEMBER.match(field)
        assert member is not None, field
        pairs = re.findall(rf";\s*([a-z*][a-z0-9_.*-]*)(?:=({_BARE}))?", member[2])
        found.append((member[1], dict(pairs)))
        field = field[member.end() :].lstrip(" \t")
        if not field:
            return found
        assert field[0] == ",", field
        field = field[1:].lstrip(" \t")


@pytest.mark.item(79, 81, 82)
@pytest.mark.parametrize("mode", ["envelope", "passthrough"])
async def test_a_providers_error_has_its_status_and_the_members_of_others_come_first(
    mode: str,
) -> None:
    fields = [
        ("Proxy-Status", '"a, b"; details="x;y", edge; received-status=500'),
        ("proxy-status", "cdn"),
    ]
    async with world(answer(422, b"{}", fields), acme={"errors": {"mode": mode}}) as here:
        reply = await here.ask(POST)
        (line,) = [v for k, v in reply.headers if k.lower() == b"proxy-status"]
        told = members(line.decode("ascii"))
        assert [name for name, _ in told] == ['"a, b"', "edge", "cdn", "paysluice"]
        assert told[-1][1]["received-status"] == "422"
        assert "error" not in told[-1][1]


OWN: dict[str, tuple[list[Step], bytes, int, str]] = {
    "nobody": ([], head("GET /nobody HTTP/1.1"), 404, "destination_not_found"),
    "method": ([], head("TRACE /acme/x HTTP/1.1"), 405, "http_request_error"),
    "host": ([], head("GET /acme/x HTTP/1.1", host="a b"), 400, "http_request_error"),
    "parser": ([], b"nonsense\r\n\r\n", 400, "http_request_error"),
    "closed": ([raw.close], POST, 502, "connection_terminated"),
    "cut": ([send(b"HTTP/1.1 200 OK\r\nCont", keep=False)], POST, 502, "http_response_incomplete"),
    "no_http": ([send(b"SSH-2.0-x\r\n\r\n")], POST, 502, "http_protocol_error"),
}


@pytest.mark.item(77, 80, 82)
@pytest.mark.parametrize("name", OWN)
async def test_an_error_of_our_own_says_its_type_and_is_never_stored(name: str) -> None:
    steps, request_bytes, status, error = OWN[name]
    async with world(*steps) as here:
        reply = await here.ask(request_bytes)
        sound_envelope(reply)
        assert (reply.status, reply.header("Cache-Control")) == (status, "no-store")
        ((ours, parameters),) = members(str(reply.header("Proxy-Status")))
        assert (ours, parameters["error"]) == ("paysluice", error)
        assert "details" not in parameters  # nothing leaks


@pytest.mark.item(70)
@pytest.mark.parametrize("name", OWN)
async def test_a_problem_is_the_same_envelope_and_its_status_is_the_answers(name: str) -> None:
    steps, request_bytes, status, _ = OWN[name]
    wanted = request_bytes.replace(b"Host:", b"Accept: application/problem+json\r\nHost:")
    async with world(*steps) as here:
        reply = await here.ask(wanted)
        if name == "parser":  # it has no fields that could be read
            assert reply.header("Content-Type") == "application/json"
            return
        problem = sound_envelope(reply, media_type="application/problem+json")
        assert (problem["status"], problem["status"]) == (reply.status, status)
        assert re.match(r"[a-z][a-z0-9+.-]*:", problem["type"])
        assert problem["title"]
        assert problem["detail"] == problem["message"]
        assert problem["request_id"] in problem["instance"]


@pytest.mark.item(74)
@pytest.mark.parametrize("mode", ["envelope", "passthrough"])
async def test_no_transform_is_kept_where_the_caller_asked_for_the_providers_own(mode: str) -> None:
    body = b'{"code":  "x"}'
    step = answer(400, body, [("Cache-Control", "no-transform, max-age=5"), ("X-Digest", "y")])
    async with world(step, acme={"errors": {"mode": mode}}) as here:
        reply = await here.ask(POST)
        if mode == "passthrough":
            assert (reply.status, reply.body) == (400, body)
            assert reply.header("Cache-Control") == "no-transform, max-age=5"
        else:
            assert sound_envelope(reply)["provider"]["body"] == {"code": "x"}
            assert reply.header("Cache-Control") == "no-store"


@pytest.mark.item(75)
async def test_what_described_the_providers_body_goes_with_it() -> None:
    gone = ["ETag", "Last-Modified", "Accept-Ranges", "Content-Language", "Content-MD5"]
    gone += ["Digest", "Content-Digest", "Repr-Digest", "X-Acme-Signature", "Content-Encoding"]
    step = answer(400, b"{}", [*((name, "identity") for name in gone), ("X-Kept", "y")])
    async with world(step) as here:
        reply = await here.ask(POST)
        sound_envelope(reply)
        assert [name for name in gone if reply.header(name) is not None] == []
        assert reply.header("X-Kept") == "y"


@pytest.mark.item(76)
@pytest.mark.parametrize(
    "body",
    [
        b"<html><head><title>Bad</title></head><body><script>x()</script><h1>Bad</h1></body></html>",
        b"\xff\xfe\x00<html>",
        b'{"message": "<b>no</b> \\ud800"}',
        b"[" * 100_000,
        b'{"a":' + b"9" * 100_000 + b"}",
        b"",
        b"\0" * 100,
    ],
    ids=["html", "charset", "surrogate", "deep", "digits", "empty", "nul"],
)
async def test_whatever_a_body_is_the_envelope_has_no_markup(body: bytes) -> None:
    async with world(answer(400, body, [("Content-Type", "application/json")])) as here:
        envelope = sound_envelope(await here.ask(POST))
        assert envelope["error_code"] == "invalid_request"
        assert not re.search(r"<\w|[\x00-\x1f]", envelope["message"])


@pytest.mark.item(83)
async def test_no_answer_has_a_trailer() -> None:
    chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTrailer: Proxy-Status\r\n\r\n"
    large = b"%x\r\n%b\r\n" % (100_000, b"x" * 100_000)
    step = send(chunked + large + b"0\r\nProxy-Status: edge\r\n\r\n")
    async with world(step) as here:
        reply = await here.ask(head("GET /acme/x HTTP/1.1"))
        assert (reply.status, len(reply.body)) == (200, 100_000)
        assert (reply.header("Trailer"), reply.header("Proxy-Status")) == (None, None)
