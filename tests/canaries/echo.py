"""A provider that says what it is told to say, in every place of an answer."""

import json
from collections.abc import Callable, Mapping
from typing import Any, Final

from tests.support.raw import Connected, RawProvider, send

Place = Callable[[str], bytes]


def _answer(
    text: str,
    body: bytes,
    *fields: str,
    status: int = 400,
    reason: str = "No",
    kind: str = "application/json",
) -> bytes:
    lines = [f"HTTP/1.1 {status} {reason}", f"Content-Type: {kind}", *fields]
    head = "\r\n".join((*lines, f"Content-Length: {len(body)}")).replace("{}", text)
    return f"{head}\r\n\r\n".encode() + body


def _said(status: int, document: Any) -> Place:
    def place(text: str) -> bytes:
        body = json.dumps(document, ensure_ascii=False).replace('"{}"', json.dumps(text))
        return _answer("", body.encode(), status=status)

    return place


def _field(name: str, status: int = 400) -> Place:
    return lambda text: _answer(text, b"{}", f"{name}: {{}}", status=status)


def _page(kind: str, page: str, status: int = 502) -> Place:
    return lambda text: _answer("", page.replace("{}", text).encode(), status=status, kind=kind)


def _chunked(text: str, *, extension: str = "", trailer: str = "") -> bytes:
    head = "HTTP/1.1 400 No\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n"
    return f"{head}2{extension}\r\n{{}}\r\n0\r\n{trailer}\r\n".replace("\x00", text).encode()


def _everywhere(status: int) -> Place:
    """Say it in all members and fields at once."""
    names = ("id", "code", "message", "reference", "status", "trace_id", "note")
    inner = dict.fromkeys(names, "{}")

    def place(text: str) -> bytes:
        document = {**inner, "error": inner, "errors": [inner], "card": {"number": "{}"}}
        body = json.dumps(document).replace('"{}"', json.dumps(text))
        fields = ("X-Request-Id: {}", "Location: /x?card={}", "Set-Cookie: a={}", "X-Card: {}")
        return _answer(text, body.encode(), *fields, status=status, reason="{}")

    return place


_ERROR: Final = {"error": {"message": "{}", "code": "{}", "type": "{}", "param": "{}"}}
PLACES: Final[Mapping[str, Place]] = {
    "reason": lambda text: _answer(text, b"{}", reason="{}"),
    **{
        f"field_{name.lower()}": _field(name, status)
        for name, status in {
            "X-Request-Id": 400,
            "Request-Id": 402,
            "Traceparent": 400,
            "X-Trace-Id": 500,
            "Location": 302,
            "Set-Cookie": 400,
            "Retry-After": 429,
            "RateLimit": 429,
            "WWW-Authenticate": 401,
            "Server": 503,
            "Proxy-Status": 502,
            "Content-Type": 400,
            "Content-Encoding": 400,
            "Transfer-Encoding": 400,
            "Content-Language": 400,
            "ETag": 200,
        }.items()
    },
    "field_name": lambda text: _answer(text, b"{}", "X-{}: 1"),
    "two_lengths": lambda text: _answer(text, b"{}", "Content-Length: {}"),
    "member_all_at_once": _said(400, _ERROR),
    "message": _said(402, {"error": {"message": "{}"}}),
    "message_of_ours_unknown": _said(500, {"message": "{}", "code": "boom"}),
    "code": _said(400, {"code": "{}", "message": "no"}),
    "code_of_a_decline": _said(402, {"error": {"code": "{}", "decline_code": "{}"}}),
    "trace": _said(400, {"trace_id": "{}", "request_id": "{}", "traceId": "{}"}),
    "reference": _said(402, {"id": "{}", "reference": "{}", "status": "failed"}),
    "details": _said(400, {"errors": [{"field": "{}", "message": "{}"}]}),
    "member_name": lambda text: _answer("", json.dumps({"errors": {text: ["x"]}}).encode()),
    "deep": _said(422, {"a": [{"b": {"c": ["{}"]}}]}),
    "only_a_string": _said(500, "{}"),
    "within_a_success": _said(200, {"status": "failed", "message": "{}", "id": "{}"}),
    "a_success": _everywhere(201),
    "an_error": _everywhere(409),
    "html": _page("text/html", "<html><title>{}</title><body><h1>{}</h1></body></html>"),
    "xml": _page("text/xml", "<error><code>{}</code><message>{}</message></error>", 400),
    "text": _page("text/plain", "failed: {}", 500),
    "broken_json": _page("application/json", '{"message": "{}", "code": {}', 400),
    "chunk_extension": lambda text: _chunked(text, extension=";x=\x00"),
    "trailer": lambda text: _chunked(text, trailer="X-Trace: \x00\r\n"),
    "status_line": lambda text: f"HTTP/1.1 4x0 {text}\r\n\r\n".encode(),
    "version": lambda text: f"{text} 200 OK\r\n\r\n".encode(),
    "garbage": lambda text: f"{text}\r\n\r\n".encode(),
    "cut": lambda text: f"HTTP/1.1 200 OK\r\nContent-Length: 999\r\n\r\n{text}".encode(),
    "cut_head": lambda text: f"HTTP/1.1 200 OK\r\nX-Card: {text}".encode(),
    "switched": lambda text: f"HTTP/1.1 101 {text}\r\nUpgrade: {text}\r\n\r\n".encode(),
}


class Echo(RawProvider):
    """Answers each request with `says`, on a connection that then ends."""

    def __init__(self) -> None:
        super().__init__([self._step])
        self.says = b""

    async def _step(self, connected: Connected) -> None:
        await send(self.says, keep=False)(connected)
