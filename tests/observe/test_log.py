"""Log lines: what they hold, at which level, and what never gets in."""

import io
import json
from typing import Any

import pytest

from proxy.observe import JsonLog, TextLog
from proxy.observe.log import MEMBERS
from proxy.terms import (
    BreakerMoved,
    CallEnded,
    Denial,
    FaultOccurred,
    LimitWaited,
    Outcome,
    ProxyError,
    RetryDenied,
)
from tests.support import make
from tests.support.clock import FakeClock

CANARY = "4111111111111111"


class Written(io.StringIO):
    def __init__(self) -> None:
        super().__init__()
        self.writes = 0
        self.flushes = 0

    def write(self, text: str, /) -> int:
        self.writes += 1
        return super().write(text)

    def flush(self) -> None:
        self.flushes += 1

    def lines(self) -> list[Any]:
        return [json.loads(line) for line in self.getvalue().splitlines()]


def logged(*events: Any, level: Any = "debug") -> list[Any]:
    stream = Written()
    log = JsonLog(stream, level, FakeClock())
    for event in events:
        log.on(event)
    return stream.lines()


def test_an_answered_request_is_one_line(event: Any) -> None:
    assert logged(event.responded(provider_code="do_not_honor")) == [
        {
            "time": "2023-11-14T22:30:00.000Z",
            "level": "info",
            "event": "responded",
            "request_id": "req_1",
            "trace_id": "trace-1",
            "provider": "acme",
            "route": "create_payment",
            "method": "POST",
            "status": 200,
            "error_code": "none",
            "outcome": "none",
            "attempts": 1,
            "duration_ms": 250.0,
            "upstream_ms": 200.0,
            "provider_code": "do_not_honor",
        }
    ]


@pytest.mark.parametrize(
    ("status", "outcome", "level"),
    [
        (200, "none", "info"),
        (402, "declined", "info"),
        (499, "rejected", "info"),
        (500, "rejected", "warning"),
        (409, "unknown", "warning"),
    ],
)
def test_a_failure_of_ours_and_an_unknown_outcome_are_warnings(
    status: int, outcome: str, level: str, event: Any
) -> None:
    (line,) = logged(event.responded(status=status, outcome=outcome))
    assert line["level"] == level


def test_every_event_has_its_line_from_the_allow_list(event: Any) -> None:
    lines = logged(*event.one_of_each())
    assert len(lines) == len(event.one_of_each())
    assert {name for line in lines for name in line} <= {"time", "level", "event", *MEMBERS}


def test_each_line_is_one_write_and_is_handed_over_at_once(event: Any) -> None:
    stream = Written()
    log = JsonLog(stream, "debug", FakeClock())
    for one in event.one_of_each():
        log.on(one)
    assert stream.writes == stream.flushes == len(event.one_of_each())


def test_below_the_level_nothing_is_written(event: Any) -> None:
    assert [line["event"] for line in logged(*event.one_of_each(), level="warning")] == [
        "breaker_moved",
        "outcome_unknown",
        "outcome_contradicted",
        "store_moved",
        "fault_occurred",
    ]
    assert logged(event.attempt_ended(), level="info") == []


@pytest.mark.parametrize(
    ("happened", "level", "name"),
    [
        (BreakerMoved("acme", "all", 0), "info", "breaker_moved"),
        (BreakerMoved("acme", "all", 2), "warning", "breaker_moved"),
        (LimitWaited("acme", "account", 1.0, is_refused=True), "info", "limit_refused"),
        (RetryDenied("r", "acme", "x", "payment_declined", Denial.PERMANENT, 1), "debug", None),
        (FaultOccurred("", "KeyError", "sink_0"), "error", "fault_occurred"),
    ],
)
def test_what_an_operator_asks_for_is_at_info_or_above(
    happened: Any, level: str, name: str | None
) -> None:
    (line,) = logged(happened)
    assert line["level"] == level
    assert line["event"] == (name or "retry_denied")


def test_a_failed_attempt_says_why(event: Any) -> None:
    (line,) = logged(event.attempt_ended(status=None, reason=ProxyError.HTTP_RESPONSE_TIMEOUT))
    assert (line["level"], line["reason"], line["delivery"]) == (
        "info",
        "http_response_timeout",
        "complete",
    )
    assert "status" not in line


def test_an_answer_that_was_cut_off_says_so(event: Any) -> None:
    (line,) = logged(event.responded(is_whole=False))
    assert line["is_whole"] is False


def test_a_card_number_gets_in_nowhere(event: Any) -> None:
    stream = Written()
    log = JsonLog(stream, "debug", FakeClock())
    log.on(event.responded(provider_code=CANARY, trace_id=CANARY))
    log.on(event.attempt_ended(provider_code=f"card {CANARY}"))
    log.line("info", "started", message=f"card {CANARY}", path=f"/{CANARY}", key=CANARY)
    assert CANARY not in stream.getvalue()


def test_a_line_about_the_process_keeps_listed_members_only() -> None:
    stream = Written()
    JsonLog(stream, "info", FakeClock()).line(
        "info", "listening", address="127.0.0.1:8080", secret="x", signal=None
    )
    assert stream.lines() == [
        {
            "time": "2023-11-14T22:30:00.000Z",
            "level": "info",
            "event": "listening",
            "address": "127.0.0.1:8080",
        }
    ]


def test_a_line_about_the_process_respects_the_level() -> None:
    stream = Written()
    JsonLog(stream, "error", FakeClock()).line("info", "listening")
    assert stream.getvalue() == ""


def test_a_message_is_cut() -> None:
    stream = Written()
    JsonLog(stream, "info", FakeClock()).line("info", "reloaded", message="word " * 1000)
    assert len(stream.lines()[0]["message"]) == 1000


def test_text_is_for_people_and_cannot_be_forged(event: Any) -> None:
    stream = Written()
    log = TextLog(stream, "info", FakeClock())
    log.on(event.responded(provider_code="x", trace_id=None))
    log.line("warning", "reload_failed", message="no such\nkey=1")
    first, second = stream.getvalue().splitlines()
    assert first == (
        "2023-11-14T22:30:00.000Z INFO    responded request_id=req_1 provider=acme "
        "route=create_payment method=POST status=200 error_code=none outcome=none attempts=1 "
        "duration_ms=250.0 upstream_ms=200.0 provider_code=x"
    )
    assert second == ('2023-11-14T22:30:00.000Z WARNING reload_failed message="no such\\nkey=1"')


def test_an_event_of_a_call_names_its_request() -> None:
    (line,) = logged(CallEnded(make.call(request_id="req_7"), make.broken(), 1.0))
    assert (line["request_id"], line["duration_ms"]) == ("req_7", 1000.0)


@pytest.mark.parametrize(
    ("outcome", "level", "word"), [(make.lost(), "warning", "unknown"), (make.ok(), "info", "none")]
)
def test_a_call_that_ended_after_its_caller_left_is_told_at_the_default_level(
    outcome: Outcome, level: str, word: str
) -> None:
    written = Written()
    call = make.call()
    call.progress.abandon()
    JsonLog(written, "info", FakeClock()).on(CallEnded(call, outcome, 0.25))
    (line,) = written.lines()
    assert (line["event"], line["level"], line["outcome"]) == ("call_ended", level, word)


def test_a_secret_that_a_provider_gives_as_its_code_is_hidden(event: Any) -> None:
    stream = Written()

    def hide(name: str, text: str) -> str:
        return text.replace("key-of-" + name, "[secret]")

    log = JsonLog(stream, "debug", FakeClock(), hide)
    log.on(event.responded(provider_code="key-of-acme", trace_id="key-of-acme"))
    log.on(event.attempt_ended(provider_code="key-of-other"))
    (first, second) = stream.lines()
    assert (first["provider_code"], first["trace_id"]) == ("[secret]", "[secret]")
    assert second["provider_code"] == "key-of-other"
