"""What a provider says of its limits makes ours narrower, for a while, and never wider."""

import pytest

from proxy.limit.learn import MAX_HOLD_S, Heard, Hold, RateLimitNames, Spread, hear, learn
from proxy.terms import Headers
from tests.support import make

WALL = 1_700_000_000.0
SECONDS = RateLimitNames(
    b"x-ratelimit-limit", b"x-ratelimit-remaining", b"x-ratelimit-reset", "seconds"
)


def said(remaining: bytes, reset: bytes = b"", limit: bytes = b"") -> Headers:
    return (
        (b"X-RateLimit-Remaining", remaining),
        (b"X-RateLimit-Reset", reset),
        (b"X-RateLimit-Limit", limit),
    )


@pytest.mark.parametrize(
    ("reset", "reset_as", "seconds"),
    [
        (b"30", "seconds", 30.0),
        (b"0.25", "seconds", 0.25),
        (b"1700000012", "epoch", 12.0),
        (b"1700000012500", "epoch", 12.5),
        (b"1600000000", "epoch", 0.0),
        (b"Tue, 14 Nov 2023 22:13:50 GMT", "date", 30.0),
        (b"yesterday", "date", None),
        (b"Tue, 14 Nov 999999 22:13:50 GMT", "date", None),
        (b"-5", "seconds", None),
        (b"soon", "epoch", None),
        (b"", "seconds", None),
        (b"9" * 40, "seconds", None),
    ],
)
def test_a_reset_is_read_as_the_profile_says(
    reset: bytes, reset_as: str, seconds: float | None
) -> None:
    fields = RateLimitNames(None, b"x-ratelimit-remaining", b"x-ratelimit-reset", reset_as)  # type: ignore[arg-type]
    assert hear(said(b"3", reset), fields, WALL) == Heard(3.0, seconds)


@pytest.mark.parametrize("remaining", [b"", b"many", b"-1", b"1e9", b"\xff"])
def test_what_is_no_number_is_ignored(remaining: bytes) -> None:
    assert hear(said(remaining, b"1"), SECONDS, WALL) is None


def test_a_provider_may_say_less() -> None:
    assert hear((), SECONDS, WALL) is None
    few = RateLimitNames(None, b"x-ratelimit-remaining", None, "seconds")
    assert hear(said(b"7", b"30", b"100"), few, WALL) == Heard(7.0)
    assert hear(said(b"7", b"30", b"100"), SECONDS, WALL) == Heard(7.0, 30.0, 100.0)


@pytest.mark.item(87)
@pytest.mark.parametrize(
    ("values", "heard"),
    [
        ([b'"default";r=50;t=30'], Heard(50.0, 30.0, 100.0, "default")),
        ([b'"a";r=5;t=9;pk=:cHM=:, "default";t=30;r=1'], Heard(1.0, 30.0, 100.0, "default")),
        ([b'"a";r=5', b'"b";r=3'], Heard(3.0, None, None, "b")),
        ([b'"default";t=30'], None),
        ([b'"default";r=-1'], None),
        ([b'"default";r=5.5'], None),
        ([b"default;r=5"], None),
        ([b"50"], None),
        ([b"limit=10, remaining=0, reset=7"], None),
        ([b'"' * 5000], None),
        ([], None),
    ],
)
def test_the_draft_s_own_field_is_read_and_what_is_malformed_ignored(
    values: list[bytes], heard: Heard | None
) -> None:
    policy = (b"RateLimit-Policy", b'"other";q=1;w=1, "default";q=100;w=60')
    headers = (policy, *((b"RateLimit", value) for value in values))
    assert hear(headers, None, WALL) == heard


@pytest.mark.item(86)
@pytest.mark.parametrize(
    ("retry_after_s", "heard", "hold"),
    [
        (7.0, None, Hold(7.0)),
        (7.0, Heard(0.0, 60.0), Hold(7.0)),
        (None, Heard(0.0, 60.0, name="a"), Hold(60.0)),
        (None, Heard(5.0, 60.0), None),
        (None, None, None),
        (86_400.0, None, Hold(MAX_HOLD_S)),
    ],
)
def test_a_429_holds_until_it_says_that_there_is_room(
    retry_after_s: float | None, heard: Heard | None, hold: Hold | None
) -> None:
    assert learn(make.throttled(retry_after_s=retry_after_s), heard) == hold


@pytest.mark.parametrize(
    ("heard", "learnt"),
    [
        (None, None),
        (Heard(3.0), None),
        (Heard(0.0, 2.0, name="a"), Hold(2.0)),
        (Heard(0.0, 1e9), Hold(MAX_HOLD_S)),
        (Heard(11.0, 60.0, 100.0), None),
        (Heard(9.0, 60.0, 100.0), Spread(6.0, 60.0)),
        (Heard(4.0, 1.0), Spread(0.2, 1.0)),
        (Heard(1.0, 1e9, 100.0), Spread(MAX_HOLD_S / 2, MAX_HOLD_S)),
    ],
)
def test_little_is_spread_and_nothing_is_believed_before_the_429(
    heard: Heard | None, learnt: Hold | Spread | None
) -> None:
    assert learn(make.ok(), heard) == learnt
