"""One promise of a LimitStore, kept by a sidecar's memory and by a Redis that many share."""

import asyncio
import random
from collections.abc import AsyncIterator

import pytest

from proxy.limit import Ask, LimitStore, NotYet, Taken
from proxy.stores import MemoryLimits
from proxy.stores.limits_redis import RedisLimits
from proxy.stores.limits_shared import SharedLimits
from tests.support.clock import SteppedClock
from tests.support.redis import RedisServer

PATIENT_S = 20.0  # however busy the machine is
LONG_S = 1e6  # until whatever was used before does not count any more


def ask(key: str, burst: int = 1) -> Ask:
    return Ask(key, 0.1, burst)


class Store:
    """A store, and the clock that it goes by."""

    def __init__(self, kept: LimitStore, clock: SteppedClock) -> None:
        self.kept = kept
        self.clock = clock

    async def take(self, *asks: Ask) -> Taken | NotYet:
        said = await self.kept.take(asks, self.clock.now)
        assert isinstance(said, Taken | NotYet)
        return said

    async def give_back(self, *asks: Ask) -> None:
        await self.kept.give_back(asks, self.clock.now)


@pytest.fixture(params=["memory", "redis"])
async def store(request: pytest.FixtureRequest) -> AsyncIterator[Store]:
    clock = SteppedClock()
    if request.param == "memory":
        yield Store(MemoryLimits(), clock)
        return
    server: RedisServer = request.getfixturevalue("redis")
    shared = SharedLimits(
        RedisLimits(server.url, "one", timeout_s=PATIENT_S, goes_by=clock), clock, lambda _: None
    )
    await shared.start()
    clock.now += LONG_S
    yield Store(shared, clock)
    await shared.close()


def about(*seconds: float) -> tuple[object, ...]:
    return tuple(pytest.approx(each, abs=5e-6) for each in seconds)


async def test_each_key_has_its_tokens(store: Store) -> None:
    assert (await store.take(ask("a"))) == Taken([*about(store.clock.now + 0.1)])  # type: ignore[arg-type]
    assert (await store.take(ask("a"))) == NotYet(about(0.1))  # type: ignore[arg-type]
    assert (await store.take(ask("b"))) == Taken([*about(store.clock.now + 0.1)])  # type: ignore[arg-type]


async def test_of_several_a_token_is_taken_of_each_or_of_none(store: Store) -> None:
    await store.take(ask("b"))
    assert await store.take(ask("a"), ask("b")) == NotYet(about(0, 0.1))  # type: ignore[arg-type]
    assert await store.take(ask("a")) == Taken([*about(store.clock.now + 0.1)])  # type: ignore[arg-type]


async def test_what_is_given_back_can_be_taken_again(store: Store) -> None:
    for _ in range(2):
        assert isinstance(await store.take(ask("a")), Taken)
        await store.give_back(ask("a"), ask("never taken"))
    assert isinstance(await store.take(ask("a")), Taken)
    assert isinstance(await store.take(ask("a")), NotYet)
    assert isinstance(await store.take(ask("never taken")), Taken)
    assert isinstance(await store.take(ask("never taken")), NotYet)


async def test_tokens_come_back_with_time(store: Store) -> None:
    await store.take(ask("a"))
    store.clock.now += 0.1
    assert isinstance(await store.take(ask("a")), Taken)


async def test_takers_at_the_same_time_never_share_a_token(store: Store) -> None:
    taken = await asyncio.gather(*[store.take(ask("a", burst=5)) for _ in range(50)])
    assert sum(isinstance(each, Taken) for each in taken) == 5


async def test_a_rate_of_millions_and_one_of_days(store: Store) -> None:
    quick, slow = Ask("quick", 1e-6, 3), Ask("slow", 86_400.0, 1)
    for _ in range(3):
        assert isinstance(await store.take(quick), Taken)
    assert isinstance(await store.take(slow), Taken)
    assert await store.take(slow) == NotYet(about(86_400.0))  # type: ignore[arg-type]


async def test_both_stores_do_the_same_arithmetic(redis: RedisServer) -> None:
    seed = random.SystemRandom().randrange(10**9)
    print(f"seed {seed}")  # noqa: T201
    chance, clock = random.Random(seed), SteppedClock()  # noqa: S311
    shared = SharedLimits(
        RedisLimits(redis.url, "one", timeout_s=PATIENT_S, goes_by=clock), clock, lambda _: None
    )
    await shared.start()
    clock.now += LONG_S
    both = Store(MemoryLimits(), clock), Store(shared, clock)
    buckets = [Ask(f"k{number}", 0.02 * (number + 1), number * 2 + 1) for number in range(4)]
    for _ in range(400):
        clock.now += chance.choice([0.0, 0.0, 0.003, 0.02, 0.5])
        asks = chance.sample(buckets, chance.randrange(1, 5))
        if chance.random() < 0.05:
            for each in both:
                await each.give_back(*asks)
            continue
        own, theirs = [await each.take(*asks) for each in both]
        assert type(own) is type(theirs)
        expected = own.full_at if isinstance(own, Taken) else own.waits_s
        found = theirs.full_at if isinstance(theirs, Taken) else theirs.waits_s
        assert [*found] == [*about(*expected)]
    await shared.close()
