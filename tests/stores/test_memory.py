"""Tokens in memory: the promise of a LimitStore, and a bounded number of keys."""

import asyncio

import pytest

from proxy.limit import LimitStore, NoToken, Taken
from proxy.stores import MemoryLimits
from proxy.terms.units import Rate

TEN = Rate(10, 1.0)


async def take(
    store: LimitStore, key: str, *, now: float = 1000.0, burst: int = 1, max_wait_s: float = 0.0
) -> Taken | NoToken:
    return await store.take(key, rate=TEN, burst=burst, max_wait_s=max_wait_s, now=now)


async def test_each_key_has_its_tokens() -> None:
    store = MemoryLimits()
    assert await take(store, "a") == Taken(0.0, full_in_s=pytest.approx(0.1))
    assert await take(store, "a") == NoToken(pytest.approx(0.1))
    assert await take(store, "b") == Taken(0.0, full_in_s=pytest.approx(0.1))


async def test_a_token_may_be_reserved() -> None:
    store = MemoryLimits()
    taken = [await take(store, "a", max_wait_s=0.15) for _ in range(3)]
    assert taken == [
        Taken(0.0, full_in_s=pytest.approx(0.1)),
        Taken(pytest.approx(0.1), full_in_s=pytest.approx(0.2)),
        NoToken(pytest.approx(0.2)),
    ]


async def test_tokens_come_back_with_time() -> None:
    store = MemoryLimits()
    await take(store, "a")
    assert isinstance(await take(store, "a", now=1000.1), Taken)


async def test_takers_at_the_same_time_never_share_a_token() -> None:
    store = MemoryLimits()
    taken = await asyncio.gather(*[take(store, "a", burst=5) for _ in range(50)])
    assert sum(isinstance(each, Taken) for each in taken) == 5


async def test_a_refusal_keeps_no_key_in_use_any_longer() -> None:
    store = MemoryLimits(max_keys=1)
    await take(store, "a")
    for _ in range(5):
        await take(store, "a", now=1000.05)
    assert isinstance(await take(store, "b", now=1000.11), Taken)


async def test_a_full_bucket_makes_room_for_a_new_key() -> None:
    store = MemoryLimits(max_keys=2)
    await take(store, "a")
    await take(store, "b", now=1000.05)
    assert isinstance(await take(store, "c", now=1000.1), Taken)
    assert len(store) == 2
    assert isinstance(await take(store, "b", now=1000.1), NoToken)


async def test_no_key_in_use_is_forgotten_for_a_new_one() -> None:
    store = MemoryLimits(max_keys=2)
    await take(store, "a")
    await take(store, "b")
    assert await take(store, "c") == NoToken(1.0)
    assert isinstance(await take(store, "a"), NoToken)
    assert isinstance(await take(store, "b"), NoToken)


async def test_keys_stay_bounded_whatever_comes() -> None:
    store = MemoryLimits(max_keys=100)
    for n in range(5000):
        await take(store, f"key-{n}", now=1000.0 + n / 500)
    assert len(store) == 100
