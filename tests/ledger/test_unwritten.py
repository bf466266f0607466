"""What the store has not taken yet: tried again, one step beside the other."""

import asyncio
from collections.abc import Coroutine
from typing import Any

from proxy.ledger.unwritten import Unwritten, Write
from proxy.terms import Event, FaultOccurred
from tests.support.clock import SteppedClock


class Here:
    def __init__(self) -> None:
        self.clock = SteppedClock()
        self.events: list[Event] = []
        self.tasks: list[object] = []
        self.unwritten = Unwritten(self.clock, self.events.append, self.run)
        self.asked: list[str] = []

    def run(self, step: Coroutine[Any, Any, None]) -> None:
        self.tasks.append(asyncio.ensure_future(step))

    def step(self, name: str, failures: int) -> Write:
        """Give a step that is not taken at first, then always."""
        left = failures

        async def write() -> bool:
            nonlocal left
            self.asked.append(name)
            left -= 1
            return left < 0

        return write


async def test_one_that_is_never_taken_keeps_no_other_from_it() -> None:
    here = Here()
    await here.unwritten.insist("bad", here.step("bad", 100))
    await here.unwritten.insist("good", here.step("good", 1))
    await here.clock.advance(2.5)
    assert here.asked == ["bad", "good", "bad", "good", "bad"]
    assert len(here.unwritten) == 1


async def test_one_that_is_taken_ends_an_older_one_of_its_name() -> None:
    here = Here()
    await here.unwritten.insist("one", here.step("old", 1))
    await here.unwritten.insist("one", here.step("new", 0))
    await here.clock.advance(2.5)
    assert here.asked == ["old", "new"]
    assert len(here.unwritten) == 0


async def test_an_older_one_is_not_taken_behind_a_newer_one() -> None:
    here = Here()

    async def first() -> bool:
        if here.asked:
            await here.unwritten.insist("two", here.step("new", 0))
        return bool(here.asked)

    await here.unwritten.insist("one", first)
    await here.unwritten.insist("two", here.step("old", 1))
    await here.clock.advance(2.5)
    assert here.asked == ["old", "new"]


async def test_a_bug_in_one_is_told_and_ends_no_other() -> None:
    here = Here()
    is_first = True

    async def broken() -> bool:
        nonlocal is_first
        if is_first:
            is_first = False
            return False
        raise KeyError

    await here.unwritten.insist("broken", broken)
    await here.unwritten.insist("good", here.step("good", 1))
    await here.clock.advance(2.5)
    assert here.asked == ["good", "good"]
    assert FaultOccurred("", "KeyError", "ledger") in here.events
