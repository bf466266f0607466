"""Names and addresses of a provider: a dead one costs little, and none is held on to for long."""

import asyncio

import pytest

from proxy.attempt.connect import Connector, Origin
from proxy.attempt.connection import Connection
from proxy.attempt.settings import TimeoutSettings, TlsSettings
from proxy.terms import Answered, ConnectionDiscarded, Delivery, Failed, ProxyError
from tests.attempt import conftest
from tests.attempt.conftest import MakeLeg
from tests.conformance.addresses import HOST, Resolver, black_hole, dead_port
from tests.support.clock import FakeClock
from tests.support.raw import Connected, RawProvider, answer, send

leg = conftest.leg

TTL_S = 10.0  # of what the resolver said: it tells no time of its own


def until() -> float:
    return asyncio.get_running_loop().time() + 5.0


@pytest.mark.item(116)
@pytest.mark.parametrize(
    "dead", [["::1"], ["127.0.0.2"], ["::1", "127.0.0.2", "127.0.0.3"]], ids=["v6", "v4", "several"]
)
async def test_an_address_that_refuses_does_not_keep_us_from_the_next(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch, dead: list[str]
) -> None:
    # The provider listens on 127.0.0.1 alone; at the others its port is refused.
    async with RawProvider([answer()]) as provider, leg(provider.port, host=HOST) as one:
        Resolver([*dead, "127.0.0.1"]).install(monkeypatch)
        assert isinstance(await one.send(), Answered)
        assert (provider.connections, provider.requests) == (1, 1)


@pytest.mark.item(116)
async def test_an_address_that_swallows_everything_costs_a_quarter_of_a_second(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    loop = asyncio.get_running_loop()
    times = {"attempt": "5s", "connect": "5s"}
    async with RawProvider([answer()]) as provider, leg(provider.port, host=HOST, **times) as one:
        Resolver(["127.0.0.2", "127.0.0.1"]).install(monkeypatch)
        with black_hole("127.0.0.2", provider.port):
            began = loop.time()
            assert isinstance(await one.send(), Answered)
            assert 0.2 < loop.time() - began < 2.5  # RFC 8305 section 5
        assert (provider.connections, provider.requests) == (1, 1)


@pytest.mark.item(116)
async def test_where_every_address_is_dead_nothing_was_sent(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with leg(dead_port(), host=HOST) as one:
        Resolver(["::1", "127.0.0.1", "127.0.0.2"]).install(monkeypatch)
        outcome = await one.send()
        assert isinstance(outcome, Failed)
        assert (outcome.reason, outcome.delivery) == (
            ProxyError.CONNECTION_REFUSED,
            Delivery.NONE,
        )


def connector(port: int, clock: FakeClock) -> Connector:
    return Connector(Origin(HOST, port, is_tls=False), TimeoutSettings(), None, clock)


async def connect(to: Connector, clock: FakeClock) -> ProxyError | None:
    """Open a connection and close it again, or say why there is none."""
    opened = await to(clock.monotonic() + 5.0, lambda _: None)
    if isinstance(opened, Connection):
        opened.abort()
        return None
    return opened


@pytest.mark.item(116)
async def test_a_name_is_asked_for_again_when_its_time_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver, clock = Resolver(["127.0.0.1"]), FakeClock()
    async with RawProvider([answer()]) as provider:
        resolver.install(monkeypatch)
        one = connector(provider.port, clock)
        assert await connect(one, clock) is None
        clock.now += TTL_S - 0.1
        assert await connect(one, clock) is None
        assert resolver.asked == [HOST]
        clock.now += 0.1
        # The provider has moved: the address that is known now is the one that counts.
        resolver.addresses[:] = ["127.0.0.2"]
        assert await connect(one, clock) is ProxyError.CONNECTION_REFUSED
        assert resolver.asked == [HOST] * 2


@pytest.mark.item(116)
async def test_a_name_is_asked_for_again_after_a_connection_that_failed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver, clock = Resolver(["127.0.0.2"]), FakeClock()
    async with RawProvider([answer()]) as provider:
        resolver.install(monkeypatch)
        one = connector(provider.port, clock)
        assert await connect(one, clock) is ProxyError.CONNECTION_REFUSED
        resolver.addresses[:] = ["127.0.0.1"]
        assert await connect(one, clock) is None
        assert resolver.asked == [HOST] * 2


@pytest.mark.item(116)
async def test_a_name_that_failed_once_is_asked_for_again(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    resolver, clock = Resolver(), FakeClock()
    async with RawProvider([answer()]) as provider:
        resolver.install(monkeypatch)
        one = connector(provider.port, clock)
        assert await connect(one, clock) is ProxyError.DNS_ERROR
        resolver.addresses[:] = ["127.0.0.1"]
        assert await connect(one, clock) is None


@pytest.mark.item(116)
async def test_a_name_is_asked_for_again_after_a_handshake_that_failed(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(["127.0.0.1"])

    async def hang_up(connected: Connected) -> None:
        await send(b"", keep=False)(connected)

    async with (
        RawProvider([answer()], before_read=hang_up) as provider,
        leg(provider.port, host=HOST, tls=TlsSettings(verify=False)) as one,
    ):
        resolver.install(monkeypatch)
        await one.send()
        await one.send()
        assert resolver.asked == [HOST] * 2


@pytest.mark.item(116)
async def test_many_who_wait_for_a_name_ask_once(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolver = Resolver(["127.0.0.1"])
    resolver.may_answer.clear()
    async with RawProvider([answer()]) as provider, leg(provider.port, host=HOST) as one:
        resolver.install(monkeypatch)
        sends = [asyncio.ensure_future(one.send()) for _ in range(20)]
        for _ in range(5):
            await asyncio.sleep(0)
        resolver.may_answer.set()
        assert all(isinstance(each, Answered) for each in await asyncio.gather(*sends))
        assert (resolver.asked, provider.requests) == ([HOST], 20)


@pytest.mark.item(116)
@pytest.mark.parametrize(("age", "connections"), [("5m", 1), ("5ms", 2)])
async def test_a_connection_is_not_kept_beyond_its_age(
    leg: MakeLeg, monkeypatch: pytest.MonkeyPatch, age: str, connections: int
) -> None:
    loop = asyncio.get_running_loop()

    async def answer_late(connected: Connected) -> None:
        told = asyncio.Event()
        loop.call_later(0.01, told.set)
        await told.wait()
        await answer()(connected)

    async with (
        RawProvider([answer_late]) as provider,
        leg(provider.port, host=HOST, connections={"age": age}) as one,
    ):
        Resolver(["127.0.0.1"]).install(monkeypatch)
        assert isinstance(await one.send(), Answered)
        assert isinstance(await one.send(), Answered)
        assert provider.connections == connections
        why = [event.why for event in one.events if isinstance(event, ConnectionDiscarded)]
        assert why == (["age", "age"] if connections == 2 else [])
