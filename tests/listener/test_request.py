"""What the head of a request is judged by, row by row."""

from typing import Any

import pytest

from proxy.listener.request import Bounds, RequestFacts, Wishes, judge_head
from proxy.terms import Headers, Refusal, Refused

BOUNDS = Bounds(max_header_bytes=200, max_body_bytes=1000)
HOST = (b"Host", b"paysluice")


def judge(
    *fields: tuple[bytes, bytes],
    method: str = "POST",
    version: tuple[int, int] = (1, 1),
    target: bytes = b"/acme/x",
    host: Headers = (HOST,),
    origins: tuple[bytes, ...] = (),
) -> RequestFacts | Refused:
    return judge_head(method, version, target, (*host, *fields), BOUNDS, origins)


def test_a_sound_head_says_what_is_needed_and_no_more() -> None:
    assert judge((b"Content-Length", b"5")) == RequestFacts(
        target=b"/acme/x",
        length=5,
        hops_left=None,
        expects_continue=False,
        overrides_method=False,
        wishes=Wishes(),
    )


@pytest.mark.parametrize(
    "name", [b"X-HTTP-Method-Override", b"x-http-method", b"X-METHOD-Override"]
)
def test_a_field_that_overrides_the_method_is_told(name: bytes) -> None:
    facts = judge((name, b"POST"))
    assert isinstance(facts, RequestFacts)
    assert facts.overrides_method


REFUSED: list[tuple[dict[str, Any], list[tuple[bytes, bytes]], Refusal]] = [
    ({"method": "CONNECT"}, [], Refusal.METHOD_REFUSED),
    ({"method": "TRACE"}, [], Refusal.METHOD_REFUSED),
    ({"method": "BREW"}, [], Refusal.METHOD_UNKNOWN),
    ({"method": "get"}, [], Refusal.METHOD_UNKNOWN),
    ({}, [(b"X", b"x" * 200)], Refusal.HEADERS_TOO_LARGE),
    ({"version": (0, 9)}, [], Refusal.MALFORMED),
    ({"version": (1, 2)}, [], Refusal.MALFORMED),
    ({"version": (2, 0)}, [], Refusal.MALFORMED),
    ({"host": ()}, [], Refusal.MALFORMED),
    ({"host": (HOST, HOST)}, [], Refusal.MALFORMED),
    ({"host": ((b"Host", b""),)}, [], Refusal.MALFORMED),
    ({"host": ((b"Host", b"a b@c/d"),)}, [], Refusal.MALFORMED),
    ({"host": ((b"Host", b"a:123456"),)}, [], Refusal.MALFORMED),
    ({"host": ((b"Host", b"a\n"),)}, [], Refusal.MALFORMED),
    ({"host": (HOST, HOST), "version": (1, 0)}, [], Refusal.MALFORMED),
    ({"target": b"*"}, [], Refusal.MALFORMED),
    ({"target": b"acme"}, [], Refusal.MALFORMED),
    ({"target": b"http://other/acme"}, [], Refusal.MALFORMED),
    ({"target": b"http://paysluice:81/acme"}, [], Refusal.MALFORMED),
    ({"target": b"ftp://paysluice/acme"}, [], Refusal.MALFORMED),
    ({"target": b"http://paysluice/x", "host": (), "version": (1, 0)}, [], Refusal.MALFORMED),
    ({}, [(b"Transfer-Encoding", b"gzip, chunked")], Refusal.MALFORMED),
    ({}, [(b"Transfer-Encoding", b"chunked")] * 2, Refusal.MALFORMED),
    (
        {},
        [(b"Transfer-Encoding", b"chunked"), (b"Content-Length", b"1")],
        Refusal.MALFORMED,
    ),
    ({"version": (1, 0)}, [(b"Transfer-Encoding", b"chunked")], Refusal.MALFORMED),
    ({}, [(b"Content-Length", b"1")] * 2, Refusal.MALFORMED),
    *[
        ({}, [(b"Content-Length", value)], Refusal.MALFORMED)
        for value in (b"", b"+1", b"-1", b"1_0", b"0x1", b"1, 1", b" 1", b"\xb2", b"9" * 20)
    ],
    ({}, [(b"Content-Length", b"1001")], Refusal.TOO_LARGE),
    *[
        ({}, [(b"Paysluice-Timeout", value)], Refusal.MALFORMED)
        for value in (b"", b"8", b"0", b"0s", b"-1s", b"1 s", b"\xb2s", b"soon")
    ],
    ({}, [(b"Paysluice-Retry", b"OFF")], Refusal.MALFORMED),
    ({}, [(b"Paysluice-Errors", b"html")], Refusal.MALFORMED),
]


@pytest.mark.item(24, 28, 30, 31, 32, 33)
@pytest.mark.parametrize(("members", "fields", "reason"), REFUSED)
def test_an_unsound_head_is_refused_for_its_reason(
    members: dict[str, Any], fields: list[tuple[bytes, bytes]], reason: Refusal
) -> None:
    refused = judge(*fields, **members)
    assert isinstance(refused, Refused)
    assert refused.reason is reason
    assert not refused.is_retryable


@pytest.mark.item(24)
@pytest.mark.parametrize(
    "host",
    [
        b"a",
        b"a:80",
        b"a:",
        b"127.0.0.1:8080",
        b"[::1]:8080",
        b"a_b.example",
        b"xn--caf-dma.example",
    ],
)
def test_a_valid_host_is_valid(host: bytes) -> None:
    assert isinstance(judge(host=((b"host", host),)), RequestFacts)


OURS = (b"http://127.0.0.1:8080", b"https://[::1]")


@pytest.mark.item(22)
@pytest.mark.parametrize(
    ("target", "expected"),
    [
        (b"/", b"/"),
        (b"//x", b"//x"),
        (b"http://127.0.0.1:8080", b"/"),
        (b"http://127.0.0.1:8080?a", b"/?a"),
        (b"HTTP://127.0.0.1:8080/a?b", b"/a?b"),
        (b"https://[::1]/a", b"/a"),
    ],
)
def test_the_absolute_form_of_ourselves_means_its_path(target: bytes, expected: bytes) -> None:
    facts = judge(target=target, origins=OURS)
    assert isinstance(facts, RequestFacts)
    assert facts.target == expected


@pytest.mark.item(22)
@pytest.mark.parametrize(
    "target",
    [
        b"http://other:8080/",
        b"https://127.0.0.1:8080/",
        b"http://127.0.0.1/",
        b"http://127.0.0.1:80801/",
        b"http://u@127.0.0.1:8080/",
        b"http://127.0.0.1:8080@other/",
        b"http:/127.0.0.1:8080/",
        b"other:443",
    ],
)
def test_the_absolute_form_of_anybody_else_is_refused(target: bytes) -> None:
    refused = judge(target=target, origins=OURS)
    assert isinstance(refused, Refused)
    assert refused.reason is Refusal.MALFORMED


@pytest.mark.item(50)
@pytest.mark.parametrize(
    ("method", "value", "hops_left"),
    [
        ("OPTIONS", b"0", 0),
        ("OPTIONS", b" 7 ", 7),
        ("OPTIONS", b"-1", None),
        ("OPTIONS", b"many", None),
        ("GET", b"0", None),
    ],
)
def test_max_forwards_counts_where_it_is_a_number_of_an_options(
    method: str, value: bytes, hops_left: int | None
) -> None:
    facts = judge((b"Max-Forwards", value), method=method)
    assert isinstance(facts, RequestFacts)
    assert facts.hops_left == hops_left


@pytest.mark.item(55)
@pytest.mark.parametrize(
    ("version", "expect", "expected"),
    [
        ((1, 1), b"100-continue", True),
        ((1, 1), b"100-Continue", True),
        ((1, 1), b"200-ok", False),
        ((1, 1), b"100-continue, x", False),
        ((1, 0), b"100-continue", False),
    ],
)
def test_only_100_continue_of_http_1_1_is_expected(
    version: tuple[int, int], expect: bytes, expected: bool
) -> None:
    facts = judge((b"Expect", expect), version=version)
    assert isinstance(facts, RequestFacts)
    assert facts.expects_continue is expected


def test_a_chunked_body_has_no_length() -> None:
    facts = judge((b"Transfer-Encoding", b" Chunked "))
    assert isinstance(facts, RequestFacts)
    assert facts.length is None


def test_what_a_caller_wishes_is_read_and_what_we_do_not_know_is_let_be() -> None:
    facts = judge(
        (b"paysluice-timeout", b" 250ms "),
        (b"PAYSLUICE-RETRY", b"off"),
        (b"Paysluice-Errors", b"passthrough"),
        (b"Paysluice-Later", b"x"),
        (b"X-Other", b"x"),
    )
    assert isinstance(facts, RequestFacts)
    assert facts.wishes == Wishes(timeout_s=0.25, may_repeat=False, error_mode="passthrough")
    kept = judge((b"Paysluice-Retry", b"on"))
    assert isinstance(kept, RequestFacts)
    assert kept.wishes.may_repeat


@pytest.mark.item(24)
def test_a_caller_of_http_1_0_needs_no_host() -> None:
    assert isinstance(judge(host=(), version=(1, 0)), RequestFacts)
