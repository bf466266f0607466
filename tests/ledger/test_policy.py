"""What the policy does where two requests meet, without a wire."""

import asyncio
from typing import Any

import pytest

from proxy.ledger import Keeper, LedgerPolicy
from proxy.ledger.entry import Entry, Result, State
from proxy.ledger.store import AWAY
from proxy.ledger.vault import Vault
from proxy.stores.ledger_memory import MemoryLedger
from proxy.system import random_bytes
from proxy.terms import Answered, Call, Effect, Event, Outcome, Refusal, Refused, RouteEffect
from tests.support import make
from tests.support.clock import SteppedClock
from tests.support.ledger import policy
from tests.support.script import Script


class Here:
    """A policy over a ledger in memory, and what it told."""

    def __init__(self, **members: Any) -> None:
        self.clock = SteppedClock()
        self.events: list[Event] = []
        self.keeper = Keeper(MemoryLedger(self.clock), "one", self.clock, self.events.append)
        self.policy: LedgerPolicy = policy(self.keeper, **members)


def guarded(name: str = "req_1", **members: Any) -> Call:
    key = make.key(is_honoured=False)
    return make.call(**{"request_id": name, "is_guarded": True, "key": key, **members})


async def test_what_is_no_payment_pays_nothing_for_the_ledger() -> None:
    here = Here()
    for effect in (RouteEffect.READ, RouteEffect.IDEMPOTENT):
        script = Script(make.ok())
        await here.policy(guarded(effect=effect), script)
        assert script.calls[0].before_first_byte is None
    assert await here.keeper.store.find("req_1") is None


async def test_who_waited_sends_where_the_first_caller_left_before_it_was_sent() -> None:
    here = Here()
    gate = asyncio.Event()

    async def left(_: Call) -> Outcome:
        await gate.wait()
        return Refused(reason=Refusal.CALLER_LEFT)

    first = asyncio.create_task(here.policy(guarded("one"), left))
    await asyncio.sleep(0)
    second_script = Script(make.ok())
    second = asyncio.create_task(here.policy(guarded("two"), second_script))
    await asyncio.sleep(0)
    gate.set()
    assert isinstance(await first, Refused)
    outcome = await second
    assert isinstance(outcome, Answered)
    assert not outcome.is_replayed
    assert len(second_script.calls) == 1


async def test_a_claim_that_cannot_be_taken_sends_nothing() -> None:
    here = Here()

    async def frozen(call: Call) -> Outcome:
        here.clock.now += 100.0
        assert call.before_first_byte is not None
        assert not await call.before_first_byte()
        return Refused(reason=Refusal.CLAIM_LOST)

    outcome = await here.policy(guarded(), frozen)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.effect) == (Refusal.CLAIM_LOST, Effect.NONE)


class Away(MemoryLedger):
    """A ledger that goes away when told to."""

    is_away = False

    async def begin(self, claim: Any) -> Any:
        return AWAY if self.is_away else await super().begin(claim)

    async def sending(self, *values: Any) -> Any:
        return AWAY if self.is_away else await super().sending(*values)

    async def finish(self, *values: Any) -> Any:
        return AWAY if self.is_away else await super().finish(*values)


def away(**members: Any) -> tuple[Here, Away]:
    here = Here()
    store = Away(here.clock)
    here.keeper = Keeper(store, "one", here.clock, here.events.append)
    here.policy = policy(here.keeper, **members)
    return here, store


@pytest.mark.parametrize("when", ["begin", "sending"])
async def test_what_cannot_be_written_down_is_not_sent(when: str) -> None:
    here, store = away()
    store.is_away = when == "begin"

    async def inner(call: Call) -> Outcome:
        store.is_away = True
        assert call.before_first_byte is not None
        assert not await call.before_first_byte()
        return Refused(reason=Refusal.CLAIM_LOST)

    outcome = await here.policy(guarded(), inner)
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.effect) == (Refusal.LEDGER_AWAY, Effect.NONE)
    assert not here.keeper.is_up


async def test_an_answer_goes_out_where_the_ledger_goes_away_behind_it() -> None:
    here, store = away()

    async def inner(call: Call) -> Outcome:
        assert call.before_first_byte is not None
        assert await call.before_first_byte()
        store.is_away = True
        return make.ok()

    outcome = await here.policy(guarded(), inner)
    assert isinstance(outcome, Answered)
    assert here.keeper.unwritten == 1
    await here.clock.advance(3.0)
    store.is_away = False
    await here.clock.advance(1.5)
    assert here.keeper.unwritten == 0
    assert here.keeper.is_up
    again = await here.policy(guarded("two"), Script())
    assert isinstance(again, Answered)
    assert again.is_replayed
    await here.keeper.close(1.0)


@pytest.mark.parametrize("may_proceed", [True, False])
async def test_what_is_not_guarded_proceeds_without_the_ledger_where_that_is_set(
    may_proceed: bool,
) -> None:
    here, store = away(may_proceed=may_proceed)
    here.keeper.is_up = False
    store.is_away = True
    outcome = await here.policy(make.call(), Script(make.ok()))
    assert isinstance(outcome, Answered) is may_proceed
    lost = await here.policy(make.call(request_id="req_2"), Script(make.lost()))
    if may_proceed:  # it is written as soon as that can be
        assert lost.outcome_id == "req_2"
        assert here.keeper.unwritten == 1
        store.is_away = False
        await here.clock.advance(2.0)
        assert here.keeper.unwritten == 0
        found = await here.keeper.unknowns()
        assert isinstance(found, tuple)
        assert [entry.id for entry in found] == ["req_2"]
    await here.keeper.close(1.0)


@pytest.mark.parametrize("is_in_doubt", [True, False])
@pytest.mark.parametrize("is_guarded", [True, False])
async def test_what_a_bug_or_the_end_of_the_process_cut_off_is_not_lost(
    is_guarded: bool, is_in_doubt: bool
) -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        if call.before_first_byte is not None:
            assert await call.before_first_byte()
        if is_in_doubt:
            call.progress.began_sending(0.0)
        raise asyncio.CancelledError

    call = guarded() if is_guarded else make.call()
    with pytest.raises(asyncio.CancelledError):
        await here.policy(call, inner)
    await here.keeper.close(1.0)
    found = await here.keeper.unknowns()
    assert isinstance(found, tuple)
    assert [entry.id for entry in found] == (["req_1"] if is_in_doubt else [])


async def test_what_another_request_has_used_the_key_for_is_followed_by_itself() -> None:
    here = Here()
    key = make.key()
    for name, body in (("one", b'{"a":1}'), ("two", b'{"a":2}'), ("three", b'{"a":1}')):
        call = make.call(request_id=name, key=key, body=body)
        outcome = await here.policy(call, Script(make.lost()))
        assert outcome.outcome_id == ("one" if name == "three" else name)
    found = await here.keeper.unknowns()
    assert isinstance(found, tuple)
    assert [entry.id for entry in found] == ["one", "two"]


class Slow(MemoryLedger):
    """A ledger that writes an end only once it is let on."""

    def __init__(self, clock: SteppedClock) -> None:
        super().__init__(clock)
        self.gate = asyncio.Event()
        self.is_asked = asyncio.Event()

    async def finish(self, *values: Any) -> Any:
        self.is_asked.set()
        await self.gate.wait()
        return await super().finish(*values)


async def paid(call: Call) -> Outcome:
    assert call.before_first_byte is not None
    assert await call.before_first_byte()
    call.progress.began_sending(0.0)
    call.progress.settle(Effect.SETTLED, make.ok().delivery, 1)
    return make.ok()


async def test_a_payment_that_was_made_is_never_freed_by_the_end_of_the_process() -> None:
    here = Here()
    store = Slow(here.clock)
    here.keeper = Keeper(store, "one", here.clock, here.events.append)
    here.policy = policy(here.keeper)
    journey = asyncio.create_task(here.policy(guarded(), paid))
    await store.is_asked.wait()
    journey.cancel()
    with pytest.raises(asyncio.CancelledError):
        await journey
    store.gate.set()
    await here.keeper.close(1.0)
    entry = await store.find("req_1")
    assert entry is not None
    assert (entry.state, entry.result) == (State.DONE, Result.SUCCEEDED)


async def test_a_payment_that_was_made_is_never_freed_by_a_bug_behind_it() -> None:
    def no_key() -> str:
        raise KeyError

    here = Here(vault=Vault(no_key, random_bytes))
    with pytest.raises(KeyError):
        await here.policy(guarded(), paid)
    await here.keeper.close(1.0)
    entry = await here.keeper.store.find("req_1")
    assert isinstance(entry, Entry)
    assert entry.state is State.SENDING  # and unknown once its lease is over


@pytest.mark.parametrize("is_guarded", [True, False])
async def test_a_bug_in_telling_of_a_payment_that_was_decided_leaves_it_unknown(
    is_guarded: bool,
) -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        call.progress.began_sending(0.0)
        call.progress.settle(Effect.SETTLED, make.ok().delivery, 1)
        raise KeyError

    with pytest.raises(KeyError):
        await here.policy(guarded() if is_guarded else make.call(), inner)
    await here.keeper.close(1.0)
    found = await here.keeper.unknowns()
    assert isinstance(found, tuple)
    assert [entry.id for entry in found] == ["req_1"]
