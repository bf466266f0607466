"""GCRA: never more than the burst and the rate, and never a refusal that costs anybody."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proxy.limit.decide import Ask, NotYet, take

TEN = Ask("a", 0.1, 1)


def test_a_burst_goes_at_once_and_the_next_waits_its_interval() -> None:
    ask, tats = Ask("a", 0.1, 3), [0.0]
    for _ in range(3):
        taken = take(tats, [ask], 1000.0)
        assert isinstance(taken, list)
        tats = taken
    assert tats == pytest.approx([1000.3])
    assert take(tats, [ask], 1000.0) == NotYet((pytest.approx(0.1),))


def test_an_idle_limit_saves_up_no_more_than_its_burst() -> None:
    assert take([5.0], [Ask("a", 0.1, 3)], 1000.0) == pytest.approx([1000.1])


def test_where_one_limit_has_no_token_none_is_taken_of_the_others() -> None:
    taken = take([0.0, 1000.4, 1000.2], [TEN, TEN, TEN], 1000.0)
    assert taken == NotYet((0.0, pytest.approx(0.4), pytest.approx(0.2)))


def test_one_that_comes_exactly_on_time_is_not_refused_for_a_rounding() -> None:
    tats, now = [0.0], 1_000_000.1
    for _ in range(1000):
        taken = take(tats, [Ask("a", 1 / 3, 1)], now)
        assert isinstance(taken, list)
        tats, now = taken, now + 1 / 3


asks = st.builds(Ask, st.just("a"), st.floats(0.001, 10), st.integers(1, 50))


@hypothesis_settings(deadline=None)
@given(limits=st.lists(asks, min_size=1, max_size=3), pauses=st.lists(st.floats(0, 2), min_size=1))
def test_over_any_time_at_most_burst_and_rate_are_let_go(
    limits: list[Ask], pauses: list[float]
) -> None:
    tats, now, let_go = [0.0] * len(limits), 1000.0, []
    for pause in pauses:
        now += pause
        taken = take(tats, limits, now)
        if isinstance(taken, NotYet):
            assert max(taken.waits_s) > 0
            continue
        assert all(new > old for new, old in zip(taken, tats, strict=True))
        tats = taken
        let_go.append(now)
    for ask in limits:
        for begin, first in enumerate(let_go):
            for end in range(begin, len(let_go)):
                elapsed = let_go[end] - first
                assert end - begin + 1 <= ask.burst + (elapsed + 3e-6) / ask.interval_s + 1e-6


@hypothesis_settings(deadline=None)
@given(ask=asks, behind=st.floats(0, 100))
def test_who_is_told_when_to_come_back_is_served_then(ask: Ask, behind: float) -> None:
    tats, now = [1000.0 + behind], 1000.0
    refused = take(tats, [ask], now)
    if isinstance(refused, NotYet):
        assert isinstance(take(tats, [ask], now + refused.waits_s[0]), list)
