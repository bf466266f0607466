"""Durations, sizes and rates as people write them."""

from collections.abc import Callable

import pytest

from proxy.terms.units import Rate, parse_duration, parse_rate, parse_size


@pytest.mark.parametrize(
    ("text", "seconds"),
    [("250ms", 0.25), ("2s", 2.0), ("1.5m", 90.0), ("24h", 86400.0), ("1d", 86400.0), ("0", 0.0)],
)
def test_a_duration_is_in_seconds(text: str, seconds: float) -> None:
    assert parse_duration(text) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("text", "size"), [("512B", 512), ("64KiB", 65536), ("1MiB", 1048576), ("7", 7)]
)
def test_a_size_is_in_bytes(text: str, size: int) -> None:
    assert parse_size(text) == size


def test_numbers_stay_what_they_are() -> None:
    assert (parse_duration(3), parse_size(3)) == (3, 3)
    assert parse_rate(Rate(5, 1.0)) == Rate(5, 1.0)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("50/s", Rate(50, 1.0)), ("1000/1m", Rate(1000, 60.0)), ("0.5/100ms", Rate(0.5, 0.1))],
)
def test_a_rate_is_a_number_in_a_time(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate


def test_a_rate_is_told_per_second() -> None:
    assert Rate(1000, 60.0).per_second == pytest.approx(16.667, abs=0.001)


@pytest.mark.parametrize(
    ("parse", "value"),
    [
        (parse_duration, "5"),
        (parse_duration, "-1s"),
        (parse_duration, "1 s"),
        (parse_duration, True),
        (parse_size, "64kb"),
        (parse_size, "-1"),
        (parse_size, False),
        (parse_rate, "50"),
        (parse_rate, "0/s"),
        (parse_rate, "10/0s"),
        (parse_rate, 50),
    ],
)
def test_what_is_none_is_refused(parse: Callable[[object], object], value: object) -> None:
    with pytest.raises(ValueError, match=r"^a (duration|size|rate) is"):
        parse(value)
