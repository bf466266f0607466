"""What the header fields of an answer say, and what they must not say any more."""

import pytest

from proxy.normalise import (
    JSON,
    answer_headers,
    append_proxy_status,
    proxy_status,
    strip_representation,
    words_of,
)
from proxy.terms import Effect, Header, Headers, Outcome, ProxyError, Quota, Refusal, RouteEffect
from proxy.terms.http import every, first
from tests.support.make import answer, key, lost, not_sent, ok, refused, rejected, throttled

STOP = (b"Stripe-Should-Retry", b"false")


def fields(
    outcome: Outcome,
    received: Headers = (),
    *,
    effect: RouteEffect = RouteEffect.PAYMENT,
    media_type: bytes | None = None,
    stop: Header | None = None,
) -> Headers:
    return answer_headers(
        outcome,
        effect=effect,
        request_id="req_1",
        received=received,
        media_type=media_type,
        stop=stop,
    )


def test_a_success_goes_through_with_two_fields_of_ours() -> None:
    received = ((b"ETag", b'"a"'), (b"etag", b'"b"'), (b"Retry-After", b"1"))
    assert fields(ok(), received) == (
        *received,
        (b"Paysluice-Request-Id", b"req_1"),
        (b"Paysluice-Attempts", b"1"),
    )


@pytest.mark.item(77)
def test_an_error_of_ours_says_everything_in_its_fields() -> None:
    outcome = refused(
        Refusal.CIRCUIT_OPEN, effect=Effect.UNKNOWN, is_retryable=True, retry_after_s=1.1
    )
    assert fields(outcome, media_type=JSON) == (
        (b"Content-Type", b"application/json"),
        (b"Cache-Control", b"no-store"),
        (b"Paysluice-Request-Id", b"req_1"),
        (b"Paysluice-Attempts", b"0"),
        (b"Paysluice-Error-Code", b"circuit_open"),
        (b"Paysluice-Outcome", b"unknown"),
        (b"Paysluice-Retryable", b"true"),
        (b"Retry-After", b"2"),
        (b"Proxy-Status", b"paysluice; error=destination_unavailable"),
    )


def test_an_annotated_answer_keeps_what_describes_its_body() -> None:
    received = ((b"Content-Type", b"text/html"), (b"ETag", b'"a"'))
    answered = fields(rejected(), received)
    assert answered[:2] == received
    assert first(answered, b"cache-control") is None
    assert first(answered, b"paysluice-error-code") == b"invalid_request"
    assert first(answered, b"proxy-status") == b"paysluice; received-status=400"


@pytest.mark.item(75)
def test_an_envelope_keeps_of_the_provider_s_fields_what_is_not_about_the_body() -> None:
    received = (
        (b"Content-Type", b"text/html"),
        (b"Cache-Control", b"public, no-transform"),
        (b"X-Request-Id", b"abc"),
    )
    answered = fields(rejected(), received, media_type=JSON)
    assert answered[0] == (b"X-Request-Id", b"abc")
    assert every(answered, b"content-type") == [JSON]
    assert every(answered, b"cache-control") == [b"no-store"]


@pytest.mark.parametrize("is_retryable", [True, False])
def test_the_provider_s_retry_after_gives_way_to_ours_on_every_error(
    is_retryable: bool,
) -> None:
    outcome = throttled(is_retryable=is_retryable, retry_after_s=7)
    answered = fields(outcome, ((b"retry-AFTER", b"99"),))
    assert every(answered, b"retry-after") == ([b"7"] if is_retryable else [])


def test_the_stop_field_stands_once_and_only_where_a_repeat_is_unsafe() -> None:
    received = ((b"stripe-should-retry", b"true"),)
    assert every(fields(rejected(), received, stop=STOP), b"stripe-should-retry") == [b"false"]
    retryable = throttled(is_retryable=True)
    assert every(fields(retryable, received, stop=STOP), b"stripe-should-retry") == [b"true"]
    assert every(fields(ok(), received, stop=STOP), b"stripe-should-retry") == [b"true"]
    assert every(fields(lost(), stop=STOP), b"stripe-should-retry") == [b"false"]


@pytest.mark.parametrize("outcome", [ok(), rejected()])
def test_a_provider_cannot_speak_in_our_name(outcome: Outcome) -> None:
    answered = fields(outcome, ((b"PAYSLUICE-Outcome", b"succeeded"), (b"Paysluice-X", b"1")))
    assert b"succeeded" not in every(answered, b"paysluice-outcome")
    assert first(answered, b"paysluice-x") is None


@pytest.mark.parametrize("outcome", [ok(), rejected()])
def test_a_key_of_ours_is_told_and_the_caller_s_is_not_repeated(outcome: Outcome) -> None:
    for is_generated, said in ((True, b"key-1"), (False, None)):
        answered = answer_headers(
            outcome,
            effect=RouteEffect.PAYMENT,
            request_id="req_1",
            key=key(is_generated=is_generated),
        )
        assert first(answered, b"paysluice-idempotency-key") == said


def test_a_refused_method_names_those_that_are_not() -> None:
    allowed = first(fields(refused(Refusal.METHOD_REFUSED)), b"allow")
    assert allowed == b"GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS, QUERY"


@pytest.mark.item(79)
def test_proxy_status_keeps_the_members_before_ours() -> None:
    received = ((b"Proxy-Status", b"edge; error=dns_error"), (b"proxy-status", b" cdn, "))
    answered = fields(rejected(), received, media_type=JSON)
    assert every(answered, b"proxy-status") == [
        b"edge; error=dns_error, cdn, paysluice; received-status=400"
    ]
    assert every(fields(ok(), received), b"proxy-status") == [value for _, value in received]


@pytest.mark.item(81, 82)
@pytest.mark.parametrize(
    ("outcome", "member"),
    [
        (rejected(422), b"paysluice; received-status=422"),
        (throttled(), b"paysluice; received-status=429"),
        (refused(Refusal.RATE_LIMITED), b"paysluice; error=http_request_error"),
        (not_sent(), b"paysluice; error=connection_refused"),
        (
            lost(ProxyError.HTTP_RESPONSE_INCOMPLETE, status=200),
            b"paysluice; error=http_response_incomplete; received-status=200",
        ),
    ],
)
def test_what_the_provider_said_has_a_status_and_what_we_said_an_error(
    outcome: Outcome, member: bytes
) -> None:
    assert proxy_status(outcome) == member


@pytest.mark.item(79)
@pytest.mark.parametrize(
    ("name", "member"),
    [
        ("shop-eu.sidecar:8080", b"shop-eu.sidecar:8080; error=connection_refused"),
        ("8080", b'"8080"; error=connection_refused'),
        ('a "b" \\ ü', b'"a \\"b\\" \\\\ ?"; error=connection_refused'),
    ],
)
def test_a_deployment_s_name_is_a_token_or_a_string(name: str, member: bytes) -> None:
    assert proxy_status(not_sent(), name=name) == member


def test_an_empty_list_takes_our_member_alone() -> None:
    assert append_proxy_status([b"", b" , "], b"paysluice") == b"paysluice"


@pytest.mark.item(75)
def test_nothing_that_described_the_old_body_survives_its_replacement() -> None:
    gone = (
        "Content-Length Content-Encoding Content-Type Content-Language ETag Last-Modified"
        " Accept-Ranges Content-Range Content-MD5 Digest Content-Digest Repr-Digest"
        " Transfer-Encoding Trailer Signature Signature-Input X-Signature Acme-SIGNATURE"
        " Content-Location Content-Disposition Cache-Control Expires Age Pragma"
    )
    kept = ((b"Set-Cookie", b"a"), (b"set-cookie", b"b"), (b"RateLimit", b'"x";r=1'))
    headers = tuple((name.encode(), b"x") for name in gone.split())
    assert strip_representation((*headers, *kept)) == kept


def test_an_answer_that_is_no_error_still_tells_what_an_earlier_attempt_left_open() -> None:
    redirected = ok(answer=answer(302), effect=Effect.UNKNOWN, attempts=2)
    assert first(fields(redirected), b"paysluice-outcome") == b"unknown"
    assert first(fields(redirected), b"paysluice-error-code") is None
    assert words_of(redirected, effect=RouteEffect.PAYMENT) == ("none", "unknown")
    assert first(fields(ok()), b"paysluice-outcome") is None


def test_a_rate_limit_of_ours_says_its_name_its_quota_and_when_there_is_room() -> None:
    quota = Quota("account", 1000, 60, 3)
    answered = fields(refused(Refusal.RATE_LIMITED, quota=quota))
    assert (b"RateLimit-Policy", b'"account";q=1000;w=60') in answered
    assert (b"RateLimit", b'"account";r=0;t=3') in answered
    assert first(fields(refused(Refusal.RATE_LIMITED)), b"ratelimit") is None
