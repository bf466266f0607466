"""What many sidecars share is in Redis; while that is away each has its share, or sends nothing."""

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from pathlib import Path

import pytest
import trustme

from proxy.limit import AWAY, Ask, NotYet, Taken
from proxy.stores.limits_redis import SEEN_FOR_S, LimitsAwayError, RedisLimits
from proxy.stores.limits_shared import BEAT_S, RETURN_S, SharedLimits
from proxy.terms import Event, FaultOccurred, StoreMoved
from tests.support.clock import SteppedClock
from tests.support.redis import RedisServer

PATIENT_S = 20.0  # however busy the machine is
LONG_S = 1e6
LOOK_S = 0.01
ASK = Ask("acme:account:", 0.1, 9)


class Sidecar:
    """One of many, and what it told."""

    def __init__(
        self, name: str, url: str, clock: SteppedClock, timeout_s: float = PATIENT_S
    ) -> None:
        self.clock = clock
        self.events: list[Event] = []
        redis = RedisLimits(url, name, timeout_s=timeout_s, goes_by=clock)
        self.limits = SharedLimits(redis, clock, self.events.append)

    async def start(self) -> None:
        """Begin; from then on it looks at the store when it is told to."""
        await self.limits.start()
        assert self.limits._beats is not None
        self.limits._beats.cancel()

    async def take(self, ask: Ask = ASK) -> bool:
        return isinstance(await self.limits.take((ask,), self.clock.now), Taken)

    async def take_all(self, ask: Ask = ASK) -> int:
        """Take as long as there is one; say how many."""
        count = 0
        while await self.take(ask):
            count += 1
        return count


@asynccontextmanager
async def sidecars(
    server: RedisServer, *names: str, timeout_s: float = PATIENT_S
) -> AsyncIterator[list[Sidecar]]:
    """Start sidecars, at a time at which all buckets are full."""
    clock = SteppedClock()
    async with AsyncExitStack() as stack:
        running = []
        for name in names:
            one = Sidecar(name, server.url, clock, timeout_s)
            await one.start()
            stack.push_async_callback(one.limits.close)
            running.append(one)
        await beat(*running)
        clock.now += LONG_S
        yield running


async def beat(*running: Sidecar) -> None:
    """Let each look at the store; who was without it waits for the others, and time passes."""
    beats = [asyncio.ensure_future(one.limits._beat()) for one in running]
    clock = running[0].clock
    while left := sum(not each.done() for each in beats):
        await asyncio.wait(beats, timeout=LOOK_S)
        if sum(not sleeper.done() for *_, sleeper in clock._sleepers) == left:
            await clock.advance(RETURN_S)


async def test_all_have_one_bucket(redis: RedisServer) -> None:
    async with sidecars(redis, "one", "two", "three") as (one, two, three):
        assert [each.limits.sidecars for each in (one, two, three)] == [3, 3, 3]
        assert await one.take_all() == ASK.burst
        assert not await two.take()
        one.clock.now += ASK.interval_s
        assert await three.take()
        assert not await one.take()


async def test_each_has_its_share_while_the_store_is_away(redis: RedisServer) -> None:
    async with sidecars(redis, "one", "two", "three") as running:
        redis.stop()
        assert [await each.take_all() for each in running] == [1, 1, 1]  # no second burst
        running[0].clock.now += 3 * ASK.interval_s
        assert [await each.take_all() for each in running] == [1, 1, 1]  # the rate, by three
        running[0].clock.now += LONG_S
        assert [await each.take_all() for each in running] == [3, 3, 3]
        assert [each.limits.is_up for each in running] == [False] * 3
        moved = [event for event in running[0].events if isinstance(event, StoreMoved)]
        assert [(each.store, each.is_up, each.sidecars) for each in moved] == [("limits", False, 3)]
        assert moved[0].error == "ConnectionError"


async def test_the_next_token_of_a_share_is_told_in_terms_of_what_was_asked(
    redis: RedisServer,
) -> None:
    async with sidecars(redis, "one", "two", "three") as (one, *_):
        redis.stop()
        said = await one.limits.take((ASK,), one.clock.now)
        assert isinstance(said, Taken)
        next_s = said.full_at[0] - one.clock.now - (ASK.burst - 1) * ASK.interval_s
        assert next_s == pytest.approx(3 * ASK.interval_s)
        again = await one.limits.take((ASK,), one.clock.now)
        assert again == NotYet((pytest.approx(next_s),))


async def test_it_is_there_again_with_the_next_beat_and_no_outage_gives_a_second_burst(
    redis: RedisServer,
) -> None:
    async with sidecars(redis, "one", "two") as (one, two):
        assert await one.take_all() == ASK.burst
        redis.stop()
        assert await two.limits.take_shared((ASK,), two.clock.now) is AWAY
        redis.start()  # it has forgotten all
        await beat(one, two)
        assert one.limits.is_up
        assert two.limits.is_up
        assert await one.take_all() + await two.take_all() <= 1
        one.clock.now += ASK.interval_s
        assert await two.take_all() == 1
        states = [event.is_up for event in two.events if isinstance(event, StoreMoved)]
        assert states == [False, True]


async def test_what_went_while_only_one_was_cut_off_counts_as_used(redis: RedisServer) -> None:
    async with sidecars(redis, "one", "two") as (one, two):
        one.limits._went(RuntimeError("cut off"))  # type: ignore[arg-type]
        assert await one.take_all() == 1
        await beat(one)
        assert await two.take_all() == 1


async def test_who_comes_back_first_does_not_count_itself_as_the_only_one(
    redis: RedisServer,
) -> None:
    async with sidecars(redis, "one", "two", "three") as (one, two, three):
        redis.stop()
        for each in (one, two, three):
            await each.take()
        redis.start()
        await beat(one)
        assert one.limits.sidecars == 3
        one.clock.now += SEEN_FOR_S + 1
        await beat(one)
        assert one.limits.sidecars == 1  # nobody else came


async def test_who_ends_is_not_counted_any_more_and_who_dies_soon(redis: RedisServer) -> None:
    async with sidecars(redis, "one", "two", "three") as (one, two, three):
        await two.limits.close()
        await beat(one, three, one)
        assert one.limits.sidecars == 2
        one.clock.now += SEEN_FOR_S + 1  # three is not heard of
        await beat(one)
        assert one.limits.sidecars == 1


async def test_a_store_that_does_not_answer_holds_nobody_up(redis: RedisServer) -> None:
    async with sidecars(redis, "one", timeout_s=0.5) as (one,):
        redis.freeze()
        async with asyncio.timeout(5.0):
            assert await one.take()
        assert not one.limits.is_up
        redis.thaw()
        await beat(one)
        assert one.limits.is_up


async def test_without_the_others_leave_nothing_goes_where_that_is_asked(
    redis: RedisServer,
) -> None:
    async with sidecars(redis, "one") as (one,):
        strict = one.limits.only_shared()
        assert isinstance(await strict.take((ASK,), 0.0), Taken)
        await strict.give_back((ASK,), 0.0)
        redis.stop()
        assert await strict.take((ASK,), 0.0) is AWAY
        await strict.give_back((ASK,), 0.0)


async def test_what_a_cancelled_call_took_is_put_back(redis: RedisServer) -> None:
    async with sidecars(redis, "one", "two") as (one, two):
        assert await two.take_all() == ASK.burst
        two.clock.now += ASK.interval_s
        taking = asyncio.ensure_future(one.limits.take((ASK,), one.clock.now))
        await asyncio.sleep(0)
        taking.cancel()
        with pytest.raises(asyncio.CancelledError):
            await taking
        await one.limits.close()  # waits for what is under way
        assert await two.take_all() == 1


async def test_a_store_that_was_away_from_the_start_is_no_bar(redis: RedisServer) -> None:
    redis.stop()
    one = Sidecar("one", redis.url, SteppedClock())
    await one.start()
    assert not one.limits.is_up
    assert one.limits.status() == {"store": "away", "sidecars": 1}
    assert await one.take()
    redis.start()
    await beat(one)
    assert one.limits.is_up
    await one.limits.close()


@pytest.mark.parametrize("fault", ["its password", "memory", "another type"])
async def test_a_store_that_refuses_is_away_and_no_secret_is_told(
    redis: RedisServer, fault: str
) -> None:
    options = {"its password": ("--requirepass", "canary"), "memory": ("--maxmemory", "1")}
    redis.stop()
    redis.start(*options.get(fault, ()))
    if fault == "another type":
        command = ["redis-cli", "-p", str(redis.port), "LPUSH", "paysluice:since", "x"]
        await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    one = Sidecar("one", redis.url.replace("//", "//:canary-in-the-url@"), SteppedClock())
    await one.start()
    assert not one.limits.is_up
    assert await one.take()
    assert "canary" not in repr(one.events)
    await one.limits.close()


async def test_a_servers_clock_that_is_set_back_stops_nobody(redis: RedisServer) -> None:
    async with sidecars(redis, "one") as (one,):
        assert await one.take_all() == ASK.burst
        one.clock.now -= LONG_S / 2
        assert not await one.take()
        one.clock.now += ASK.interval_s
        assert await one.take_all() == 1
        one.clock.now += ASK.burst * ASK.interval_s
        assert await one.take_all() == ASK.burst


async def test_two_that_have_clocks_of_their_own_go_by_the_servers(redis: RedisServer) -> None:
    ask = Ask("slow", 3600.0, 1)
    one, two = (RedisLimits(redis.url, name, timeout_s=PATIENT_S) for name in ("one", "two"))
    assert isinstance(await one.take((ask,), 0.0), Taken)
    said = await two.take((ask,), 0.0)
    assert isinstance(said, NotYet)
    assert said.waits_s[0] == pytest.approx(3600.0, abs=60.0)
    for each in (one, two):
        await each.close()


async def test_buckets_that_are_full_leave_nothing_behind(redis: RedisServer) -> None:
    one = RedisLimits(redis.url, "one", timeout_s=PATIENT_S)
    await one.take((Ask("gone soon", 0.001, 5),), 0.0)
    command = ["redis-cli", "-p", str(redis.port), "PTTL", "paysluice:limit:gone soon"]
    said = await asyncio.to_thread(subprocess.run, command, check=True, capture_output=True)
    assert 0 < int(said.stdout) <= 1_010
    await one.close()


async def test_over_tls_it_is_asked_who_it_is(redis: RedisServer, tmp_path: Path) -> None:
    authority = trustme.CA()
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(tmp_path / "own")
    authority.cert_pem.write_to_path(tmp_path / "ca")
    own = str(tmp_path / "own")
    redis.stop()
    redis.start("--port", "0", "--tls-port", str(redis.port), "--tls-cert-file", own,
                "--tls-key-file", own, "--tls-auth-clients", "no")  # fmt: skip
    url = redis.url.replace("redis:", "valkeys:")
    trusting, other = (
        RedisLimits(f"{url}{ca}", "one", timeout_s=PATIENT_S)
        for ca in (f"?ssl_ca_certs={tmp_path}/ca", "")
    )
    assert await trusting.beat(is_back=False) == 1
    with pytest.raises(LimitsAwayError):
        await other.beat(is_back=False)
    for each in (trusting, other):
        await each.close()
    redis.stop()


async def test_who_beats_at_the_very_same_moment_counts_too(redis: RedisServer) -> None:
    one = RedisLimits(redis.url, "one", timeout_s=PATIENT_S)
    for _ in range(20):
        pipeline = one._client.pipeline(transaction=False)
        for number in range(10):
            said = ["", f"sidecar-{number}", SEEN_FOR_S * 1e6, 0]
            await one._beat(["paysluice:since", "paysluice:sidecars"], said, client=pipeline)
        assert (await pipeline.execute())[-1] == 10
    await one.close()


async def test_a_fault_in_one_beat_does_not_end_the_next(redis: RedisServer) -> None:
    clock, events = SteppedClock(), list[Event]()

    def emit(event: Event) -> None:
        events.append(event)
        if isinstance(event, StoreMoved) and len(events) == 1:
            raise RuntimeError

    redis.stop()
    limits = SharedLimits(RedisLimits(redis.url, "one", goes_by=clock), clock, emit)
    limits._beats = asyncio.ensure_future(limits._go_on())
    while not any(isinstance(event, FaultOccurred) for event in events):
        await clock.advance(BEAT_S)
        await asyncio.wait([limits._beats], timeout=LOOK_S)
    redis.start()
    while not limits.is_up:
        await clock.advance(BEAT_S)
        await asyncio.wait([limits._beats], timeout=LOOK_S)
    await limits.close()
