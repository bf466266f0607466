"""When what the ledger keeps is dropped."""

from proxy.app.ledger import SteadyTime
from tests.support.clock import FakeClock


class LeapingClock(FakeClock):
    """Its wall clock can be set, its monotonic one cannot."""

    leapt_s = 0.0

    def wall(self) -> float:
        return super().wall() + self.leapt_s


def after(clock: LeapingClock, time: SteadyTime, seconds: float) -> bool:
    clock.now += seconds
    return time.is_steady()


def test_a_wall_clock_that_leaps_ahead_is_believed_after_an_hour() -> None:
    clock = LeapingClock()
    time = SteadyTime(clock)
    assert after(clock, time, 60.0)
    clock.leapt_s = 30.0  # a clock is set right by as much
    assert after(clock, time, 60.0)
    clock.leapt_s = 10 * 365 * 86_400.0
    assert not after(clock, time, 60.0)
    assert not after(clock, time, 3_599.0)
    assert after(clock, time, 1.0)


def test_one_that_is_set_right_again_is_believed_at_once() -> None:
    clock = LeapingClock()
    time = SteadyTime(clock)
    clock.leapt_s = 86_400.0
    assert not after(clock, time, 60.0)
    clock.leapt_s = 0.0
    assert after(clock, time, 60.0)


def test_one_that_is_set_back_by_a_part_of_its_leap_is_doubted_on() -> None:
    clock = LeapingClock()
    time = SteadyTime(clock)
    clock.leapt_s = 2 * 86_400.0
    assert not after(clock, time, 60.0)
    clock.leapt_s = 86_400.0
    assert not after(clock, time, 3_540.0)
    assert not after(clock, time, 3_599.0)
    assert after(clock, time, 1.0)


def test_one_that_is_set_back_is_believed_and_what_it_gains_after_that_is_not() -> None:
    clock = LeapingClock()
    time = SteadyTime(clock)
    clock.leapt_s = -86_400.0
    assert after(clock, time, 60.0)
    clock.leapt_s = 0.0
    assert not after(clock, time, 60.0)
