"""How long to wait: never longer than the ceiling, never sooner than the provider allows."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.retry.backoff import delay_s
from proxy.retry.settings import BackoffSettings

STEADY = BackoffSettings(jitter="none")


@pytest.mark.item(11)
@pytest.mark.parametrize(("attempt", "expected"), [(1, 0.2), (2, 0.4), (3, 0.8), (6, 5.0)])
def test_the_ceiling_doubles_up_to_the_cap(attempt: int, expected: float) -> None:
    assert delay_s(attempt, STEADY, chance=0.1, floor_s=None) == pytest.approx(expected)


@pytest.mark.item(11)
@pytest.mark.parametrize(("chance", "expected"), [(0.0, 0.0), (0.5, 0.2), (0.999, 0.3996)])
def test_full_jitter_takes_any_part_of_the_ceiling(chance: float, expected: float) -> None:
    delay = delay_s(2, BackoffSettings(), chance=chance, floor_s=None)
    assert delay == pytest.approx(expected)


@pytest.mark.item(11)
def test_retry_after_is_a_floor_that_the_cap_does_not_lower() -> None:
    assert delay_s(1, BackoffSettings(), chance=0.5, floor_s=60.0) == 60.0


@pytest.mark.item(11)
def test_retry_after_does_not_shorten_the_backoff() -> None:
    assert delay_s(1, STEADY, chance=0.5, floor_s=0.05) == 0.2


@pytest.mark.item(11)
@given(
    attempt=st.integers(1, 10**6),
    base=st.floats(0.001, 3600),
    factor=st.floats(1, 10),
    cap=st.floats(0.001, 3600),
    chance=st.floats(0, 1, exclude_max=True),
    floor=st.none() | st.floats(0, 3600),
)
def test_a_delay_lies_between_floor_and_cap(
    attempt: int, base: float, factor: float, cap: float, chance: float, floor: float | None
) -> None:
    settings = BackoffSettings(base=base, factor=factor, cap=cap)
    delay = delay_s(attempt, settings, chance=chance, floor_s=floor)
    assert (floor or 0.0) <= delay <= max(cap, floor or 0.0)
