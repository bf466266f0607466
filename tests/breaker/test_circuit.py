"""The circuit: when it opens, how it closes, and what it ignores."""

import pytest
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from proxy.breaker import Breaker, BreakerSettings, Denied, Permit, State, Vote
from proxy.breaker.circuit import SAFE_FIRST_S

SETTINGS = BreakerSettings(min_requests=4, window=30.0, open_for=15.0, half_open_probes=2)
T0 = 1000.0


def admit(breaker: Breaker, now: float = T0) -> Permit:
    permit = breaker.admit(now, is_safe=False)
    assert isinstance(permit, Permit)
    return permit


def attempt(breaker: Breaker, vote: Vote, now: float = T0) -> State | None:
    return breaker.settle(admit(breaker, now), vote, now)


def opened(settings: BreakerSettings = SETTINGS) -> Breaker:
    breaker = Breaker(settings)
    for _ in range(settings.min_requests):
        attempt(breaker, Vote.FAULTY)
    assert breaker.state(T0) is State.OPEN
    return breaker


def test_it_opens_at_the_ratio() -> None:
    breaker = Breaker(SETTINGS)
    votes = [Vote.HEALTHY, Vote.HEALTHY, Vote.FAULTY, Vote.FAULTY]
    assert [attempt(breaker, vote) for vote in votes] == [None, None, None, State.OPEN]


def test_it_stays_closed_below_the_ratio() -> None:
    breaker = Breaker(SETTINGS)
    for _ in range(10):
        attempt(breaker, Vote.HEALTHY)
    for _ in range(9):
        assert attempt(breaker, Vote.FAULTY) is None
    assert breaker.peek(T0, is_safe=False) is None


def test_it_stays_closed_while_there_is_too_little_to_go_by() -> None:
    breaker = Breaker(SETTINGS)
    assert [attempt(breaker, Vote.FAULTY) for _ in range(3)] == [None] * 3


def test_abstentions_are_not_counted() -> None:
    breaker = Breaker(SETTINGS)
    for vote in [Vote.FAULTY, Vote.ABSTAIN, Vote.FAULTY, Vote.ABSTAIN, Vote.FAULTY]:
        assert attempt(breaker, vote) is None


def test_failures_that_are_long_over_are_not_counted() -> None:
    breaker = Breaker(SETTINGS)
    for _ in range(3):
        attempt(breaker, Vote.FAULTY)
    assert attempt(breaker, Vote.FAULTY, T0 + 31) is None


def test_while_open_it_denies_and_says_how_long() -> None:
    breaker = opened()
    assert breaker.admit(T0 + 5, is_safe=False) == Denied(10.0)
    assert breaker.peek(T0 + 5, is_safe=False) == Denied(10.0)


def test_when_due_it_lets_so_many_probes_through_at_once() -> None:
    breaker = opened()
    now = T0 + 15
    assert breaker.state(now) is State.HALF_OPEN
    assert breaker.peek(now, is_safe=False) is None
    first, second = admit(breaker, now), admit(breaker, now)
    assert (first.is_probe, first.moved_to) == (True, State.HALF_OPEN)
    assert (second.is_probe, second.moved_to) == (True, None)
    assert breaker.admit(now, is_safe=False) == Denied(1.0)


def test_nobody_is_told_to_wait_for_probes_longer_than_for_the_circuit() -> None:
    breaker = opened(SETTINGS.model_copy(update={"open_for": 0.2, "half_open_probes": 1}))
    admit(breaker, T0 + 1)
    assert breaker.admit(T0 + 1, is_safe=False) == Denied(0.2)


def test_it_closes_when_all_probes_succeed_and_starts_counting_anew() -> None:
    breaker = opened()
    now = T0 + 15
    first, second = admit(breaker, now), admit(breaker, now)
    assert breaker.settle(first, Vote.HEALTHY, now) is None
    assert isinstance(breaker.admit(now, is_safe=False), Denied)
    assert breaker.settle(second, Vote.HEALTHY, now) is State.CLOSED
    assert [attempt(breaker, Vote.FAULTY, now) for _ in range(3)] == [None] * 3


def test_one_failed_probe_opens_it_again() -> None:
    breaker = opened()
    now = T0 + 15
    first, second = admit(breaker, now), admit(breaker, now)
    assert breaker.settle(first, Vote.HEALTHY, now) is None
    assert breaker.settle(second, Vote.FAULTY, now) is State.OPEN
    assert breaker.admit(now + 14.9, is_safe=False) == Denied(pytest.approx(0.1))


def test_a_cancelled_probe_neither_closes_nor_leaks() -> None:
    breaker = opened(SETTINGS.model_copy(update={"half_open_probes": 1}))
    now = T0 + 15
    for _ in range(3):
        assert attempt(breaker, Vote.ABSTAIN, now) is None
        assert breaker.state(now) is State.HALF_OPEN
    assert attempt(breaker, Vote.HEALTHY, now) is State.CLOSED


def test_an_answer_that_belongs_to_an_earlier_state_is_ignored() -> None:
    breaker = Breaker(SETTINGS)
    early = [admit(breaker) for _ in range(8)]
    for permit in early[:4]:
        breaker.settle(permit, Vote.FAULTY, T0)
    now = T0 + 15
    probe = admit(breaker, now)
    assert breaker.settle(early[4], Vote.FAULTY, now) is None
    assert breaker.settle(early[5], Vote.HEALTHY, now) is None
    assert breaker.settle(early[6], Vote.HEALTHY, now) is None
    assert breaker.state(now) is State.HALF_OPEN
    assert breaker.settle(probe, Vote.FAULTY, now) is State.OPEN
    assert breaker.settle(probe, Vote.HEALTHY, now) is None


def test_a_reload_keeps_the_state() -> None:
    breaker = opened()
    breaker.reconfigure(SETTINGS.model_copy(update={"window": 60.0}))
    assert breaker.admit(T0 + 5, is_safe=False) == Denied(10.0)


def test_a_reload_that_keeps_the_window_keeps_its_counts() -> None:
    breaker = Breaker(SETTINGS)
    attempt(breaker, Vote.FAULTY)
    breaker.reconfigure(SETTINGS.model_copy(update={"min_requests": 2}))
    assert attempt(breaker, Vote.FAULTY) is State.OPEN


def test_a_reload_that_asks_for_fewer_probes_than_have_passed_still_closes() -> None:
    breaker = opened()
    now = T0 + 15
    attempt(breaker, Vote.HEALTHY, now)
    breaker.reconfigure(SETTINGS.model_copy(update={"half_open_probes": 1}))
    assert attempt(breaker, Vote.HEALTHY, now) is State.CLOSED


def test_reads_are_probes_first_where_some_came_while_it_was_open() -> None:
    breaker = opened()
    assert breaker.admit(T0 + 1, is_safe=True) == Denied(14.0)
    assert breaker.admit(T0 + 1, is_safe=False) == Denied(14.0 + SAFE_FIRST_S)
    assert breaker.admit(T0 + 15, is_safe=False) == Denied(SAFE_FIRST_S)
    assert isinstance(breaker.admit(T0 + 15, is_safe=True), Permit)
    assert isinstance(breaker.admit(T0 + 16, is_safe=False), Denied)
    assert isinstance(breaker.admit(T0 + 15 + SAFE_FIRST_S, is_safe=False), Permit)


def test_where_nobody_reads_a_payment_is_a_probe_at_once() -> None:
    breaker = opened()
    assert breaker.admit(T0 + 1, is_safe=False) == Denied(14.0)
    assert isinstance(breaker.admit(T0 + 15, is_safe=False), Permit)


def test_after_the_next_outage_reads_have_to_come_again_to_go_first() -> None:
    breaker = opened()
    breaker.admit(T0, is_safe=True)
    probe = breaker.admit(T0 + 15, is_safe=True)
    assert isinstance(probe, Permit)
    assert breaker.settle(probe, Vote.FAULTY, T0 + 15) is State.OPEN
    assert isinstance(breaker.admit(T0 + 30, is_safe=False), Permit)


def test_states_are_the_values_of_the_gauge() -> None:
    assert {state.name: state.value for state in State} == {"CLOSED": 0, "HALF_OPEN": 1, "OPEN": 2}


def test_it_shows_its_state() -> None:
    assert repr(opened()) == "Breaker(open, generation=1)"


class Circuit(RuleBasedStateMachine):
    """Whatever comes in whatever order, it never sticks and never lets too many probes out."""

    permits = Bundle("permits")

    def __init__(self) -> None:
        super().__init__()
        self.breaker = Breaker(SETTINGS)
        self.now = T0
        self.out: list[Permit] = []

    @rule(seconds=st.floats(0, 20))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule(target=permits, is_safe=st.booleans())
    def ask(self, is_safe: bool) -> Permit | None:
        peeked = self.breaker.peek(self.now, is_safe=is_safe)
        admission = self.breaker.admit(self.now, is_safe=is_safe)
        if isinstance(admission, Denied):
            assert admission == peeked
            assert (
                0 < admission.retry_after_s <= SETTINGS.open_for + SAFE_FIRST_S + 1e-9
            )  # rounding
            return None
        assert peeked is None
        self.out.append(admission)
        return admission

    @rule(permit=consumes(permits), vote=st.sampled_from(Vote))
    def answer(self, permit: Permit | None, vote: Vote) -> None:
        if permit is None:
            return
        self.out.remove(permit)
        before = self.breaker.state(self.now)
        moved_to = self.breaker.settle(permit, vote, self.now)
        if moved_to is State.CLOSED:
            assert (before, permit.is_probe, vote) == (State.HALF_OPEN, True, Vote.HEALTHY)
        if moved_to is State.OPEN:
            assert vote is Vote.FAULTY

    @invariant()
    def probes_are_bounded(self) -> None:
        current = max((permit.generation for permit in self.out), default=0)
        probes = [p for p in self.out if p.is_probe and p.generation == current]
        assert len(probes) <= SETTINGS.half_open_probes

    @invariant()
    def it_never_sticks(self) -> None:
        if self.breaker.state(self.now) is State.HALF_OPEN and not self.out:
            assert self.breaker.peek(self.now, is_safe=True) is None


Circuit.TestCase.settings = hypothesis_settings(
    max_examples=60, stateful_step_count=40, deadline=None
)
TestCircuit = Circuit.TestCase
