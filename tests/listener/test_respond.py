"""What a caller is told of an outcome."""

import json

import pytest
from msgspec.structs import replace

from proxy.listener.respond import DEFAULT_SHAPE, About, Shape, message_for
from proxy.terms import Kind, Outcome, Refusal, RouteEffect
from tests.listener.streams import Rest
from tests.support import make

ABOUT = About("req_1", "acme", RouteEffect.PAYMENT, DEFAULT_SHAPE)
EMBEDDED = make.rejected(
    200, answer=make.answer(200, b'{"ok": false}'), is_embedded=True, kind=Kind.REJECTED
)


def test_a_success_goes_through_as_it_came() -> None:
    rest = Rest()
    headers = ((b"X-A", b"1"), (b"Content-Length", b"12"), (b"Connection", b"X-B"), (b"X-B", b""))
    answer = replace(make.answer(201, b"begun", headers), reason=b"Made", rest=rest)
    message = message_for(make.ok(answer=answer), ABOUT)
    assert (message.status, message.reason, message.body) == (201, b"Made", b"begun")
    assert (message.rest, message.length) == (rest, 12)
    assert message.headers[0] == (b"X-A", b"1")
    assert {name for name, _ in message.headers[1:]} == {
        b"Paysluice-Request-Id",
        b"Paysluice-Attempts",
    }
    assert rest.closed == 0


@pytest.mark.parametrize("length", [(), ((b"Content-Length", b"many"),)])
def test_a_length_that_nobody_said_is_none(length: tuple[tuple[bytes, bytes], ...]) -> None:
    assert message_for(make.ok(answer=make.answer(200, b"", length)), ABOUT).length is None


def test_an_error_is_an_envelope_without_a_rest() -> None:
    answer = replace(make.answer(503, b"<html>"), rest=Rest())
    message = message_for(make.broken(answer=answer), ABOUT)
    envelope = json.loads(message.body)
    assert (message.status, envelope["error_code"]) == (503, "service_unavailable")
    assert (message.length, message.rest) == (None, None)  # a HEAD lacks the provider's body


@pytest.mark.item(73)
@pytest.mark.parametrize(
    ("outcome", "mode", "embedded", "is_envelope"),
    [
        (make.broken(), "envelope", "annotate", True),
        (make.broken(), "native", "envelope", True),
        (make.broken(), "passthrough", "envelope", False),
        (EMBEDDED, "envelope", "envelope", True),
        (EMBEDDED, "envelope", "annotate", False),
        (make.lost(), "passthrough", "annotate", True),
        (make.refused(), "passthrough", "annotate", True),
    ],
)
def test_whose_words_stand(outcome: Outcome, mode: str, embedded: str, is_envelope: bool) -> None:
    shape = Shape(mode, embedded, include_body=True, wants_problem=False)
    message = message_for(outcome, replace(ABOUT, shape=shape))
    assert (b'"error_code"' in message.body) is is_envelope
    assert any(name == b"Paysluice-Error-Code" for name, _ in message.headers)


def test_problem_json_is_for_who_asks_for_it() -> None:
    for is_asked, media_type in ((True, b"application/problem+json"), (False, b"application/json")):
        shape = Shape("envelope", "envelope", include_body=False, wants_problem=is_asked)
        message = message_for(make.refused(Refusal.PAUSED), replace(ABOUT, shape=shape))
        assert (b"Content-Type", media_type) in message.headers
        assert ("title" in json.loads(message.body)) is is_asked
