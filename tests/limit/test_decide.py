"""GCRA: never more than the burst and the rate, and never a refusal that costs anybody."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proxy.limit.decide import NoToken, Slot, take
from proxy.terms.units import Rate

TEN = Rate(10, 1.0)


def test_a_burst_goes_at_once_and_the_next_waits_its_interval() -> None:
    tat, waits = 0.0, []
    for _ in range(5):
        slot = take(tat, 1000.0, rate=TEN, burst=3, max_wait_s=1.0)
        assert isinstance(slot, Slot)
        tat = slot.tat
        waits.append(slot.wait_s)
    assert waits == pytest.approx([0.0, 0.0, 0.0, 0.1, 0.2])


def test_a_wait_too_long_is_refused_with_the_time_to_come_back() -> None:
    assert take(1000.5, 1000.0, rate=TEN, burst=1, max_wait_s=0.4) == NoToken(0.5)


def test_a_wait_just_long_enough_is_granted() -> None:
    assert take(1000.5, 1000.0, rate=TEN, burst=1, max_wait_s=0.5) == Slot(1000.6, 0.5)


def test_an_idle_limit_saves_up_no_more_than_its_burst() -> None:
    assert take(5.0, 1000.0, rate=TEN, burst=3, max_wait_s=0) == Slot(1000.1, 0.0)


def test_one_that_comes_exactly_on_time_is_not_refused_for_a_rounding() -> None:
    tat, now = 0.0, 1_000_000.1
    for _ in range(1000):
        slot = take(tat, now, rate=Rate(3, 1.0), burst=1, max_wait_s=0)
        assert isinstance(slot, Slot)
        tat, now = slot.tat, now + 1 / 3


rates = st.builds(Rate, st.floats(0.1, 1000), st.floats(0.1, 3600))


@hypothesis_settings(deadline=None)
@given(
    rate=rates,
    burst=st.integers(1, 50),
    max_wait_s=st.floats(0, 10),
    pauses=st.lists(st.floats(0, 2), min_size=1, max_size=100),
)
def test_over_any_time_at_most_burst_and_rate_are_let_go(
    rate: Rate, burst: int, max_wait_s: float, pauses: list[float]
) -> None:
    tat, now, let_go = 0.0, 1000.0, []
    for pause in pauses:
        now += pause
        slot = take(tat, now, rate=rate, burst=burst, max_wait_s=max_wait_s)
        if isinstance(slot, NoToken):
            assert slot.retry_after_s > max_wait_s
            continue
        assert slot.wait_s <= max_wait_s
        assert slot.tat > tat
        tat = slot.tat
        let_go.append(now + slot.wait_s)
    assert all(earlier <= later + 1e-6 for earlier, later in pairwise(let_go))
    for begin, first in enumerate(let_go):
        for end in range(begin, len(let_go)):
            elapsed = let_go[end] - first
            assert end - begin + 1 <= burst + rate.per_second * (elapsed + 3e-6) + 1e-6


@hypothesis_settings(deadline=None)
@given(rate=rates, burst=st.integers(1, 50), behind=st.floats(0, 100))
def test_who_is_told_when_to_come_back_is_served_then(
    rate: Rate, burst: int, behind: float
) -> None:
    tat, now = 1000.0 + behind, 1000.0
    refused = take(tat, now, rate=rate, burst=burst, max_wait_s=0)
    if isinstance(refused, NoToken):
        later = take(tat, now + refused.retry_after_s, rate=rate, burst=burst, max_wait_s=0)
        assert isinstance(later, Slot)
