"""How many repeats a provider gets: a share of its requests over ten seconds, and a floor."""

import pytest
from hypothesis import given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from proxy.retry.budget import RetryBudget
from proxy.retry.settings import BudgetSettings


def withdrawn(budget: RetryBudget, now: float) -> int:
    count = 0
    while budget.withdraw(now):
        count += 1
    return count


def test_a_quiet_provider_gets_the_floor() -> None:
    assert withdrawn(RetryBudget(BudgetSettings()), 1000.0) == 10


def test_each_five_requests_buy_one_repeat_more() -> None:
    budget = RetryBudget(BudgetSettings())
    for _ in range(25):
        budget.deposit(1000.0)
    assert budget.remaining(1000.0) == 15
    assert withdrawn(budget, 1000.0) == 15
    assert budget.remaining(1000.0) == 0


def test_what_is_ten_seconds_old_no_longer_counts() -> None:
    budget = RetryBudget(BudgetSettings())
    assert withdrawn(budget, 1000.0) == 10
    assert not budget.withdraw(1009.9)
    assert withdrawn(budget, 1010.0) == 10


def test_a_budget_of_nothing_allows_nothing() -> None:
    budget = RetryBudget(BudgetSettings(ratio=0, min_per_second=0))
    budget.deposit(1000.0)
    assert not budget.withdraw(1000.0)


def test_new_settings_keep_what_was_counted() -> None:
    budget = RetryBudget(BudgetSettings())
    withdrawn(budget, 1000.0)
    budget.settings = BudgetSettings(min_per_second=2)
    assert budget.remaining(1000.0) == 10


def test_it_says_what_it_counted() -> None:
    budget = RetryBudget(BudgetSettings())
    budget.deposit(1000.0)
    budget.withdraw(1000.0)
    assert repr(budget) == "RetryBudget(requests=1, retries=1)"


@hypothesis_settings(deadline=None)
@given(
    steps=st.lists(st.tuples(st.floats(0, 5), st.booleans()), max_size=200),
    ratio=st.floats(0, 1),
    floor=st.floats(0, 3),
)
def test_retries_never_exceed_the_share_and_the_floor(
    steps: list[tuple[float, bool]], ratio: float, floor: float
) -> None:
    budget = RetryBudget(BudgetSettings(ratio=ratio, min_per_second=floor))
    now, requests, retries = 1000.0, list[float](), list[float]()
    for pause, is_request in steps:
        now += pause
        if is_request:
            budget.deposit(now)
            requests.append(now)
            continue
        allowed = ratio * recent(requests, now) + 10 * floor
        assert budget.remaining(now) == pytest.approx(max(0.0, allowed - recent(retries, now)))
        if budget.withdraw(now):
            retries.append(now)
            assert recent(retries, now) <= allowed + 1e-9


def recent(times: list[float], now: float) -> int:
    return sum(int(at) > int(now) - 10 for at in times)
