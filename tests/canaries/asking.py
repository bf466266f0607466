"""A caller who puts things where they do not belong."""

import json
from collections.abc import Callable, Mapping
from typing import Final
from urllib.parse import quote

Place = Callable[[str], bytes]

MARK: Final = "canary-mark-of-a-caller"  # in every place beside the canary: nobody logs it


def ask(
    *fields: str,
    target: str = "/acme/payments",
    method: str = "POST",
    body: str = '{"amount": 1000, "currency": "EUR", "reference": "order-1"}',
    kind: str = "application/json",
) -> bytes:
    data = body.encode()
    lines = [f"{method} {target} HTTP/1.1", "Host: paysluice", "Connection: close", *fields]
    if data:
        lines += [f"Content-Type: {kind}", f"Content-Length: {len(data)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + data


def _in_json(**members: str) -> str:
    return json.dumps({"amount": 1000, "currency": "EUR", **members})


def _chunked(text: str, *, extension: str = "", trailer: str = "") -> bytes:
    head = (
        "POST /acme/payments HTTP/1.1\r\nHost: x\r\nConnection: close\r\nTransfer-Encoding: chunked"
    )
    return f"{head}\r\n\r\n2{extension}\r\n{{}}\r\n0\r\n{trailer}\r\n".replace("\0", text).encode()


PLACES: Final[Mapping[str, Place]] = {
    "path": lambda text: ask(target=f"/acme/payments/{MARK}/{quote(text, safe='')}"),
    "path_as_it_is": lambda text: ask(target=f"/acme/{MARK}/{quote(text, safe='|:[]{}=&;/%')}"),
    "no_provider": lambda text: ask(target=f"/{MARK}/{quote(text, safe='')}"),
    "query": lambda text: ask(target=f"/acme/payments?{MARK}={quote(text, safe='')}"),
    "query_name": lambda text: ask(target=f"/acme/payments?{quote(text, safe='')}={MARK}"),
    "field": lambda text: ask(f"X-Card: {text}", f"X-Mark: {MARK}"),
    "field_name": lambda text: ask(f"X-{text}: {MARK}"),
    "authorization": lambda text: ask(f"Authorization: {text} {MARK}"),
    "cookie": lambda text: ask(f"Cookie: a={text}; b={MARK}"),
    "agent": lambda text: ask(f"User-Agent: {text} {MARK}"),
    "trace": lambda text: ask(f"traceparent: {text}", f"tracestate: {text}", f"baggage: {MARK}"),
    "request_id": lambda text: ask(f"X-Request-Id: {text}", f"Paysluice-Request-Id: {text}"),
    "tenant": lambda text: ask(f"X-Tenant: {text}"),
    "key": lambda text: ask(f"Idempotency-Key: {quote(text)}-{MARK}"),
    "key_as_it_is": lambda text: ask(f"Idempotency-Key: {text}"),
    "two_keys": lambda text: ask(f"Idempotency-Key: {text}", f"Idempotency-Key: {MARK}"),
    "body": lambda text: ask(body=_in_json(card=text, note=MARK)),
    "reference": lambda text: ask(body=_in_json(reference=text)),
    "amount": lambda text: ask(body=_in_json(amount=text, note=MARK)),
    "currency": lambda text: ask(body=_in_json(currency=text, note=MARK)),
    "form": lambda text: ask(
        body=f"card={text}&{MARK}=1", kind="application/x-www-form-urlencoded"
    ),
    "no_json": lambda text: ask(body=f'{{"card": {text}, {MARK}'),
    "content_type": lambda text: ask(body="{}", kind=f"application/{text}"),
    "host": lambda text: ask(f"Host: {text}"),
    "two_lengths": lambda text: ask(f"Content-Length: {text}"),
    "coding": lambda text: ask(f"Transfer-Encoding: {text}"),
    "connection": lambda text: ask(f"Connection: {text}, {MARK}"),
    "expect": lambda text: ask(f"Expect: {text}"),
    "wishes": lambda text: ask(f"Paysluice-Timeout: {text}", f"Paysluice-Errors: {text}"),
    "via": lambda text: ask(f"Via: {text}", f"Forwarded: for={MARK}"),
    "method": lambda text: ask(method=quote(text, safe="").replace("%", ".")),
    "absolute": lambda text: ask(target=f"http://{MARK}:{quote(text)}@paysluice/acme/payments"),
    "connect": lambda text: ask(target=f"{quote(text)}:443", method="CONNECT"),
    "outcome": lambda text: ask(
        target=f"/_paysluice/outcomes/{quote(text, safe='')}?wait={MARK}", method="GET", body=""
    ),
    "fault": lambda text: ask(f"Sim-Fault: {text}", target="/sim/payments"),
    "dot_segments": lambda text: ask(target=f"/acme/../{quote(text, safe='')}/{MARK}"),
    "chunk_extension": lambda text: _chunked(text, extension=";x=\0"),
    "chunk_size": lambda text: _chunked(text, trailer="\0"),
    "trailer": lambda text: _chunked(text, trailer=f"X-{MARK}: \0\r\n"),
    "request_line": lambda text: f"{text} {MARK}\r\n\r\n".encode(),
    "version": lambda text: f"GET /acme/x {text}\r\n\r\n".encode(),
    "line_without_colon": lambda text: ask(text, MARK),
    "folded": lambda text: ask(f"X-A: b\r\n {text}"),
    "tls": lambda text: b"\x16\x03\x01\x02\x00\x01\x00" + text.encode() + b"\r\n\r\n",
    "cut": lambda text: f"POST /acme/payments HTTP/1.1\r\nX-Card: {text}\r\n".encode(),
}
