"""The envelope and RFC 9457: names and types to rely on, what was said kept, no 2xx rewritten."""

import gzip
import json
import re
from dataclasses import dataclass, field
from typing import Any

import pytest

from tests.support import raw
from tests.support.caller import MEMBERS, head, sound_envelope
from tests.support.raw import RawProvider, Step, answer
from tests.support.sidecar import Reply, provider, sidecar
from tests.support.world import post, world

ONCE = {"retry": {"max_attempts": 1}}
PROBLEM = "Accept: application/problem+json"
RFC_9457 = {"type": str, "title": str, "status": int, "detail": str, "instance": str}
TEXT = (str, type(None))
TYPES: dict[str, Any] = {
    **dict.fromkeys(("error_code", "error_type", "message", "request_id"), str),
    **dict.fromkeys(("origin", "outcome"), str),
    **dict.fromkeys(("trace_id", "outcome_id"), TEXT),
    "details": list,
    "retryable": bool,
    "retry_after": (int, type(None)),
    "attempts": int,
    "provider": dict,
}
OF_PROVIDER: dict[str, Any] = {
    **dict.fromkeys(("name", "code", "type", "message", "span_id", "reference"), TEXT),
    "status": (int, type(None)),
    "body": object,
}
ERRORS: dict[str, tuple[Step, bytes]] = {
    "provider": (answer(422, b'{"errors": [{"field": "a", "message": "b"}]}'), post()),
    "throttled": (answer(429, headers=[("Retry-After", "3")]), post()),
    "no_answer": (raw.close, post()),
    "no_route": (answer(), head("GET /nobody HTTP/1.1")),
    "no_request": (answer(), b"nonsense\r\n\r\n"),
}


def check(told: dict[str, Any], types: dict[str, Any]) -> None:
    assert set(told) == set(types)
    for name, value in told.items():
        assert isinstance(value, types[name]), name


@pytest.mark.item(71)
@pytest.mark.parametrize("name", ERRORS)
async def test_members_have_names_and_types_that_a_reader_can_rely_on(name: str) -> None:
    step, request = ERRORS[name]
    async with world(step, acme=ONCE) as here:
        told = sound_envelope(await here.ask(request))
    check(told, TYPES)
    check(told["provider"], OF_PROVIDER)
    for detail in told["details"]:
        check(detail, {"field": str, "description": str})
    # RFC 9457 section 3.2 on the names of extensions.
    assert all(re.fullmatch(r"[a-z][a-z0-9_]{2,}", each) for each in told)
    assert not set(told) & set(RFC_9457)


@pytest.mark.item(70, 71)
@pytest.mark.parametrize("name", [each for each in ERRORS if each != "no_request"])
async def test_a_problem_only_adds_members_to_the_envelope(name: str) -> None:
    step, request = ERRORS[name]
    problem_request = request.replace(b"\r\n\r\n", f"\r\n{PROBLEM}\r\n\r\n".encode(), 1)
    async with world(step, acme=ONCE) as here:
        plain = (await here.ask(request)).json
        reply = await here.ask(problem_request)
    problem = reply.json
    check({each: problem.pop(each) for each in RFC_9457}, RFC_9457)
    assert reply.header("Content-Type") == "application/problem+json"
    assert list(problem) == MEMBERS
    assert problem | {name: plain[name] for name in ("request_id", "outcome_id")} == plain


@pytest.mark.item(70)
async def test_a_problems_title_is_that_of_its_type_and_its_instance_its_own() -> None:
    missing = json.dumps({"message": "There is no payment pay_1"}).encode()
    requests = [head(f"GET {path} HTTP/1.1", PROBLEM) for path in ("/acme/x", "/acme/y", "/no")]
    async with world(answer(404, missing), answer(404), acme=ONCE) as here:
        told = [(await here.ask(request)).json for request in requests]
    assert {each["type"] for each in told} == {"urn:paysluice:error:resource_not_found"}
    assert len({each["title"] for each in told}) == 1
    assert len({each["instance"] for each in told}) == 3
    assert told[0]["detail"] == told[0]["message"] == "There is no payment pay_1"


@pytest.mark.item(71)
@pytest.mark.parametrize(
    ("said", "message"),
    [
        ({"type": 7, "title": ["x"], "status": "abc", "detail": "No such card"}, "No such card"),
        ({"detail": {"a": 1}, "title": "Bad card", "status": 400.5}, "Bad card"),
        ({"title": 1, "detail": None, "instance": [], "new_member": {"deep": [1]}}, None),
    ],
    ids=["detail", "title", "none"],
)
async def test_a_providers_problem_is_read_without_members_of_the_wrong_type(
    said: dict[str, Any], message: str | None
) -> None:
    fields = [("Content-Type", "application/problem+json")]
    async with world(answer(400, json.dumps(said).encode(), fields)) as here:
        told = sound_envelope(await here.ask(post()))
        assert told["provider"]["message"] == message
        assert told["message"] == message or message is None
        assert told["provider"]["body"] == said
        assert told["provider"]["status"] == 400


# --- what the provider said


@dataclass(frozen=True)
class Said:
    """An error as a provider words it, and what of it has to stand in the envelope."""

    status: int
    body: dict[str, Any]
    told: int
    code: str
    facts: dict[str, Any]
    path: str = "POST /payments"
    trace_id: str | None = None
    details: list[dict[str, str]] = field(default_factory=list)


SAID = {
    "spectrocoin": Said(
        400,
        {
            "defaultMessage": "Required parameter id is missing",
            "errorCode": "GEN_4 - Required parameter is missing",
            "spanId": "s1",
            "traceId": "t1",
        },
        400,
        "missing_required_field",
        {"code": "GEN_4", "message": "Required parameter id is missing", "span_id": "s1"},
        "POST /merchants/orders/create",
        trace_id="t1",
    ),
    "batchdata": Said(
        403,
        {"status": {"code": 403, "text": "Forbidden", "message": "Insufficient balance"}},
        403,
        "insufficient_balance",
        {"code": "403", "type": "Forbidden", "message": "Insufficient balance"},
        "POST /api/v1/property/skip-trace",
    ),
    "spotflow": Said(
        404,
        {"type": "InvalidRequestError", "code": "resource_not_found", "message": "No such thing"},
        404,
        "resource_not_found",
        {"type": "InvalidRequestError", "code": "resource_not_found", "message": "No such thing"},
        "POST /api/v1/payments",
    ),
    "kineticpay": Said(
        403,
        {"message": "Unprocessable Entity"},
        400,
        "invalid_request",
        {"message": "Unprocessable Entity"},
        "PATCH /payment/update",
    ),
    "akua": Said(
        423,
        {
            "error_code": "resource_locked",
            "error_type": "concurrency",
            "message": "It is locked",
            "details": [],
            "trace_id": "trx-1",
        },
        423,
        "resource_locked",
        {"code": "resource_locked", "type": "concurrency", "message": "It is locked"},
        "POST /v1/payments/pay_x/capture",
        trace_id="trx-1",
    ),
}


@pytest.mark.item(72)
@pytest.mark.parametrize("name", SAID)
async def test_what_a_provider_said_stands_in_the_envelope_in_its_own_words(name: str) -> None:
    said = SAID[name]
    method, _, path = said.path.partition(" ")
    step = answer(said.status, json.dumps(said.body).encode())
    async with (
        RawProvider([step]) as upstream,
        sidecar({name: provider(upstream.port, profile=name, mount="/", **ONCE)}) as proxy,
    ):
        reply = await proxy.ask(method, path, body=b"{}")
    told = sound_envelope(reply)
    assert (reply.status, told["error_code"]) == (said.told, said.code)
    silent = dict.fromkeys(OF_PROVIDER)
    stated = {"name": name, "status": said.status, "body": said.body} | said.facts
    assert told["provider"] == silent | stated
    assert (told["trace_id"], told["details"]) == (said.trace_id, said.details)


# --- what is no error is not touched

LOOKS_BAD = b'{"status":  "FAILED", "error": {"code": "card_declined", "message": "No"}}\n'


@pytest.mark.item(73)
@pytest.mark.parametrize("status", [200, 201, 202, 203, 207, 226])
@pytest.mark.parametrize("method", ["GET", "POST"])
async def test_a_2xx_that_looks_like_an_error_goes_through_byte_for_byte(
    status: int, method: str
) -> None:
    fields = [("Content-Type", "application/json"), ("ETag", '"x"'), ("Digest", "sha-256=x")]
    async with world(answer(status, LOOKS_BAD, fields)) as here:
        reply = await here.ask(head(f"{method} /acme/payments HTTP/1.1"))
        assert (reply.status, reply.body) == (status, LOOKS_BAD)
        assert [(name, reply.header(name)) for name, _ in fields] == fields
        assert reply.header("Paysluice-Error-Code") is None
        assert reply.header("Proxy-Status") is None
        assert here.upstream.requests == 1


async def charge(errors: dict[str, str], path: str = "/api/v1/payments") -> Reply:
    settings = {"profile": "spotflow", "mount": "/", "errors": errors}
    async with (
        RawProvider([answer(200, LOOKS_BAD)]) as upstream,
        sidecar({"acme": provider(upstream.port, **settings)}) as proxy,
    ):
        return await proxy.ask("POST", path, body=b"{}")


@pytest.mark.item(73)
@pytest.mark.parametrize("errors", [{"embedded": "annotate"}, {"mode": "passthrough"}], ids=str)
async def test_a_decline_inside_a_200_is_left_and_only_told_beside_it_where_that_is_set(
    errors: dict[str, str],
) -> None:
    reply = await charge(errors)
    assert (reply.status, reply.body) == (200, LOOKS_BAD)
    assert reply.header("Paysluice-Outcome") == "declined"
    assert reply.header("Proxy-Status") == "paysluice; received-status=200"


@pytest.mark.item(73)
async def test_a_decline_inside_a_200_is_an_envelope_on_the_route_of_its_rule_only() -> None:
    told = await charge({})
    assert (told.status, sound_envelope(told)["outcome"]) == (402, "declined")
    assert told.json["provider"]["status"] == 200
    other = await charge({}, "/api/v1/customers")
    assert (other.status, other.body) == (200, LOOKS_BAD)


# --- what is replaced leaves nothing behind that described it


@pytest.mark.item(67, 75)
async def test_an_error_that_came_packed_is_read_and_its_envelope_is_plain() -> None:
    packed = gzip.compress(b'{"message": "No such payment"}')
    fields = [("Content-Encoding", "gzip"), ("Content-Type", "text/x; charset=utf-16")]
    async with world(answer(404, packed, fields)) as here:
        reply = await here.ask(post())
        assert sound_envelope(reply)["message"] == "No such payment"
        assert reply.header("Content-Encoding") is None
        passed = await here.ask(post("Paysluice-Errors: passthrough"))
        assert (passed.body, passed.header("Content-Encoding")) == (packed, "gzip")


SIGNED = ["X-Hub-Signature-256", "Webhook-Signature-V1", "X-Signature-SHA256", "X-Payload-Digest"]


@pytest.mark.item(75)
@pytest.mark.parametrize("name", SIGNED)
async def test_no_signature_of_a_body_outlives_it_whatever_its_name(name: str) -> None:
    async with world(answer(400, b"{}", [(name, "sha256=x")])) as here:
        assert (await here.ask(post())).header(name) is None
