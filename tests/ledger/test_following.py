"""Payments that no ledger guards: written before their first byte where that outlives us."""

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.ledger import Unknowns
from proxy.ledger.decide import Said, Source
from proxy.ledger.entry import Entry, Money, State
from proxy.ledger.records import Found, match
from proxy.ledger.unwritten import MAX_UNWRITTEN
from proxy.terms import (
    Call,
    Effect,
    Kind,
    Outcome,
    OutcomeContradicted,
    Refusal,
    Refused,
)
from tests.support import make
from tests.support.followed import Here, sends
from tests.support.ledger import claim, policy


async def test_what_is_answered_is_forgotten_behind_the_callers_back() -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        outcome = await sends(make.throttled(), make.ok())(call)
        assert isinstance(await here.store.find("req_1"), Entry)
        return outcome  # type: ignore[no-any-return]

    await here.policy(make.call(), inner)
    await here.written()
    assert await here.store.find("req_1") is None


async def test_what_ends_unknown_without_a_first_claim_is_dated_by_its_first_byte() -> None:
    here = Here(may_proceed=True)
    here.store.away = 1
    began = here.clock.wall()

    async def inner(call: Call) -> Outcome:
        assert call.before_first_byte is not None
        assert await call.before_first_byte()
        call.progress.began_sending(here.clock.monotonic())
        here.clock.now += 7.0
        return make.lost()

    await here.policy(make.call(), inner)
    entry = await here.store.find("req_1")
    assert isinstance(entry, Entry)
    assert entry.created_at == began


async def test_what_cannot_be_written_down_is_not_sent() -> None:
    here = Here()
    here.store.away = 1
    outcome = await here.policy(make.call(), sends(make.ok()))
    assert isinstance(outcome, Refused)
    assert (outcome.reason, outcome.effect) == (Refusal.LEDGER_AWAY, Effect.NONE)
    assert outcome.is_retryable


@pytest.mark.parametrize("loses_the_word", [True, False])
@pytest.mark.parametrize("key", [None, make.key()])
async def test_with_proceed_it_is_sent_and_written_as_soon_as_that_can_be(
    loses_the_word: bool, key: Any
) -> None:
    here = Here(may_proceed=True)
    here.store.away, here.store.loses_the_word = 2, loses_the_word
    outcome = await here.policy(make.call(key=key), sends(make.lost()))
    assert outcome.outcome_id == "req_1"
    await here.written()
    assert await here.unknowns() == ["req_1"]
    assert here.keeper.unwritten == 0


async def test_with_so_much_to_write_nobody_proceeds_and_nothing_is_lost() -> None:
    here = Here(may_proceed=True)
    here.store.away = 2 * MAX_UNWRITTEN + 10
    refused = []
    for number in range(MAX_UNWRITTEN + 5):
        call = make.call(request_id=f"r{number}", deadline=here.clock.now + 30.0)
        outcome = await here.policy(call, sends(make.lost()))
        if isinstance(outcome, Refused):
            refused.append(outcome)
    assert here.keeper.unwritten == MAX_UNWRITTEN
    assert [each.reason for each in refused] == [Refusal.LEDGER_AWAY] * 5
    here.store.away = 0
    await here.written()
    assert len(await here.unknowns()) == MAX_UNWRITTEN


async def test_what_cannot_be_forgotten_yet_is_forgotten_later() -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        outcome = await sends(make.ok())(call)
        here.store.away = 1
        return outcome  # type: ignore[no-any-return]

    await here.policy(make.call(), inner)
    await here.written()
    assert isinstance(await here.store.find("req_1"), Entry)
    assert here.keeper.unwritten == 1
    here.store.away = 0
    await here.written()
    assert here.keeper.unwritten == 0
    assert await here.store.find("req_1") is None


async def test_what_somebody_spoke_of_keeps_its_end() -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        outcome = await sends(make.ok())(call)
        await here.store.settle(
            "req_1", Source.WEBHOOK, Said.SUCCEEDED, "event", attempt_timeout_s=1.0
        )
        return outcome  # type: ignore[no-any-return]

    await here.policy(make.call(), inner)
    await here.written()
    entry = await here.store.find("req_1")
    assert isinstance(entry, Entry)
    assert entry.state is State.DONE


async def test_what_is_cut_off_before_its_first_byte_is_forgotten() -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        assert call.before_first_byte is not None
        assert await call.before_first_byte()
        raise KeyError

    with pytest.raises(KeyError):
        await here.policy(make.call(), inner)
    await here.written()
    assert await here.store.find("req_1") is None


async def test_a_store_that_is_known_to_be_away_is_not_waited_for() -> None:
    here = Here(may_proceed=True)
    here.keeper.is_up = False
    here.store.away = 1
    await here.policy(make.call(), sends(make.ok()))
    assert here.store.away == 1


@pytest.mark.parametrize(
    ("answer", "effect"),
    [
        (make.rejected(402, kind=Kind.DECLINED, effect=Effect.SETTLED), Effect.SETTLED),
        (make.rejected(400), Effect.UNKNOWN),
    ],
)
async def test_an_answer_against_an_early_word_is_a_contradiction(
    answer: Outcome, effect: Effect
) -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        outcome = await sends(answer)(call)
        entry = await here.store.find("req_1")
        assert isinstance(entry, Entry)
        said = (Source.WEBHOOK, Said.SUCCEEDED, "event")
        await here.keeper.settle(entry, *said, attempt_timeout_s=1.0)
        return outcome  # type: ignore[no-any-return]

    assert (await here.policy(make.call(), inner)).effect is effect
    await here.written()
    assert OutcomeContradicted in [type(each) for each in here.events]


async def test_an_answer_against_a_word_that_another_sidecar_took_is_a_contradiction() -> None:
    here = Here()

    async def inner(call: Call) -> Outcome:
        outcome = await sends(make.rejected(402, kind=Kind.DECLINED, effect=Effect.SETTLED))(call)
        said = (Source.WEBHOOK, Said.SUCCEEDED, "event")
        await here.store.settle("req_1", *said, attempt_timeout_s=1.0)
        return outcome  # type: ignore[no-any-return]

    assert (await here.policy(make.call(), inner)).effect is Effect.SETTLED
    await here.written()
    assert [type(each) for each in here.events].count(OutcomeContradicted) == 1


async def test_an_early_word_of_a_payment_whose_sidecar_died_counts_once_it_is_unknown() -> None:
    here = Here()
    await here.store.begin(claim(sent_s_ago=0.0, lease_s=10.0))
    said = (Source.WEBHOOK, Said.SUCCEEDED, "event")
    await here.store.settle("p1", *said, attempt_timeout_s=1.0)
    unknowns = Unknowns(here.keeper)
    await unknowns.refresh()
    assert await here.unknowns() == []
    here.clock.now += 10.0
    await unknowns.refresh()
    assert not unknowns.entries
    entry = await here.store.find("p1")
    assert isinstance(entry, Entry)
    assert entry.state is State.DONE


async def test_a_record_of_one_that_was_forgotten_is_not_the_next_ones() -> None:
    here = Here()
    body = b'{"amount": 1050, "currency": "EUR", "reference": "order-1"}'
    money = Money("10.5", "EUR", "order-1")
    here.policy = policy(here.keeper, money_of=lambda _: money)
    answered_at = here.clock.wall()
    await here.policy(make.call(request_id="one", body=body), sends(make.ok()))
    here.clock.now += 0.01
    await here.policy(make.call(request_id="two", body=body), sends(make.lost()))
    await here.written()
    assert await here.unknowns() == ["two"]
    entry = await here.store.find("two")
    assert isinstance(entry, Entry)
    record = Found("order-1", "10.5", "EUR", answered_at, Said.SUCCEEDED)
    assert match(entry, [record]) is None
    assert match(entry, [replace(record, created_at=answered_at + 1.0)]) is Said.SUCCEEDED
