"""Which trace is a caller's: one field, in its one form, of a trace that is kept."""

import pytest

from proxy.terms.trace import Span, child_of, sampled_trace, span_of, traceparent

TRACE, PARENT = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"


@pytest.mark.parametrize(
    "value", [f"00-{TRACE}-{PARENT}-01", f"00-{TRACE}-{PARENT}-ff", f"cc-{TRACE}-{PARENT}-01-more"]
)
def test_a_trace_that_is_kept_has_a_name(value: str) -> None:
    assert sampled_trace(((b"Traceparent", value.encode()),)) == TRACE


@pytest.mark.parametrize(
    "value",
    [
        f"00-{TRACE}-{PARENT}-00",  # not sampled: it leads nowhere
        f"00-{TRACE}-{PARENT}-01-more",  # version 00 has four members
        f"ff-{TRACE}-{PARENT}-01",
        f"00-{'0' * 32}-{PARENT}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{PARENT}-01",
        f"00-{TRACE[1:]}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-1",
        f" 00-{TRACE}-{PARENT}-01",
        f"00-{TRACE}-{PARENT}-01\n",
        "4111111111111111",
        "",
    ],
)
def test_what_is_not_the_form_of_the_standard_is_no_trace(value: str) -> None:
    assert sampled_trace(((b"traceparent", value.encode()),)) is None


def test_two_fields_are_no_trace_and_none_is_none() -> None:
    one = (b"traceparent", f"00-{TRACE}-{PARENT}-01".encode())
    assert sampled_trace((one, one)) is None
    assert sampled_trace(()) is None


def test_a_request_is_a_child_of_its_callers_span_and_an_attempt_of_the_requests() -> None:
    ids = iter(["1" * 32, "2" * 32])
    parent = (b"traceparent", f"00-{TRACE}-{PARENT}-00".encode())
    request = span_of((parent,), lambda: next(ids))
    assert request == Span(TRACE, "1" * 16, PARENT, is_sampled=False)
    attempt = child_of(request, lambda: next(ids))
    assert attempt == Span(TRACE, "2" * 16, "1" * 16, is_sampled=False)
    assert traceparent(attempt) == f"00-{TRACE}-{'2' * 16}-00".encode()


def test_a_trace_of_nobodys_begins_here_and_is_kept() -> None:
    ids = iter(["1" * 32, TRACE])
    request = span_of((), lambda: next(ids), is_passed_on=False)
    assert request == Span(TRACE, "1" * 16, None, is_sampled=True, is_passed_on=False)
    assert traceparent(request).endswith(b"-01")
