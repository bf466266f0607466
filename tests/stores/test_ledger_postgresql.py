"""Many sidecars, one database: who is first, what is kept, and what becomes of an outage."""

import asyncio
import time
import traceback
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

import asyncpg
import pytest

from proxy.ledger.book import Ended, Evidence, Met
from proxy.ledger.decide import End, Meeting, Said, Settlement, Source
from proxy.ledger.entry import Entry, Money, Result, State
from proxy.ledger.store import AWAY, LedgerError
from proxy.stores.ledger_postgresql import PostgresqlLedger
from proxy.stores.transactions import MAX_CONNECTIONS, START_TIMEOUT_S, STEP_TIMEOUT_S
from proxy.system import SystemClock, random_bytes
from tests.support.clock import FakeClock, SteppedClock
from tests.support.ledger import ANSWER, ME, OTHER, claim
from tests.support.ledger_world import as_kept, two_unknown_one_settled
from tests.support.postgresql import PASSWORD, Server

Stores = Callable[..., Awaitable[PostgresqlLedger]]
LOCKED = "SELECT 1 FROM paysluice_entries WHERE id = 'p1' FOR UPDATE"


@pytest.fixture
async def url(postgresql: Server) -> str:
    return await postgresql.fresh()


@pytest.fixture
async def stores(url: str) -> AsyncIterator[Stores]:
    """Open stores on one database, and close them."""
    opened: list[PostgresqlLedger] = []

    async def another(at: str = url) -> PostgresqlLedger:
        opened.append(await PostgresqlLedger.open(at, SystemClock(), random_bytes))
        return opened[-1]

    yield another
    await asyncio.gather(*(store.close() for store in opened))


@pytest.fixture
async def store(stores: Stores) -> PostgresqlLedger:
    return await stores()


@asynccontextmanager
async def held(url: str) -> AsyncIterator[asyncpg.Connection]:
    """Hold the row of a payment, as a sidecar does that is slow."""
    rows = await asyncpg.connect(url)
    try:
        async with rows.transaction():
            await rows.execute(LOCKED)
            yield rows
    finally:
        await rows.close()


def waiting(number: int) -> str:
    is_waiting = "wait_event_type = 'Lock' AND query LIKE '%FOR UPDATE%'"
    return f"count(*) >= {number} FROM pg_stat_activity WHERE {is_waiting}"


async def every_method(store: PostgresqlLedger, name: str = "p1") -> list[object]:
    """Ask everything at once; an id is given to one payment only, whatever became of it."""
    return await asyncio.gather(
        store.begin(claim(id=name)),
        store.sending(name, ME, 1.0),
        store.finish(name, ME, End.UNKNOWN),
        store.abandon(name, ME),
        store.settle(name, Source.PERSON, Said.DECLINED, "ann", attempt_timeout_s=1.0),
        store.find(name),
        store.evidence(name),
        store.by_reference("acme", "order"),
        store.forget(name, OTHER),
        store.settled(1),
        store.early(),
        store.unknowns(),
        store.purge("acme", 1.0),
    )


async def test_of_many_sidecars_that_begin_a_payment_one_is_the_first(stores: Stores) -> None:
    both = [await stores(), await stores()]
    for key in range(5):
        begun = [
            store.begin(claim(id=f"p{key}-{number}-{which}", key_hash=b"%d" % key))
            for number in range(30)
            for which, store in enumerate(both)
        ]
        met = await asyncio.gather(*begun)
        assert all(isinstance(each, Met) for each in met)
        new = [each for each in met if isinstance(each, Met) and each.meeting is Meeting.NEW]
        assert len(new) == 1
        assert {each.entry.id for each in met if isinstance(each, Met)} == {new[0].entry.id}


async def test_no_attempt_is_lost_however_many_are_made_at_once(stores: Stores) -> None:
    both = [await stores(), await stores()]
    await both[0].begin(claim())
    sent = await asyncio.gather(*(store.sending("p1", ME, 10.0) for store in both * 20))
    attempts = [entry.attempts for entry in sent if isinstance(entry, Entry)]
    assert sorted(attempts) == list(range(1, 41))


async def test_who_sends_late_and_who_takes_the_key_are_never_both_let_through(
    stores: Stores,
) -> None:
    both = [await stores(), await stores()]
    through = 0
    for number in range(40):
        mine = claim(id=f"p{number}", key_hash=b"%d" % number, lease_s=0.004)
        await both[0].begin(mine)
        theirs = [
            claim(id=f"{mine.id}-{which}", key_hash=mine.key_hash, owner=OTHER)
            for which in range(6)
        ]
        sent, *met = await asyncio.gather(
            both[0].sending(mine.id, ME, 10.0),
            *(both[which % 2].begin(one) for which, one in enumerate(theirs)),
        )
        new = [each for each in met if isinstance(each, Met) and each.meeting is Meeting.NEW]
        assert len(new) + isinstance(sent, Entry) <= 1
        through += isinstance(sent, Entry)
    assert through < 40  # else nobody was ever too late


async def test_who_waited_for_a_payment_goes_by_the_time_after_that(
    store: PostgresqlLedger, postgresql: Server, url: str
) -> None:
    await store.begin(claim())
    async with held(url) as rows:
        sending = asyncio.ensure_future(store.sending("p1", ME, 10.0))
        await postgresql.until(waiting(1))
        waited_until = await rows.fetchval("SELECT extract(epoch FROM clock_timestamp())::float8")
    sent = await sending
    assert isinstance(sent, Entry)
    assert sent.changed_at >= waited_until
    assert sent.lease_until == pytest.approx(sent.changed_at + 10.0)


async def test_an_event_that_many_see_at_once_is_new_to_one(stores: Stores) -> None:
    both = [await stores(), await stores()]
    await both[0].begin(claim(sent_s_ago=0.0))
    await both[0].finish("p1", ME, End.UNKNOWN)
    said = (Source.WEBHOOK, Said.SUCCEEDED, "")
    told = await asyncio.gather(
        *(store.settle("p1", *said, attempt_timeout_s=1.0, event_id="evt") for store in both * 10)
    )
    settlements = [each.settlement for each in told if isinstance(each, Evidence)]
    assert sorted(settlements) == [Settlement.REPEATED] * 19 + [Settlement.SETTLED]


async def test_sidecars_that_start_at_once_share_one_secret(stores: Stores) -> None:
    opened = await asyncio.gather(*(stores() for _ in range(6)))
    assert len({store.secret for store in opened}) == 1
    assert isinstance(await opened[0].begin(claim()), Met)
    found = await opened[-1].find("p1")
    assert isinstance(found, Entry)
    assert (await stores()).secret == opened[0].secret


NOTED = """
    CREATE TABLE noted (value text);
    CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        INSERT INTO noted VALUES (current_setting('synchronous_commit')); RETURN NULL;
    END $$;
    CREATE TRIGGER note AFTER INSERT OR UPDATE OR DELETE ON {} EXECUTE FUNCTION note();
"""


@pytest.mark.parametrize(
    ("default", "kept"),
    [
        ("off", "on"),
        ("local", "on"),
        ("remote_write", "on"),
        ("on", "on"),
        ("remote_apply", "remote_apply"),
    ],
)
async def test_what_is_kept_is_on_disk_whatever_the_server_does_by_default(
    stores: Stores, postgresql: Server, url: str, default: str, kept: str
) -> None:
    assert await postgresql.run("SHOW synchronous_commit") == ["off"]
    store = await stores(f"{url}&synchronous_commit={default}")
    for table in ("entries", "evidence", "events"):
        script = NOTED if table == "entries" else NOTED[NOTED.index("    CREATE TRIGGER") :]
        await postgresql.run(script.format(f"paysluice_{table}"), url)
    await store.begin(claim())
    await store.sending("p1", ME, 10.0)
    await store.finish("p1", ME, End.UNKNOWN)
    await store.settle(
        "p1", Source.WEBHOOK, Said.SUCCEEDED, "", attempt_timeout_s=1.0, event_id="evt"
    )
    await store.begin(claim(id="p2", key_hash=b"l"))
    await store.abandon("p2", ME)
    await store.purge("acme", 0.0)
    noted = await postgresql.run("SELECT value FROM noted", url)
    assert len(noted) >= 9
    assert set(noted) == {kept}


async def test_what_was_answered_is_there_after_the_server_was_killed(
    store: PostgresqlLedger, postgresql: Server
) -> None:
    for number in range(20):
        await store.begin(claim(id=f"p{number}", key_hash=b"%d" % number))
    await store.sending("p19", ME, 10.0)
    await store.finish("p19", ME, End.DONE, Result.SUCCEEDED, ANSWER)
    postgresql.kill()
    assert await store.find("p1") is AWAY
    postgresql.start()
    found = [await store.find(f"p{number}") for number in range(20)]
    assert all(isinstance(entry, Entry) for entry in found)
    met = await store.begin(claim(id="again", key_hash=b"19"))
    assert isinstance(met, Met)
    assert (met.meeting, met.entry.recorded) == (Meeting.REPLAYED, ANSWER)


async def test_while_the_server_is_away_that_is_said_and_then_it_works_again(
    store: PostgresqlLedger, postgresql: Server
) -> None:
    assert AWAY not in await every_method(store)
    postgresql.stop()
    began = time.monotonic()
    assert set(await every_method(store)) == {AWAY}
    assert time.monotonic() - began < STEP_TIMEOUT_S
    postgresql.start()
    assert AWAY not in await every_method(store, "p2")


async def test_a_server_that_does_not_answer_is_away(
    store: PostgresqlLedger, postgresql: Server
) -> None:
    await store.begin(claim())
    postgresql.freeze()
    try:
        began = time.monotonic()
        assert set(await every_method(store)) == {AWAY}
        assert time.monotonic() - began < STEP_TIMEOUT_S + 1.0
    finally:
        postgresql.thaw()
    assert AWAY not in await every_method(store, "p2")


async def test_a_caller_who_is_cancelled_leaves_a_pool_that_works(
    store: PostgresqlLedger, postgresql: Server, url: str
) -> None:
    await store.begin(claim())
    async with held(url):
        tasks = [asyncio.ensure_future(store.sending("p1", ME, 10.0)) for _ in range(25)]
        await postgresql.until(waiting(MAX_CONNECTIONS))
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
        assert all(isinstance(each, asyncio.CancelledError) for each in ended)
    entry = await store.find("p1")
    assert isinstance(entry, Entry)
    sent = await asyncio.gather(*(store.sending("p1", ME, 10.0) for _ in range(25)))
    assert all(isinstance(each, Entry) for each in sent)


async def test_a_cancelled_call_never_mixes_its_answer_into_anothers(
    store: PostgresqlLedger,
) -> None:
    ids = [f"p{number}" for number in range(20)]
    await asyncio.gather(*(store.begin(claim(id=name, key_hash=name.encode())) for name in ids))
    for steps in range(25):
        tasks = [asyncio.ensure_future(store.find(name)) for name in ids]
        for _ in range(steps):
            await asyncio.sleep(0)
        for task in tasks[::2]:
            task.cancel()
        found = await asyncio.gather(*tasks, return_exceptions=True)
        assert [entry.id for entry in found[1::2] if isinstance(entry, Entry)] == ids[1::2]


async def test_no_more_connections_than_agreed_and_nobody_waits_for_ever(
    store: PostgresqlLedger, postgresql: Server, url: str
) -> None:
    await store.begin(claim())
    began = time.monotonic()
    async with held(url):
        told = await asyncio.gather(*(store.sending("p1", ME, 10.0) for _ in range(30)))
        assert store._transactions._pool.get_size() <= MAX_CONNECTIONS
    assert set(told) == {AWAY}
    assert time.monotonic() - began < STEP_TIMEOUT_S + 1.0
    assert isinstance(await store.sending("p1", ME, 10.0), Entry)
    await postgresql.until("count(*) <= 12 FROM pg_stat_activity WHERE usename = 'paysluice'")


async def test_a_transaction_sets_what_it_needs_and_leaves_nothing(
    store: PostgresqlLedger,
) -> None:
    """Who is frozen in the middle of one lets its rows go before long."""
    idle = "SELECT current_setting('idle_in_transaction_session_timeout')"
    assert await store._transactions.write(lambda rows: rows.fetchval(idle)) == "5s"
    assert await store._transactions.read(lambda rows: rows.fetchval(idle)) == "0"


async def test_what_the_server_undid_at_its_commit_is_not_taken_for_kept(
    store: PostgresqlLedger,
) -> None:
    tries = 0

    async def breaks(rows: Any) -> None:
        nonlocal tries
        tries += 1
        with suppress(asyncpg.PostgresError):
            await rows.execute("SELECT 1 / 0")

    assert await store._transactions.write(breaks) is AWAY
    assert tries > 1


REFUSED = """
    CREATE SEQUENCE tries;
    CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
        IF nextval('tries') <= {} THEN RAISE EXCEPTION USING ERRCODE = '{}'; END IF;
        RETURN NEW;
    END $$;
    CREATE CONSTRAINT TRIGGER refuse AFTER INSERT ON paysluice_entries
        DEFERRABLE INITIALLY {} FOR EACH ROW EXECUTE FUNCTION refuse();
"""


@pytest.mark.parametrize("when", ["IMMEDIATE", "DEFERRED"])
@pytest.mark.parametrize("code", ["40001", "40P01", "23505"])
async def test_a_transaction_that_another_one_broke_is_taken_again(
    store: PostgresqlLedger, postgresql: Server, url: str, code: str, when: str
) -> None:
    await postgresql.run(REFUSED.format(3, code, when), url)
    met = await store.begin(claim())
    assert isinstance(met, Met)
    assert met.meeting is Meeting.NEW
    assert isinstance(await store.find("p1"), Entry)


async def test_a_transaction_is_not_taken_again_for_ever(
    store: PostgresqlLedger, postgresql: Server, url: str
) -> None:
    await postgresql.run(REFUSED.format(1000, "40001", "DEFERRED"), url)
    assert await store.begin(claim()) is AWAY
    assert await postgresql.run("SELECT last_value < 10 FROM tries", url) == [True]
    assert await store.find("p1") is None


async def test_an_id_that_is_there_already_is_never_overwritten(store: PostgresqlLedger) -> None:
    await store.begin(claim())
    assert await store.begin(claim(key_hash=b"l", owner=OTHER)) is AWAY
    entry = await store.find("p1")
    assert isinstance(entry, Entry)
    assert entry.owner == ME


@dataclass
class Relay:
    """Stands before the server; told to, it loses the answer to the next `COMMIT`."""

    port: int
    is_cutting: bool = False
    tasks: set["asyncio.Task[None]"] = field(default_factory=set)

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self.tasks.add(task)
        there, to_there = await asyncio.open_connection("127.0.0.1", self.port)
        back = asyncio.ensure_future(self._back(there, writer))
        with suppress(ConnectionError):
            while data := await reader.read(65536):
                is_last = self.is_cutting and b"COMMIT\0" in data
                if is_last:
                    back.cancel()
                    await asyncio.wait([back])
                to_there.write(data)
                if is_last:
                    self.is_cutting = False
                    await there.read(65536)  # it is committed, and nobody hears of it
                    break
        back.cancel()
        for each in (writer, to_there):
            each.transport.abort()

    async def _back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            while data := await there.read(65536):
                writer.write(data)
        writer.close()


async def test_a_commit_that_nobody_heard_of_is_away_and_may_be_asked_again(
    stores: Stores, postgresql: Server, url: str
) -> None:
    relay = Relay(postgresql.port)
    server = await asyncio.start_server(relay.serve, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    store = await stores(url.replace(f":{postgresql.port}/", f":{port}/"))

    async def unheard(step: Awaitable[Any]) -> None:
        relay.is_cutting = True
        assert await step is AWAY
        assert not relay.is_cutting

    async def state() -> State | None:
        entry = await store.find("p1")
        return entry.state if isinstance(entry, Entry) else None

    await unheard(store.begin(claim()))
    assert await state() is State.BEGUN
    # Its caller sends nothing, and may say so: nobody else has sent under this claim.
    await unheard(store.sending("p1", ME, 10.0))
    assert await state() is State.SENDING
    await unheard(store.finish("p1", ME, End.FREE))
    freed = await store.finish("p1", ME, End.FREE)
    assert isinstance(freed, Ended)
    assert (freed.entry.state, freed.is_contradicted) == (State.RELEASED, False)
    await store.begin(claim(id="p2"))
    await store.sending("p2", ME, 10.0)
    await unheard(store.finish("p2", ME, End.DONE, Result.SUCCEEDED, ANSWER))
    again = await store.finish("p2", ME, End.DONE, Result.SUCCEEDED, ANSWER)
    assert isinstance(again, Ended)
    assert not again.is_contradicted
    assert again.entry is not None
    assert again.entry.recorded == ANSWER
    await store.close()
    server.close()
    async with asyncio.timeout(5.0):
        await asyncio.wait(relay.tasks)


async def test_a_connection_lost_before_its_commit_has_kept_nothing(
    store: PostgresqlLedger, postgresql: Server, url: str
) -> None:
    cut = REFUSED.replace(
        "RAISE EXCEPTION USING ERRCODE = '{}'", "PERFORM pg_terminate_backend({})"
    )
    await postgresql.run(cut.format(1, "pg_backend_pid()", "DEFERRED"), url)
    assert await store.begin(claim()) is AWAY
    assert await store.find("p1") is None
    assert isinstance(await store.begin(claim()), Met)


async def test_what_no_database_can_keep_refuses_no_payment(store: PostgresqlLedger) -> None:
    strange = "order\0\ud800"
    met = await store.begin(claim(money=Money(reference=strange)))
    assert isinstance(met, Met)
    found = await store.by_reference("acme", strange)
    assert isinstance(found, tuple)
    assert [entry.id for entry in found] == ["p1"]
    for settlement in (Settlement.TOO_EARLY, Settlement.REPEATED):
        told = await store.settle(
            "p1", Source.WEBHOOK, Said.SUCCEEDED, "", attempt_timeout_s=1.0, event_id=strange
        )
        assert isinstance(told, Evidence)
        assert told.settlement is settlement


async def test_evidence_goes_with_its_payment(store: PostgresqlLedger) -> None:
    await store.begin(claim(sent_s_ago=0.0))
    await store.finish("p1", ME, End.UNKNOWN)
    await store.settle("p1", Source.LOOKUP, Said.SUCCEEDED, "", attempt_timeout_s=1.0)
    assert await store.purge("acme", 0.0) == 1
    entry = await store.find("p1")
    assert isinstance(entry, Entry)
    assert entry.state is State.GONE
    store._goes_by = FakeClock(now=1e9)  # long after
    assert await store.purge("acme", 0.0) == 1
    assert await store.find("p1") is None
    assert await store.evidence("p1") == ()


async def test_once_closed_all_is_away(store: PostgresqlLedger) -> None:
    await store.close()
    assert set(await every_method(store)) == {AWAY}


async def test_a_pool_that_does_not_let_go_is_left(
    store: PostgresqlLedger, postgresql: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("proxy.stores.transactions._CLOSE_TIMEOUT_S", 0.01)
    await store.begin(claim())
    postgresql.freeze()
    try:
        finding = asyncio.ensure_future(store.find("p1"))
        await asyncio.sleep(0)
        await store.close()
        assert await finding is AWAY
    finally:
        postgresql.thaw()


async def refusal(url: str, clock: FakeClock | None = None) -> str:
    """Give the one line of a start that is refused, and see that it tells no secret."""
    with pytest.raises(LedgerError) as caught:
        await PostgresqlLedger.open(url, clock or FakeClock(), random_bytes)
    shown = "".join(traceback.format_exception(caught.value))
    for secret in (PASSWORD, "12345", "canary"):
        assert secret not in shown
    text = str(caught.value)
    assert "\n" not in text
    assert text.startswith("PostgreSQL")
    return text


OUR_SCHEMA = "CREATE TABLE paysluice_schema (version int); INSERT INTO paysluice_schema VALUES"


@pytest.mark.parametrize(
    ("script", "reason"),
    [
        ("CREATE TABLE paysluice_entries (a int);", "are of something else"),
        ("CREATE TABLE paysluice_secret (a int);", "are of something else"),
        ("CREATE TABLE paysluice_schema (a int);", "are of something else"),
        ("CREATE TABLE paysluice_schema (version text);", "are of something else"),
        (f"{OUR_SCHEMA} (1); CREATE TABLE paysluice_entries (a int);", "are of something else"),
        (f"{OUR_SCHEMA} (99);", r"was written by another version \(schema 99, known is 2\)"),
    ],
)
async def test_tables_that_are_not_ours_are_left_as_they_are(
    postgresql: Server, url: str, script: str, reason: str
) -> None:
    await postgresql.run(script, url)
    with pytest.raises(LedgerError, match=reason):
        await PostgresqlLedger.open(url, SystemClock(), random_bytes)
    await refusal(url)
    columns = (
        "SELECT count(*) FROM information_schema.columns WHERE table_schema = current_schema()"
    )
    assert (await postgresql.run(columns, url))[0] == script.count(" int)") + script.count("text)")


async def test_tables_of_the_version_before_are_brought_up_to_date(
    postgresql: Server, url: str
) -> None:
    store = await PostgresqlLedger.open(url, SystemClock(), random_bytes)
    await two_unknown_one_settled(store)
    await store.close()
    await postgresql.run("ALTER TABLE paysluice_entries DROP COLUMN is_spoken_of", url)
    await postgresql.run("UPDATE paysluice_schema SET version = 1", url)
    for _ in range(2):  # once they are brought there, they stay
        store = await PostgresqlLedger.open(url, SystemClock(), random_bytes)
        assert await as_kept(store) == [(State.DONE, True), (State.UNKNOWN, False)]
        await store.close()


async def test_a_database_that_cannot_hold_every_text_is_refused(postgresql: Server) -> None:
    await postgresql.run("CREATE DATABASE plain ENCODING 'SQL_ASCII' TEMPLATE template0")
    text = await refusal(postgresql.url.replace("/postgres", "/plain"))
    assert "its encoding is SQL_ASCII: the ledger needs UTF8" in text


async def test_a_user_who_may_not_make_tables_is_told_so(postgresql: Server) -> None:
    await postgresql.run("CREATE ROLE poor LOGIN PASSWORD 'canary'")
    address = f"postgresql://poor:canary@127.0.0.1:{postgresql.port}/postgres"
    assert "permission denied for schema public" in await refusal(address)


async def test_what_stands_against_a_start_is_told_without_the_password(
    postgresql: Server,
) -> None:
    at = f"127.0.0.1:{postgresql.port}"
    clock = FakeClock()
    text = await refusal(f"postgresql://paysluice:canary@{at}/postgres", clock)
    assert text.startswith(f"PostgreSQL at {at} cannot be used as a ledger: password authenti")
    text = await refusal(f"postgresql://paysluice:{PASSWORD}@{at}/none", clock)
    assert 'database "none" does not exist' in text
    assert clock.slept == []  # what does not go by is not waited for


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://paysluice:canary/word@127.0.0.1/postgres",
        "postgresql://paysluice:canary#word@127.0.0.1/postgres",
        "postgresql://paysluice:canary?word@127.0.0.1/postgres",
        "postgresql://paysluice:canary@127.0.0.1:canary/postgres",
        "postgresql://paysluice:canary@[::1/postgres",
        "postgresql://paysluice:canary",
        "postgresql://127.0.0.1:1/postgres?canary",
        "canary",
    ],
)
async def test_of_an_address_that_is_none_nothing_is_shown(url: str) -> None:
    assert "its URL is none of PostgreSQL" in await refusal(url)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("postgresql://paysluice:canary@127.0.0.1:1/postgres", " at 127.0.0.1:1"),
        ("postgresql://127.0.0.1:1/postgres?user=paysluice&password=canary", ""),
        ("postgresql://a:12345@127.0.0.1:1,127.0.0.1:2/x", " at 127.0.0.1:1,127.0.0.1:2"),
    ],
)
async def test_a_server_that_is_not_there_is_waited_for_and_no_longer(url: str, place: str) -> None:
    clock = FakeClock()
    text = await refusal(url, clock)
    assert text == f"PostgreSQL{place} cannot be used as a ledger: Connection refused"
    assert START_TIMEOUT_S <= sum(clock.slept) < START_TIMEOUT_S * 1.5
    assert clock.slept == sorted(clock.slept)


class StartingClock(FakeClock):
    """The server is started while somebody waits for it."""

    def __init__(self, server: Server) -> None:
        super().__init__()
        self._server = server

    async def sleep(self, seconds: float) -> None:
        await super().sleep(seconds)
        if len(self.slept) == 3:
            await asyncio.to_thread(self._server.start)


async def test_a_sidecar_that_starts_before_its_server_waits_for_it(
    postgresql: Server, url: str
) -> None:
    postgresql.stop()
    clock = StartingClock(postgresql)
    store = await PostgresqlLedger.open(url, clock, random_bytes)
    assert len(clock.slept) == 3
    assert isinstance(await store.begin(claim()), Met)
    await store.close()


async def test_a_start_may_be_cancelled() -> None:
    starting = asyncio.ensure_future(
        PostgresqlLedger.open("postgresql://127.0.0.1:1/x", SteppedClock(), random_bytes)
    )
    async with asyncio.timeout(0.2):
        await asyncio.wait([starting], timeout=0.1)
    starting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await starting


async def test_a_server_that_takes_us_and_says_nothing_is_told(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("proxy.stores.transactions.CONNECT_TIMEOUT_S", 0.05)
    held_open: list[asyncio.StreamWriter] = []
    server = await asyncio.start_server(lambda _, writer: held_open.append(writer), "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    assert "it does not answer" in await refusal(f"postgresql://a:canary@127.0.0.1:{port}/x")
    for writer in held_open:
        writer.transport.abort()
    server.close()
