"""Errors in the provider's own shape."""

import json
from typing import Any

import pytest
from msgspec.structs import replace
from pydantic import ValidationError

from proxy.normalise import envelope_for, render_native, stands
from proxy.providers import NativeErrors
from proxy.terms import Effect, ErrorCode, Facts, Kind, Outcome, Refusal, Refused, RouteEffect
from tests.support import make

DECLINED = make.rejected(
    402, kind=Kind.DECLINED, error_code=ErrorCode.PAYMENT_DECLINED, effect=Effect.SETTLED
)
CLAIM = {"grade": "assumed", "evidence": "docs/x.md"}
TEMPLATE = NativeErrors(
    body={"error": {"type": "api_error", "code": "{error_code}", "message": "{message}"}},
    within="error",
    by_type={"declined": {"type": "card_error"}, "rate_limit": {"status": "{status}"}},
    **CLAIM,
)


def told(outcome: Outcome, template: NativeErrors = TEMPLATE) -> tuple[int, bytes, Any]:
    envelope = envelope_for(
        outcome,
        provider="acme",
        effect=RouteEffect.PAYMENT,
        request_id="r1",
        include_body=True,
    )
    rendered = render_native(outcome, envelope, template)
    return rendered.status, rendered.media_type, rendered.body


def test_what_the_provider_said_in_its_shape_stays_and_ours_stands_in_it() -> None:
    said = {"error": {"type": "card_error", "code": "lost_card"}, "paysluice": "not theirs to say"}
    facts = Facts(code="lost_card", document=said)
    outcome = replace(DECLINED, answer=make.answer(404), facts=facts)
    status, media_type, body = told(outcome)
    assert (status, media_type) == (404, b"application/json")
    ours = json.loads(body)
    assert ours["error"] == said["error"]
    assert ours["paysluice"]["error_code"] == "payment_declined"
    assert ours["paysluice"]["outcome"] == "declined"


@pytest.mark.parametrize(
    "facts",
    [Facts(), Facts(document={"message": "Forbidden"}, message="Forbidden"), Facts(document=[1])],
    ids=["page", "gateway", "array"],
)
def test_what_is_not_in_its_shape_is_rendered(facts: Facts) -> None:
    status, _, body = told(make.broken(502, error_code=ErrorCode.BAD_GATEWAY, facts=facts))
    ours = json.loads(body)
    assert status == ours["paysluice"]["provider"]["status"] == 502
    assert ours["error"]["type"] == "api_error"
    assert ours["error"]["message"] == ours["paysluice"]["message"]


def test_an_error_of_ours_is_rendered_with_what_its_type_changes() -> None:
    status, _, body = told(Refused(reason=Refusal.RATE_LIMITED))
    assert status == 429
    assert json.loads(body)["error"]["status"] == 429
    assert json.loads(body)["error"]["code"] == "rate_limited"
    again = json.loads(told(Refused(reason=Refusal.CIRCUIT_OPEN))[2])
    assert "status" not in again["error"]  # the template itself is as it was


def test_a_decline_that_is_rendered_is_a_decline_for_the_sdk() -> None:
    outcome = replace(DECLINED, error_code=ErrorCode.EXPIRED_CARD)
    assert json.loads(told(outcome)[2])["error"]["type"] == "card_error"


def test_xml_is_a_text_whose_places_are_escaped() -> None:
    template = NativeErrors(
        content_type="application/xml; charset=utf-8",
        body="<error><message>{message}</message><code>{status}</code></error>",
        **CLAIM,
    )
    facts = Facts(message="a < b & c")
    status, media_type, body = told(make.broken(facts=facts), template)
    assert (status, media_type) == (503, b"application/xml; charset=utf-8")
    assert body == b"<error><message>a &lt; b &amp; c</message><code>503</code></error>"


XML = NativeErrors(content_type="application/xml", body="<e/>", **CLAIM)


@pytest.mark.parametrize(
    ("content_type", "code", "template", "is_own"),
    [
        (b"application/xml", "81715", XML, True),
        (b"text/html", "81715", XML, False),
        (b"text/xml", None, XML, False),
        (b"text/plain", "81715", XML, False),  # a provider of XML has no forms
        (b"text/xml; charset=utf-8", "10001", TEMPLATE, True),  # SOAP beside JSON
        (b"text/plain; charset=utf-8", "10562", TEMPLATE, True),  # PayPal's forms
        (b"application/x-www-form-urlencoded", "905", TEMPLATE, True),
        (b"application/x-www-form-urlencoded", None, TEMPLATE, False),
        (b"application/json", "10562", TEMPLATE, False),  # cut off, or too large to be parsed
        (b"text/html", "10562", TEMPLATE, False),
    ],
)
def test_what_is_the_providers_own_and_no_json_stands(
    content_type: bytes, code: str | None, template: NativeErrors, *, is_own: bool
) -> None:
    headers = ((b"Content-Type", content_type),)
    outcome = replace(DECLINED, answer=make.answer(422, b"<x/>", headers), facts=Facts(code=code))
    assert stands(outcome, template) is is_own


def test_json_that_is_called_plain_text_does_not_stand() -> None:
    headers = ((b"Content-Type", b"text/plain"),)
    facts = Facts(code="lost_card", document={"code": "lost_card"})
    outcome = replace(DECLINED, answer=make.answer(402, b"{}", headers), facts=facts)
    assert not stands(outcome, TEMPLATE)


def test_what_a_type_changes_may_stand_in_the_first_item_of_a_list() -> None:
    template = NativeErrors(
        body={"errors": [{"category": "API_ERROR", "code": "{error_code}"}]},
        within="errors",
        by_type={"rate_limit": {"category": "RATE_LIMIT_ERROR"}},
        **CLAIM,
    )
    limited = json.loads(told(Refused(reason=Refusal.RATE_LIMITED), template)[2])
    assert limited["errors"] == [{"category": "RATE_LIMIT_ERROR", "code": "rate_limited"}]
    paused = json.loads(told(Refused(reason=Refusal.PAUSED), template)[2])
    assert paused["errors"] == [{"category": "API_ERROR", "code": "paused"}]


def test_a_list_holds_no_member_of_ours() -> None:
    template = NativeErrors(body=[{"message": "{message}"}], **CLAIM)
    assert list(json.loads(told(Refused(reason=Refusal.PAUSED), template)[2])[0]) == ["message"]


@pytest.mark.parametrize(
    "members",
    [
        {"body": {"a": "{nobody}"}},
        {"body": {"a": 1}, "by_type": {"declined": {"a": "{nobody}"}}},
        {"body": {"a": 1}, "within": "b", "by_type": {"declined": {"a": 2}}},
        {"body": [1], "by_type": {"declined": {"a": 2}}},
        {"body": [], "by_type": {"declined": {"a": 2}}},
        {"body": [{"a": 1}], "within": "a", "by_type": {"declined": {"a": 2}}},
        {"body": {"a": 1}, "content_type": "nonsense"},
    ],
)
def test_a_template_that_cannot_be_filled_is_refused(members: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        NativeErrors.model_validate({**CLAIM, **members})
