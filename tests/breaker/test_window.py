"""The rolling count of attempts and failures."""

from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proxy.breaker.window import Window


def test_it_counts_what_was_of_late() -> None:
    window = Window(30.0)
    window.add(1000.0, is_failure=True)
    window.add(1015.0, is_failure=False)
    assert window.count(1015.0) == (2, 1)


def test_it_forgets_what_is_older_than_its_length() -> None:
    window = Window(30.0)
    window.add(999.0, is_failure=True)
    assert window.count(1028.9) == (1, 1)
    assert window.count(1029.0) == (0, 0)


def test_a_slot_that_is_used_again_starts_at_nothing() -> None:
    window = Window(30.0)
    window.add(999.0, is_failure=True)
    window.add(1029.0, is_failure=False)
    assert window.count(1029.0) == (1, 0)


@hypothesis_settings(deadline=None)
@given(
    length_s=st.floats(0.01, 1e5),
    steps=st.lists(st.tuples(st.floats(0, 1e5), st.booleans()), max_size=100),
)
def test_it_never_counts_what_is_too_old_nor_misses_what_is_recent(
    length_s: float, steps: list[tuple[float, bool]]
) -> None:
    window, now = Window(length_s), 1000.0
    times: list[tuple[float, bool]] = []
    for pause, is_failure in steps:
        now += pause
        window.add(now, is_failure=is_failure)
        times.append((now, is_failure))
        total, failures = window.count(now)
        surely = [failed for at, failed in times if now - at < length_s * 0.9 - 1e-6]
        at_most = [failed for at, failed in times if now - at < length_s + 1e-6]
        assert len(surely) <= total <= len(at_most)
        assert sum(surely) <= failures <= sum(at_most)
