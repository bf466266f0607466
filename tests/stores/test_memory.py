"""Tokens in memory: the promise of a LimitStore, and a bounded number of keys."""

import asyncio

import pytest

from proxy.limit import Ask, LimitStore, NotYet, Taken
from proxy.stores import MemoryLimits


def ask(key: str, burst: int = 1) -> Ask:
    return Ask(key, 0.1, burst)


async def take(
    store: LimitStore, key: str, *, now: float = 1000.0, burst: int = 1
) -> Taken | NotYet:
    return await store.take((ask(key, burst),), now)


async def test_each_key_has_its_tokens() -> None:
    store = MemoryLimits()
    assert await take(store, "a") == Taken([pytest.approx(1000.1)])
    assert await take(store, "a") == NotYet((pytest.approx(0.1),))
    assert await take(store, "b") == Taken([pytest.approx(1000.1)])


async def test_of_several_a_token_is_taken_of_each_or_of_none() -> None:
    store = MemoryLimits()
    await take(store, "b")
    assert await store.take((ask("a"), ask("b")), 1000.0) == NotYet((0.0, pytest.approx(0.1)))
    assert await take(store, "a") == Taken([pytest.approx(1000.1)])


async def test_what_is_given_back_can_be_taken_again() -> None:
    store = MemoryLimits()
    for _ in range(2):
        assert isinstance(await take(store, "a"), Taken)
        await store.give_back((ask("a"), ask("never taken")), 1000.0)
    assert isinstance(await take(store, "a"), Taken)
    assert isinstance(await take(store, "a"), NotYet)
    assert await take(store, "never taken") == Taken([pytest.approx(1000.1)])


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
    assert isinstance(await take(store, "b", now=1000.1), NotYet)


async def test_no_key_in_use_is_forgotten_for_a_new_one() -> None:
    store = MemoryLimits(max_keys=2)
    await take(store, "a")
    await take(store, "b")
    assert await take(store, "c") == NotYet((1.0,))
    assert isinstance(await take(store, "a"), NotYet)
    assert isinstance(await take(store, "b"), NotYet)


async def test_keys_stay_bounded_whatever_comes() -> None:
    store = MemoryLimits(max_keys=100)
    for n in range(5000):
        await take(store, f"key-{n}", now=1000.0 + n / 500)
    assert 0 < len(store) <= 100


async def test_keys_that_are_idle_are_forgotten_by_and_by() -> None:
    store = MemoryLimits()
    for n in range(1000):
        await take(store, f"key-{n}")
    assert len(store) == 1000
    for n in range(1100):
        await take(store, "busy", now=1001.0 + n)
    assert len(store) <= 64
