"""How an entry changes: by its owner, under its lease, and by what is said of it."""

import pytest
from msgspec.structs import replace

from proxy.ledger.book import abandon, begin, end, expired, send, settle
from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Result, State
from proxy.ledger.keeping import TOMBSTONE_S, is_unknown, purged
from tests.support.ledger import ANSWER, LEASE_END, ME, OTHER, claim, entry

BEFORE, AFTER = LEASE_END - 1, LEASE_END
DECIDED = [State.DONE, State.GONE, State.RELEASED]


def test_a_new_key_is_taken_for_as_long_as_the_lease() -> None:
    met = begin(None, claim(), 5.0)
    assert met.meeting is Meeting.NEW
    assert (met.entry.state, met.entry.owner, met.entry.lease_until) == (State.BEGUN, ME, 15.0)
    assert (met.entry.created_at, met.entry.attempts, met.entry.result) == (5.0, 0, None)


@pytest.mark.parametrize(
    ("there", "at", "is_taken"),
    [
        (entry(State.BEGUN), AFTER, True),
        (entry(State.RELEASED), BEFORE, True),
        (entry(State.BEGUN), BEFORE, False),
        (entry(State.SENDING), AFTER, False),
        (entry(State.DONE), AFTER, False),
    ],
)
def test_a_key_is_taken_over_only_where_nothing_was_made(
    there: object, at: float, *, is_taken: bool
) -> None:
    met = begin(there, claim(id="p2", owner=OTHER), at)  # type: ignore[arg-type]
    assert (met.meeting is Meeting.NEW) is is_taken
    assert (met.entry.id, met.entry.owner) == (("p2", OTHER) if is_taken else ("p1", ME))


def test_who_meets_a_payment_whose_owner_is_gone_finds_it_unknown() -> None:
    met = begin(entry(State.SENDING), claim(id="p2", owner=OTHER), AFTER)
    assert (met.meeting, met.entry.state) == (Meeting.PENDING, State.UNKNOWN)


def test_each_attempt_takes_the_claim_anew() -> None:
    first = send(entry(State.BEGUN), ME, 10.0, BEFORE)
    assert first is not None
    assert (first.state, first.attempts, first.lease_until) == (State.SENDING, 1, BEFORE + 10)
    second = send(first, ME, 10.0, BEFORE + 9)
    assert second is not None
    assert (second.attempts, second.lease_until) == (2, BEFORE + 19)


@pytest.mark.parametrize(
    ("there", "owner", "at"),
    [
        (None, ME, BEFORE),
        (entry(State.BEGUN), OTHER, BEFORE),
        (entry(State.SENDING), OTHER, BEFORE),
        (entry(State.BEGUN), ME, AFTER),
        (entry(State.SENDING), ME, AFTER),
        *((entry(state), ME, BEFORE) for state in (State.UNKNOWN, *DECIDED)),
    ],
)
def test_a_claim_that_is_lost_sends_nothing(there: object, owner: object, at: float) -> None:
    assert send(there, owner, 10.0, at) is None  # type: ignore[arg-type]


@pytest.mark.parametrize("state", [State.BEGUN, State.SENDING, State.UNKNOWN])
def test_its_owner_ends_a_payment_early_or_late(state: State) -> None:
    there = entry(state)
    freed = end(there, ME, End.FREE, None, None, AFTER).entry
    assert (freed.state, freed.result) == (State.RELEASED, Result.REJECTED)
    unknown = end(there, ME, End.UNKNOWN, None, None, AFTER).entry
    assert unknown.state is State.UNKNOWN
    done = end(there, ME, End.DONE, Result.SUCCEEDED, ANSWER, AFTER).entry
    assert (done.state, done.result, done.recorded) == (State.DONE, Result.SUCCEEDED, ANSWER)


@pytest.mark.parametrize("how", End)
@pytest.mark.parametrize("state", State)
def test_nobody_else_ends_it(state: State, how: End) -> None:
    there = entry(state)
    ended = end(there, OTHER, how, Result.SUCCEEDED, ANSWER, BEFORE)
    assert (ended.entry, ended.is_contradicted) == (there, False)


@pytest.mark.parametrize("state", State)
def test_only_what_was_not_sent_is_abandoned(state: State) -> None:
    there = entry(state)
    assert abandon(there, OTHER, AFTER).entry == there
    given_up = abandon(there, ME, AFTER).entry
    assert given_up.state is (State.RELEASED if state is State.BEGUN else state)


@pytest.mark.parametrize(
    ("state", "known", "how", "result", "is_contradicted"),
    [
        (State.DONE, Result.SUCCEEDED, End.UNKNOWN, None, False),
        (State.DONE, Result.SUCCEEDED, End.DONE, Result.SUCCEEDED, False),
        (State.DONE, Result.SUCCEEDED, End.DONE, Result.DECLINED, True),
        (State.DONE, Result.SUCCEEDED, End.FREE, None, True),
        (State.GONE, Result.DECLINED, End.DONE, Result.DECLINED, False),
        (State.RELEASED, None, End.DONE, Result.DECLINED, True),
        (State.RELEASED, None, End.FREE, None, False),
    ],
)
def test_a_late_answer_is_weighed_against_what_was_said(
    state: State, known: Result | None, how: End, result: Result | None, *, is_contradicted: bool
) -> None:
    there = entry(state, result=known)
    ended = end(there, ME, how, result, ANSWER, AFTER)
    assert ended.is_contradicted is is_contradicted
    assert ended.entry is not None
    assert (ended.entry.state, ended.entry.result) == (state, known)
    is_kept = state is State.DONE and result is known
    assert (ended.entry.recorded is ANSWER) is is_kept


def test_an_answer_that_is_kept_is_not_replaced() -> None:
    there = entry(State.DONE, result=Result.SUCCEEDED, recorded=ANSWER)
    assert end(there, ME, End.DONE, Result.SUCCEEDED, None, AFTER).entry is not None
    ended = end(there, ME, End.DONE, Result.SUCCEEDED, None, AFTER).entry
    assert ended is not None
    assert ended.recorded is ANSWER


@pytest.mark.parametrize(
    ("said", "state", "result"),
    [
        (Said.SUCCEEDED, State.DONE, Result.SUCCEEDED),
        (Said.DECLINED, State.DONE, Result.DECLINED),
        (Said.NOT_PROCESSED, State.RELEASED, None),
    ],
)
def test_what_is_said_settles_and_its_evidence_is_kept(
    said: Said, state: State, result: Result | None
) -> None:
    there = entry(State.UNKNOWN)
    after, evidence = settle(there, Source.PERSON, said, "ann", now=2000.0, attempt_timeout_s=10.0)
    assert (after.state, after.result, after.recorded) == (state, result, None)
    assert (evidence.note, evidence.at, evidence.settlement) == ("ann", 2000.0, Settlement.SETTLED)


def test_what_settles_nothing_changes_nothing_but_that_somebody_spoke() -> None:
    there = entry(State.DONE, result=Result.SUCCEEDED)
    after, evidence = settle(
        there, Source.WEBHOOK, Said.DECLINED, "rule", now=2000.0, attempt_timeout_s=10.0
    )
    assert (after, evidence.settlement) == (
        replace(there, is_spoken_of=True),
        Settlement.CONTRADICTED,
    )


def test_what_was_sent_and_not_answered_is_unknown_once_its_lease_is_over() -> None:
    assert expired(entry(State.SENDING), BEFORE).state is State.SENDING
    assert expired(entry(State.SENDING), AFTER).state is State.UNKNOWN
    assert expired(entry(State.BEGUN), BEFORE).state is State.BEGUN
    assert expired(entry(State.BEGUN), AFTER).state is State.RELEASED
    assert expired(entry(State.BEGUN, is_spoken_of=True), AFTER).state is State.UNKNOWN
    for state in DECIDED:
        assert expired(entry(state), AFTER).state is state
    assert not is_unknown(entry(State.SENDING), BEFORE)
    assert is_unknown(entry(State.SENDING), AFTER)
    assert is_unknown(entry(State.UNKNOWN), BEFORE)


HOUR = 3600.0


@pytest.mark.parametrize(("age_s", "is_kept"), [(TOMBSTONE_S - 1, True), (TOMBSTONE_S, False)])
def test_somebodys_word_is_kept_as_long_as_a_tombstone(age_s: float, *, is_kept: bool) -> None:
    there = entry(State.RELEASED, is_spoken_of=True)
    assert (purged(there, record_for_s=HOUR, now=900.0 + age_s) is not None) is is_kept


def test_nothing_is_sent_of_what_somebody_spoke_of_before_its_first_byte() -> None:
    assert send(entry(State.BEGUN, is_spoken_of=True), ME, 10.0, BEFORE) is None
    assert send(entry(State.SENDING, is_spoken_of=True), ME, 10.0, BEFORE) is not None


@pytest.mark.parametrize(
    ("state", "age_s", "becomes"),
    [
        (State.DONE, HOUR - 1, State.DONE),
        (State.DONE, HOUR, State.GONE),
        (State.GONE, TOMBSTONE_S - 1, State.GONE),
        (State.GONE, TOMBSTONE_S, None),
        (State.RELEASED, HOUR - 1, State.RELEASED),
        (State.RELEASED, HOUR, None),
        (State.UNKNOWN, TOMBSTONE_S * 100, State.UNKNOWN),
        (State.SENDING, TOMBSTONE_S * 100, State.UNKNOWN),
        (State.SENDING, 1.0, State.SENDING),
        (State.BEGUN, 99.0, State.BEGUN),
        (State.BEGUN, 100.0, State.RELEASED),
    ],
)
def test_what_is_kept_and_for_how_long(state: State, age_s: float, becomes: State | None) -> None:
    kept = purged(entry(state, recorded=ANSWER), record_for_s=HOUR, now=900.0 + age_s)
    assert (kept.state if kept else None) is becomes
    if kept is not None and kept.state is State.GONE and state is State.DONE:
        assert kept.recorded is None


def test_what_its_own_answer_released_is_kept_no_longer_than_an_answer() -> None:
    freed = entry(State.RELEASED, result=Result.REJECTED)
    assert purged(freed, record_for_s=HOUR, now=900.0 + HOUR - 1) is freed
    assert purged(freed, record_for_s=HOUR, now=900.0 + HOUR) is None


@pytest.mark.parametrize(
    ("said", "result"),
    [
        (Said.SUCCEEDED, Result.SUCCEEDED),
        (Said.DECLINED, Result.DECLINED),
        (Said.NOT_PROCESSED, Result.REJECTED),
    ],
)
def test_what_its_own_answer_did_not_say_others_say(said: Said, result: Result) -> None:
    there = entry(State.DONE, recorded=ANSWER)
    after, _ = settle(there, Source.PERSON, said, "ann", now=2000.0, attempt_timeout_s=10.0)
    assert (after.state, after.result, after.recorded) == (State.DONE, result, ANSWER)


@pytest.mark.parametrize(
    ("answered_s_ago", "created_at"),
    [(None, 8.5), (0.5, 11.0), (1.5, 10.0), (2.5, 9.0), (3.0, 8.5)],
)
def test_a_record_of_the_same_second_is_of_the_payment_before(
    answered_s_ago: float | None, created_at: float
) -> None:
    one = claim(sent_s_ago=2.0, answered_s_ago=answered_s_ago)
    assert begin(None, one, 10.5).entry.created_at == created_at
