"""The outermost policy, and the fan-out of what it reports."""

import asyncio
from collections.abc import Collection
from typing import Any

import pytest

from proxy.observe import ObservePolicy, fan_out
from proxy.observe.emit import EVERY
from proxy.terms import Call, CallEnded, Event, FaultOccurred, Outcome
from tests.support import make
from tests.support.clock import FakeClock
from tests.support.script import Script


async def test_a_call_is_counted_while_it_is_in_flight_and_reported_when_it_ended() -> None:
    clock = FakeClock()
    told: list[Event] = []
    policy = ObservePolicy(clock, told.append)
    during: list[int] = []

    async def inner(_: Call) -> Outcome:
        during.append(policy.in_flight)
        await clock.sleep(2.0)
        return make.ok()

    call = make.call()
    assert await policy(call, inner) == make.ok()
    assert (during, policy.in_flight) == ([1], 0)
    assert told == [CallEnded(call, make.ok(), 2.0)]


async def test_a_cancelled_call_reports_nothing_and_leaves_no_count() -> None:
    told: list[Event] = []
    policy = ObservePolicy(FakeClock(), told.append)
    began = asyncio.Event()

    async def inner(_: Call) -> Outcome:
        began.set()
        await asyncio.get_running_loop().create_future()
        return make.ok()

    task = asyncio.create_task(policy(make.call(), inner))
    await began.wait()
    assert policy.in_flight == 1
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert (policy.in_flight, told) == (0, [])


async def test_a_bug_passes_through_and_leaves_no_count() -> None:
    policy = ObservePolicy(FakeClock(), lambda _: None)
    with pytest.raises(LookupError):
        await policy(make.call(), _bug)
    assert policy.in_flight == 0


async def _bug(_: Call) -> Outcome:
    raise LookupError


class Heard:
    """A sink that remembers."""

    def __init__(self, takes: Collection[type[Event]] = EVERY) -> None:
        self.takes = takes
        self.events: list[Event] = []

    def on(self, event: Event) -> None:
        self.events.append(event)


class Broken:
    """A sink with a bug."""

    takes = EVERY

    def on(self, _: Event, /) -> None:
        raise KeyError


def test_a_sink_with_a_bug_is_reported_and_keeps_nobody_from_hearing(event: Any) -> None:
    before, after = Heard(), Heard()
    fan_out(before, Broken(), after)(event.responded())
    fault = FaultOccurred("", "KeyError", "sink_1")
    assert before.events == [event.responded(), fault]
    assert after.events == [fault, event.responded()]


def test_a_sink_is_given_what_it_takes_and_nothing_else(event: Any) -> None:
    sink = Heard({FaultOccurred})
    emit = fan_out(sink)
    emit(event.responded())
    emit(FaultOccurred("", "KeyError", "elsewhere"))
    assert sink.events == [FaultOccurred("", "KeyError", "elsewhere")]


def test_sinks_that_all_have_bugs_break_nothing(event: Any) -> None:
    emit = fan_out(Broken(), Broken())
    emit(event.responded())
    emit(FaultOccurred("", "KeyError", "elsewhere"))


async def test_a_call_survives_a_broken_sink() -> None:
    policy = ObservePolicy(FakeClock(), fan_out(Broken()))
    assert await policy(make.call(), Script(make.ok())) == make.ok()
