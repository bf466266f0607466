"""What each ledger store promises, whatever it keeps payments in."""

from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Entry, Money, Result, State
from proxy.ledger.keeping import TOMBSTONE_S
from tests.support.ledger import ANSWER, ME, OTHER
from tests.support.ledger_world import LEASE_S, World


async def test_a_key_is_taken_once(here: World) -> None:
    assert (await here.begun()).meeting is Meeting.NEW
    second = await here.begun(id="p2", owner=OTHER)
    assert (second.meeting, second.entry.id) == (Meeting.IN_PROGRESS, "p1")
    assert (await here.begun(id="p3", fingerprint=b"g")).meeting is Meeting.REUSED
    assert (await here.begun(id="p4", scope="other")).meeting is Meeting.NEW
    assert (await here.begun(id="p5", key_hash=b"l")).meeting is Meeting.NEW
    assert await here.store.find("p2") is None


async def test_claims_without_a_key_never_meet(here: World) -> None:
    assert (await here.begun(key_hash=None)).meeting is Meeting.NEW
    assert (await here.begun(id="p2", key_hash=None)).meeting is Meeting.NEW


async def test_who_was_frozen_before_it_sent_sends_nothing(here: World) -> None:
    await here.begun()
    here.clock.now += LEASE_S
    taken = await here.begun(id="p2", owner=OTHER)
    assert (taken.meeting, taken.entry.id) == (Meeting.NEW, "p2")
    assert await here.store.sending("p1", ME, LEASE_S) is None
    assert await here.store.sending("p2", ME, LEASE_S) is None
    sent = await here.store.sending("p2", OTHER, LEASE_S)
    assert isinstance(sent, Entry)


async def test_what_was_sent_and_not_answered_is_unknown_and_never_free(here: World) -> None:
    await here.sent()
    assert await here.store.unknowns() == ()
    here.clock.now += LEASE_S
    assert await here.state() is State.UNKNOWN
    assert (await here.begun(id="p2", owner=OTHER)).meeting is Meeting.PENDING
    unknowns = await here.store.unknowns()
    assert isinstance(unknowns, tuple)
    assert [entry.id for entry in unknowns] == ["p1"]
    here.clock.now += TOMBSTONE_S * 2
    await here.store.purge("acme", 1.0)
    assert await here.state() is State.UNKNOWN


async def test_an_answer_is_replayed_byte_for_byte_and_leaves_a_tombstone(here: World) -> None:
    await here.sent()
    await here.store.finish("p1", ME, End.DONE, Result.SUCCEEDED, ANSWER)
    met = await here.begun(id="p2")
    assert (met.meeting, met.entry.recorded) == (Meeting.REPLAYED, ANSWER)
    here.clock.now += 100.0
    await here.store.purge("other", 100.0)
    assert (await here.begun(id="p2")).meeting is Meeting.REPLAYED
    await here.store.purge("acme", 100.0)
    met = await here.begun(id="p2")
    assert (met.meeting, met.entry.recorded) == (Meeting.PROCESSED, None)
    here.clock.now += TOMBSTONE_S
    await here.store.purge("acme", 100.0)
    assert (await here.begun(id="p2")).meeting is Meeting.NEW


async def test_what_was_not_made_frees_its_key(here: World) -> None:
    await here.begun()
    await here.store.abandon("p1", OTHER)
    assert await here.state() is State.BEGUN
    await here.store.abandon("p1", ME)
    assert await here.state() is State.RELEASED
    await here.sent(id="p2")
    await here.store.abandon("p2", ME)
    assert await here.state("p2") is State.SENDING
    await here.store.finish("p2", ME, End.FREE)
    assert (await here.begun(id="p3")).meeting is Meeting.NEW


async def test_what_is_said_settles_and_every_word_is_kept(here: World) -> None:
    await here.sent()
    here.clock.now += LEASE_S
    said = []
    for source, word in [
        (Source.LOOKUP, Said.NOT_PROCESSED),
        (Source.PERSON, Said.NOT_PROCESSED),
        (Source.WEBHOOK, Said.SUCCEEDED),
        (Source.PERSON, Said.DECLINED),
    ]:
        evidence = await here.store.settle("p1", source, word, "ann", attempt_timeout_s=10.0)
        said.append(evidence)
    kept = await here.store.evidence("p1")
    assert kept == tuple(said)
    assert isinstance(kept, tuple)
    assert [each.settlement for each in kept] == [
        Settlement.NOT_THEIRS,
        Settlement.TOO_EARLY,
        Settlement.SETTLED,
        Settlement.CONTRADICTED,
    ]
    assert (await here.begun(id="p2")).meeting is Meeting.PROCESSED


async def test_a_person_frees_a_key_and_the_first_payment_stays_on_record(here: World) -> None:
    await here.sent()
    here.clock.now += LEASE_S * 2
    await here.store.settle("p1", Source.PERSON, Said.NOT_PROCESSED, "ann", attempt_timeout_s=10.0)
    assert (await here.begun(id="p2", owner=OTHER)).meeting is Meeting.NEW
    assert await here.state("p1") is State.RELEASED
    # The first one was made after all: that is seen, and the second one keeps its key.
    late = await here.store.finish("p1", ME, End.DONE, Result.SUCCEEDED, ANSWER)
    assert late is not None
    assert getattr(late, "is_contradicted", False)
    assert await here.state("p1") is State.DONE
    assert (await here.begun(id="p3")).entry.id == "p2"


async def test_of_what_is_not_there_nothing_is_done(here: World) -> None:
    assert await here.store.sending("no", ME, 1.0) is None
    assert await here.store.finish("no", ME, End.FREE) is None
    assert await here.store.abandon("no", ME) is None
    told = await here.store.settle("no", Source.PERSON, Said.SUCCEEDED, "", attempt_timeout_s=1.0)
    assert told is None
    assert await here.store.evidence("no") == ()


async def test_an_owner_that_is_not_the_one_changes_nothing(here: World) -> None:
    await here.sent()
    await here.store.finish("p1", OTHER, End.FREE)
    assert await here.state() is State.SENDING


async def test_what_is_only_followed_is_there_as_sent(here: World) -> None:
    met = await here.begun(sent_s_ago=0.0)
    assert (met.meeting, met.entry.state, met.entry.attempts) == (Meeting.NEW, State.SENDING, 1)
    await here.store.finish("p1", ME, End.UNKNOWN)
    assert await here.state() is State.UNKNOWN


async def test_a_payment_is_found_by_the_merchants_reference(here: World) -> None:
    await here.sent(money=Money("10.50", "EUR", "order 1"))
    here.clock.now += 1.0
    await here.sent(id="p2", key_hash=b"l", money=Money("10.50", "EUR", "order 1"))
    await here.sent(id="p3", key_hash=b"m", provider="other", money=Money(reference="order 1"))
    found = await here.store.by_reference("acme", "order 1")
    assert isinstance(found, tuple)
    assert [entry.id for entry in found] == ["p1", "p2"]
    assert found[0].money == Money("10.50", "EUR", "order 1")
    assert await here.store.by_reference("acme", "order 2") == ()


async def test_what_somebody_spoke_of_is_listed_the_latest_first(here: World) -> None:
    for name in ("p1", "p2", "p3"):
        await here.sent(id=name, key_hash=name.encode())
        await here.store.finish(name, ME, End.UNKNOWN)
    for name in ("p1", "p2", "p1"):
        await here.store.settle(name, Source.LOOKUP, Said.SUCCEEDED, "rule", attempt_timeout_s=1.0)
    listed = await here.store.settled(10)
    assert isinstance(listed, tuple)
    assert [entry.id for entry in listed] == ["p1", "p2"]
    assert len(await here.store.settled(1)) == 1


def test_the_secret_is_long_enough_to_hash_keys_with(here: World) -> None:
    assert len(here.store.secret) >= 32
