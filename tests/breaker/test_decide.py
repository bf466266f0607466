"""What an outcome tells of the provider."""

import pytest

from proxy.breaker.decide import FAILINGS, KINDS, OUR_FAULTS, Vote, vote_for
from proxy.terms import (
    Delivery,
    Effect,
    ErrorCode,
    ErrorType,
    Kind,
    Outcome,
    ProxyError,
    Refusal,
)
from tests.support import make


def test_every_kind_of_answer_has_its_vote() -> None:
    assert set(KINDS) == set(Kind)


@pytest.mark.item(10)
@pytest.mark.parametrize("is_probe", [False, True])
@pytest.mark.parametrize(
    ("outcome", "vote"),
    [
        (make.ok(), Vote.HEALTHY),
        (make.rejected(401), Vote.HEALTHY),
        (make.rejected(402, kind=Kind.DECLINED), Vote.HEALTHY),
        (make.rejected(409, kind=Kind.DUPLICATE), Vote.HEALTHY),
        (make.broken(409, kind=Kind.IN_PROGRESS), Vote.HEALTHY),
        (make.broken(503), Vote.FAULTY),
        (make.lost(), Vote.FAULTY),
        (make.not_sent(), Vote.FAULTY),
        (make.not_sent(ProxyError.TLS_CERTIFICATE_ERROR, is_transient=False), Vote.FAULTY),
        (make.not_sent(ProxyError.CONNECTION_LIMIT_REACHED), Vote.ABSTAIN),
    ],
)
def test_an_answer_is_a_sign_of_life(outcome: Outcome, vote: Vote, *, is_probe: bool) -> None:
    assert vote_for(outcome, is_probe=is_probe, is_late=False) is vote


@pytest.mark.item(10)
@pytest.mark.parametrize("reason", list(Refusal))
def test_our_own_no_says_nothing_of_the_provider(reason: Refusal) -> None:
    assert vote_for(make.refused(reason), is_probe=True, is_late=False) is Vote.ABSTAIN


OURS = {
    *("http_request_error", "proxy_internal_error", "proxy_loop_detected"),
    *("connection_limit_reached", "destination_not_found"),
}


@pytest.mark.parametrize("reason", list(ProxyError))
def test_only_what_was_not_our_doing_is_held_against_the_provider(reason: ProxyError) -> None:
    assert (reason in OUR_FAULTS) is (reason.value in OURS)
    vote = Vote.ABSTAIN if reason.value in OURS else Vote.FAULTY
    assert vote_for(make.lost(reason), is_probe=False, is_late=False) is vote


@pytest.mark.parametrize(("is_probe", "vote"), [(False, Vote.ABSTAIN), (True, Vote.FAULTY)])
def test_shedding_load_counts_only_against_a_probe(vote: Vote, *, is_probe: bool) -> None:
    assert vote_for(make.throttled(), is_probe=is_probe, is_late=False) is vote


@pytest.mark.parametrize("code", list(ErrorCode))
def test_a_permanent_5xx_is_healthy_where_it_speaks_of_the_request(code: ErrorCode) -> None:
    outcome = make.broken(500, is_transient=False, error_code=code)
    vote = Vote.FAULTY if code.type in FAILINGS else Vote.HEALTHY
    assert vote_for(outcome, is_probe=False, is_late=False) is vote


@pytest.mark.parametrize(
    ("status", "code", "vote"),
    [
        (501, ErrorCode.NOT_SUPPORTED, Vote.HEALTHY),
        (500, ErrorCode.INVALID_FIELD_VALUE, Vote.HEALTHY),
        (520, ErrorCode.BAD_GATEWAY, Vote.FAULTY),
        (500, None, Vote.FAULTY),
    ],
)
def test_not_to_be_repeated_is_not_to_be_well(
    status: int, code: ErrorCode | None, vote: Vote
) -> None:
    outcome = make.broken(status, is_transient=False, error_code=code)
    assert vote_for(outcome, is_probe=False, is_late=False) is vote


def test_a_transient_5xx_is_a_failure_whatever_its_code() -> None:
    outcome = make.broken(503, error_code=ErrorCode.INVALID_REQUEST)
    assert outcome.error_code is not None
    assert outcome.error_code.type is ErrorType.VALIDATION
    assert vote_for(outcome, is_probe=False, is_late=False) is Vote.FAULTY


@pytest.mark.parametrize(
    ("outcome", "vote"),
    [
        (make.not_sent(ProxyError.CONNECTION_TIMEOUT), Vote.ABSTAIN),
        (make.lost(delivery=Delivery.PARTIAL), Vote.FAULTY),
        (make.lost(), Vote.FAULTY),
        (make.ok(effect=Effect.SETTLED), Vote.HEALTHY),
    ],
)
def test_a_caller_who_gave_no_time_is_not_held_against_the_provider(
    outcome: Outcome, vote: Vote
) -> None:
    assert vote_for(outcome, is_probe=False, is_late=True) is vote
