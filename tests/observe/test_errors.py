"""The last errors of each provider: raw beside normalised, bounded, redacted."""

from typing import Any

from proxy.observe import LastErrors
from proxy.terms import CallEnded, Facts, Refusal
from tests.support import make
from tests.support.clock import FakeClock

CANARY = "4111 1111 1111 1111"


def errors(*events: Any, size: int = 50) -> LastErrors:
    last = LastErrors(FakeClock(), size)
    for event in events:
        last.on(event)
    return last


def test_a_broken_answer_stands_raw_beside_what_the_caller_was_told(event: Any) -> None:
    facts = Facts(code="api_down", message=f"card {CANARY} failed", trace_id="tr_1")
    last = errors(
        CallEnded(make.call(), make.broken(facts=facts, attempts=3), 1.0),
        event.responded(
            status=503, error_code="service_unavailable", outcome="unknown", attempts=3
        ),
    )
    assert last.view("acme") == [
        {
            "time": "2023-11-14T22:30:00.000Z",
            "request_id": "req_1",
            "route": "create_payment",
            "method": "POST",
            "status": 503,
            "error_code": "service_unavailable",
            "outcome": "unknown",
            "attempts": 3,
            "reason": None,
            "provider_status": 503,
            "provider_code": "api_down",
            "provider_message": "card [card] failed",
            "trace_id": "tr_1",
        }
    ]


def test_no_answer_and_a_refusal_give_their_reason() -> None:
    last = errors(
        CallEnded(make.call(request_id="a"), make.lost(), 1.0),
        CallEnded(make.call(request_id="b"), make.refused(Refusal.PAUSED), 0.0),
    )
    assert [error["reason"] for error in last.view("acme")] == ["paused", "http_response_timeout"]


def test_a_success_is_no_error(event: Any) -> None:
    assert errors(CallEnded(make.call(), make.ok(), 1.0), event.responded()).view("acme") == []


def test_an_error_inside_a_200_is_one() -> None:
    last = errors(CallEnded(make.call(), make.rejected(200), 1.0))
    assert [error["provider_status"] for error in last.view("acme")] == [200]


def test_a_call_that_ended_after_its_caller_was_told_is_still_one_error(event: Any) -> None:
    last = errors(
        event.responded(status=504, error_code="gateway_timeout", outcome="unknown"),
        CallEnded(make.call(), make.ok(), 9.0),
    )
    (error,) = last.view("acme")
    assert (error["status"], error["provider_status"]) == (504, 200)


def test_the_newest_come_first_and_the_oldest_go(event: Any) -> None:
    last = errors(
        *(event.responded(request_id=f"r{n}", status=500, error_code="x") for n in range(5)),
        size=3,
    )
    assert [error["request_id"] for error in last.view("acme")] == ["r4", "r3", "r2"]


def test_each_provider_has_its_own(event: Any) -> None:
    last = errors(event.responded(provider="other", status=500, error_code="x"))
    assert last.view("acme") == []
    assert len(last.view("other")) == 1


def test_other_events_are_ignored(event: Any) -> None:
    last = errors(*event.one_of_each())
    assert last.view("acme") == []


def test_a_code_that_is_no_token_is_not_shown() -> None:
    facts = Facts(code=CANARY.replace(" ", ""), trace_id="two words", message="x" * 5000)
    (error,) = errors(CallEnded(make.call(), make.broken(facts=facts), 1.0)).view("acme")
    assert (error["provider_code"], error["trace_id"]) == (None, None)
    assert len(str(error["provider_message"])) <= 300
