"""What a request meets under its key, and what becomes of a payment: every row of the tables."""

import pytest

from proxy.ledger.decide import End, Meeting, Said, Settlement, Source, end_of, meet, weigh
from proxy.ledger.entry import Entry, Result, State
from proxy.terms import Answered, Effect, Kind, Outcome
from tests.support import make
from tests.support.ledger import ANSWER, LEASE_END
from tests.support.ledger import entry as an_entry

ATTEMPT_S = 10.0
BEFORE, AFTER, LONG_AFTER = LEASE_END - 1, LEASE_END, LEASE_END + ATTEMPT_S


def entry(state: State, result: Result | None = None, *, has_answer: bool = False) -> Entry:
    return an_entry(state, result=result, recorded=ANSWER if has_answer else None)


def answered(*, kind: Kind, effect: Effect) -> Answered:
    return make.ok(kind=kind, effect=effect)


MEETINGS = {
    # state: under the lease, after it, and with another request under the lease and after it
    State.BEGUN: (Meeting.IN_PROGRESS, Meeting.NEW, Meeting.REUSED, Meeting.NEW),
    State.SENDING: (Meeting.IN_PROGRESS, Meeting.PENDING, Meeting.REUSED, Meeting.REUSED),
    State.UNKNOWN: (Meeting.PENDING, Meeting.PENDING, Meeting.REUSED, Meeting.REUSED),
    State.DONE: (Meeting.REPLAYED, Meeting.REPLAYED, Meeting.REUSED, Meeting.REUSED),
    State.GONE: (Meeting.PROCESSED, Meeting.PROCESSED, Meeting.REUSED, Meeting.REUSED),
    State.RELEASED: (Meeting.NEW, Meeting.NEW, Meeting.NEW, Meeting.NEW),
}


def test_the_table_of_meetings_is_total() -> None:
    assert set(MEETINGS) == set(State)


@pytest.mark.parametrize("state", State)
def test_what_a_request_meets_under_its_key(state: State) -> None:
    there = entry(state, has_answer=state is State.DONE)
    met = tuple(meet(there, print_, at) for print_ in (b"f", b"g") for at in (BEFORE, AFTER))
    assert met == MEETINGS[state]


def test_a_key_that_nobody_used_is_new_and_an_answer_not_kept_is_not_invented() -> None:
    assert meet(None, b"f", BEFORE) is Meeting.NEW
    assert meet(entry(State.DONE), b"f", BEFORE) is Meeting.PROCESSED


@pytest.mark.parametrize(
    ("outcome", "end", "result"),
    [
        (make.ok(), End.DONE, Result.SUCCEEDED),
        (answered(kind=Kind.DECLINED, effect=Effect.SETTLED), End.DONE, Result.DECLINED),
        (answered(kind=Kind.DUPLICATE, effect=Effect.SETTLED), End.DONE, Result.SUCCEEDED),
        (answered(kind=Kind.REJECTED, effect=Effect.SETTLED), End.DONE, Result.REJECTED),
        (make.ok(answer=make.answer(302)), End.DONE, None),
        (answered(kind=Kind.BROKEN, effect=Effect.SETTLED), End.UNKNOWN, None),
        (answered(kind=Kind.THROTTLED, effect=Effect.SETTLED), End.UNKNOWN, None),
        (answered(kind=Kind.REJECTED, effect=Effect.NONE), End.FREE, None),
        (answered(kind=Kind.OK, effect=Effect.UNKNOWN), End.UNKNOWN, None),
        (answered(kind=Kind.BROKEN, effect=Effect.UNKNOWN), End.UNKNOWN, None),
        (make.not_sent(), End.FREE, None),
        (make.lost(), End.UNKNOWN, None),
        (make.lost(effect=Effect.SETTLED), End.UNKNOWN, None),
        (make.refused(), End.FREE, None),
        (make.refused(effect=Effect.UNKNOWN), End.UNKNOWN, None),
    ],
)
def test_what_becomes_of_a_payment(outcome: Outcome, end: End, result: Result | None) -> None:
    assert end_of(outcome) == (end, result)


@pytest.mark.parametrize("kind", Kind)
def test_only_what_did_nothing_frees_a_key(kind: Kind) -> None:
    for effect in Effect:
        end, _ = end_of(answered(kind=kind, effect=effect))
        assert (end is End.FREE) is (effect is Effect.NONE)


# What is said of an unknown payment.

DECIDED = [(State.DONE, Result.SUCCEEDED), (State.GONE, Result.DECLINED), (State.RELEASED, None)]


@pytest.mark.parametrize("state", [State.BEGUN, State.SENDING])
@pytest.mark.parametrize("said", [Said.SUCCEEDED, Said.DECLINED])
@pytest.mark.parametrize("source", Source)
def test_what_is_said_while_an_attempt_runs_waits_for_its_answer(
    state: State, said: Said, source: Source
) -> None:
    there = entry(state)
    told = [
        weigh(there, source, said, now=at, attempt_timeout_s=ATTEMPT_S) for at in (BEFORE, AFTER)
    ]
    assert told == [Settlement.TOO_EARLY, Settlement.SETTLED]


@pytest.mark.parametrize("source", Source)
@pytest.mark.parametrize("said", [Said.SUCCEEDED, Said.DECLINED])
def test_what_is_unknown_is_settled_by_whoever_knows(source: Source, said: Said) -> None:
    there = entry(State.UNKNOWN)
    assert weigh(there, source, said, now=BEFORE, attempt_timeout_s=ATTEMPT_S) is Settlement.SETTLED


@pytest.mark.parametrize("state", [State.BEGUN, State.SENDING, State.UNKNOWN])
def test_only_a_person_says_that_nothing_was_made_and_not_too_early(state: State) -> None:
    there = entry(state)
    for source in (Source.LOOKUP, Source.WEBHOOK):
        told = weigh(there, source, Said.NOT_PROCESSED, now=LONG_AFTER, attempt_timeout_s=ATTEMPT_S)
        assert told is Settlement.NOT_THEIRS
    for at, expected in [
        (BEFORE, Settlement.TOO_EARLY),
        (AFTER, Settlement.TOO_EARLY),
        (LONG_AFTER, Settlement.SETTLED),
    ]:
        told = weigh(there, Source.PERSON, Said.NOT_PROCESSED, now=at, attempt_timeout_s=ATTEMPT_S)
        assert told is expected


@pytest.mark.parametrize(
    ("state", "result", "known"),
    [
        (State.DONE, Result.SUCCEEDED, Said.SUCCEEDED),
        (State.DONE, Result.DECLINED, Said.DECLINED),
        (State.DONE, Result.REJECTED, Said.NOT_PROCESSED),
        (State.GONE, Result.SUCCEEDED, Said.SUCCEEDED),
        (State.RELEASED, None, Said.NOT_PROCESSED),
    ],
)
@pytest.mark.parametrize("said", Said)
def test_evidence_to_the_contrary_is_a_contradiction(
    state: State, result: Result | None, known: Said, said: Said
) -> None:
    told = weigh(
        entry(state, result), Source.PERSON, said, now=LONG_AFTER, attempt_timeout_s=ATTEMPT_S
    )
    is_same = said is known or (known, said) == (Said.NOT_PROCESSED, Said.DECLINED)
    assert told is (Settlement.CONFIRMED if is_same else Settlement.CONTRADICTED)


@pytest.mark.parametrize("said", Said)
def test_what_was_answered_with_a_redirection_is_contradicted_by_nobody(said: Said) -> None:
    there = entry(State.DONE, has_answer=True)
    told = weigh(there, Source.PERSON, said, now=LONG_AFTER, attempt_timeout_s=ATTEMPT_S)
    assert told is Settlement.CONFIRMED
