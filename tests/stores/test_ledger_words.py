"""What each ledger store makes of what others say of a payment: too early, twice, or too late."""

import pytest
from msgspec.structs import replace

from proxy.ledger.book import Ended
from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Entry, Money, Result, State
from proxy.ledger.keeping import TOMBSTONE_S
from proxy.ledger.store import Away
from tests.support.ledger import ANSWER, ME, OTHER, claim
from tests.support.ledger_world import LEASE_S, World


async def test_an_event_is_taken_once_with_what_comes_of_it(here: World) -> None:
    for name, provider in (("p1", "acme"), ("p2", "other")):
        await here.sent(id=name, key_hash=None, provider=provider)
        await here.store.finish(name, ME, End.UNKNOWN)
    assert (await here.said(Said.SUCCEEDED, event_id="e")).settlement is Settlement.SETTLED
    assert (await here.said(Said.DECLINED, event_id="e")).settlement is Settlement.REPEATED
    assert len(await here.store.evidence("p1")) == 1  # type: ignore[arg-type]
    assert (await here.said(Said.SUCCEEDED, "p2", event_id="e")).settlement is Settlement.SETTLED
    here.clock.now += TOMBSTONE_S
    assert (await here.said(Said.SUCCEEDED, event_id="e")).settlement is Settlement.CONFIRMED


@pytest.mark.parametrize("said", [Said.SUCCEEDED, Said.DECLINED])
async def test_a_refusal_frees_no_key_of_what_was_said_to_be_made(here: World, said: Said) -> None:
    await here.sent()
    assert (await here.said(said)).settlement is Settlement.TOO_EARLY
    ended = await here.store.finish("p1", ME, End.FREE)
    assert isinstance(ended, Ended)
    is_made = said is Said.SUCCEEDED
    assert ended.is_contradicted is is_made
    assert await here.state() is (State.UNKNOWN if is_made else State.RELEASED)
    met = await here.begun(id="p2", owner=OTHER)
    assert met.meeting is (Meeting.PENDING if is_made else Meeting.NEW)


async def test_what_is_made_after_all_has_its_key_again(here: World) -> None:
    await here.sent()
    await here.store.finish("p1", ME, End.FREE)
    assert (await here.said(Said.SUCCEEDED)).settlement is Settlement.CONTRADICTED
    entry = await here.store.find("p1")
    assert isinstance(entry, Entry)
    assert (entry.state, entry.result) == (State.UNKNOWN, None)
    assert (await here.begun(id="p2", owner=OTHER)).meeting is Meeting.PENDING
    assert [each.id for each in await here.store.unknowns()] == ["p1"]  # type: ignore[union-attr]
    assert (await here.said(Said.SUCCEEDED)).settlement is Settlement.SETTLED
    assert (await here.begun(id="p2", owner=OTHER)).meeting is Meeting.PROCESSED


async def test_a_key_that_is_another_payments_by_then_stays_so(here: World) -> None:
    await here.sent()
    await here.store.finish("p1", ME, End.FREE)
    await here.begun(id="p2", owner=OTHER)
    assert (await here.said(Said.SUCCEEDED)).settlement is Settlement.CONTRADICTED
    entry = await here.store.find("p1")
    assert isinstance(entry, Entry)
    assert (entry.state, entry.key_hash) == (State.UNKNOWN, None)
    assert (await here.begun(id="p3")).entry.id == "p2"
    assert await here.store.sending("p2", OTHER, LEASE_S) is None  # it would be made twice


@pytest.mark.parametrize("is_sent", [True, False])
async def test_who_has_its_key_by_then_does_not_free_it(here: World, *, is_sent: bool) -> None:
    await here.sent()
    await here.store.finish("p1", ME, End.FREE)
    await here.begun(id="p2", owner=OTHER)
    if is_sent:
        await here.store.sending("p2", OTHER, LEASE_S)
    await here.said(Said.SUCCEEDED)
    if is_sent:
        await here.store.finish("p2", OTHER, End.FREE)
    else:
        await here.store.abandon("p2", OTHER)
    assert (await here.begun(id="p3")).meeting is Meeting.PENDING
    assert [await here.state(name) for name in ("p1", "p2")] == [State.UNKNOWN] * 2


async def test_nor_is_its_key_free_where_its_owner_is_gone(here: World) -> None:
    await here.sent()
    await here.store.finish("p1", ME, End.FREE)
    await here.begun(id="p2", owner=OTHER)
    await here.said(Said.SUCCEEDED)
    here.clock.now += LEASE_S
    assert await here.store.purge("acme", 100.0) == 1  # it is kept as what it is
    assert (await here.begun(id="p3")).meeting is Meeting.PENDING
    found = await here.store.unknowns()
    assert isinstance(found, tuple)
    assert sorted(entry.id for entry in found) == ["p1", "p2"]


@pytest.mark.parametrize("is_taken", [True, False])
async def test_a_late_answer_of_what_a_person_freed_is_kept(here: World, *, is_taken: bool) -> None:
    await here.sent()
    here.clock.now += LEASE_S * 2
    await here.store.settle("p1", Source.PERSON, Said.NOT_PROCESSED, "ann", attempt_timeout_s=1.0)
    if is_taken:
        await here.begun(id="p2", owner=OTHER)
    late = await here.store.finish("p1", ME, End.DONE, Result.SUCCEEDED, ANSWER)
    assert isinstance(late, Ended)
    assert (late.is_contradicted, late.entry.state) == (True, State.DONE)
    met = await here.begun(id="p3")
    found = (met.meeting, met.entry.id)
    assert found == ((Meeting.IN_PROGRESS, "p2") if is_taken else (Meeting.REPLAYED, "p1"))


async def test_what_was_said_too_early_is_found_once_the_payment_is_unknown(here: World) -> None:
    for name in ("p1", "p2", "p3"):
        await here.sent(id=name, key_hash=name.encode())
    await here.said(Said.SUCCEEDED, "p1")
    await here.said(Said.DECLINED, "p3")
    await here.store.settle("p2", Source.PERSON, Said.NOT_PROCESSED, "", attempt_timeout_s=1.0)
    assert await here.store.early() == ()
    await here.store.finish("p3", ME, End.DONE, Result.DECLINED, ANSWER)
    here.clock.now += LEASE_S
    found = await here.store.early()
    assert isinstance(found, tuple)
    assert [(entry.id, entry.state) for entry in found] == [("p1", State.UNKNOWN)]
    await here.said(Said.SUCCEEDED, "p1")
    assert await here.store.early() == ()


async def test_somebodys_word_on_a_refusal_is_kept_as_long_as_a_tombstone(here: World) -> None:
    for name in ("p1", "p2"):
        await here.sent(id=name, key_hash=name.encode())
        await here.store.finish(name, ME, End.FREE)
    assert (await here.said(Said.DECLINED)).settlement is Settlement.CONFIRMED
    here.clock.now += 100.0
    await here.store.purge("acme", 100.0)
    assert len(await here.store.evidence("p1")) == 1  # type: ignore[arg-type]
    assert await here.state("p1") is State.RELEASED
    assert await here.state("p2") is None
    here.clock.now += TOMBSTONE_S
    await here.store.purge("acme", 100.0)
    assert await here.store.evidence("p1") == ()


async def test_what_was_only_followed_is_forgotten_unless_somebody_spoke_of_it(
    here: World,
) -> None:
    await here.begun(sent_s_ago=2.0)
    entry = await here.store.find("p1")
    assert isinstance(entry, Entry)
    assert entry.created_at == here.clock.wall() - 2.0
    assert await here.store.forget("p1", OTHER) is False
    assert await here.store.forget("p1", ME) is True
    assert await here.state() is None
    assert await here.store.forget("p1", ME) is True
    assert (await here.begun(id="p2", sent_s_ago=0.0)).meeting is Meeting.NEW
    await here.said(Said.SUCCEEDED, "p2")
    assert await here.store.forget("p2", ME) is False
    assert await here.state("p2") is State.SENDING
    await here.begun(id="p3", key_hash=b"l")
    assert await here.store.forget("p3", ME) is False  # it is guarded


async def test_nor_is_it_beside_another_of_its_reference(here: World) -> None:
    money = Money("10.5", "EUR", "order-1")
    await here.begun(sent_s_ago=0.0, money=money)
    await here.begun(id="p2", key_hash=b"l", sent_s_ago=0.0, money=money)
    other = replace(money, reference="order-2")
    await here.begun(id="p3", key_hash=b"m", sent_s_ago=0.0, money=other)
    assert await here.store.forget("p1", ME) is False
    await here.store.finish("p1", ME, End.DONE, Result.DECLINED)
    assert await here.store.forget("p2", ME) is False
    assert await here.store.forget("p3", ME) is True


async def test_no_payment_is_written_over_another(here: World) -> None:
    await here.sent()
    claimed = claim(id="p1", key_hash=b"l", route="other")
    assert isinstance(await here.store.begin(claimed), Away)
    entry = await here.store.find("p1")
    assert isinstance(entry, Entry)
    assert (entry.route, entry.state) == ("pay", State.SENDING)
