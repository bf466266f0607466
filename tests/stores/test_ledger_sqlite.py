"""One file, one sidecar: what a file has to be, and what becomes of what was written."""

import asyncio
import sqlite3
import stat
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from proxy.ledger.book import Met
from proxy.ledger.decide import End, Meeting
from proxy.ledger.entry import Entry, Result, State
from proxy.ledger.store import AWAY
from proxy.stores import ledger_entries
from proxy.stores.ledger_file import LedgerFileError
from proxy.stores.ledger_sqlite import SqliteLedger
from tests.support.clock import FakeClock
from tests.support.ledger import ANSWER, ME, claim
from tests.support.ledger_world import as_kept, two_unknown_one_settled

OTHER_PROCESS = """
import sys
import threading
from pathlib import Path
from proxy.stores.ledger_file import LedgerFileError
from proxy.stores.ledger_sqlite import SqliteLedger
from tests.support.clock import FakeClock
try:
    SqliteLedger.open(Path(sys.argv[1]), FakeClock())
except LedgerFileError as error:
    print(error)
"""
KILLED = """
import asyncio, os, signal, sys
from pathlib import Path
from proxy.stores.ledger_sqlite import SqliteLedger
from tests.support.clock import FakeClock
from tests.support.ledger import ME, claim
async def main():
    store = SqliteLedger.open(Path(sys.argv[1]), FakeClock())
    await store.begin(claim())
    await store.sending("p1", ME, 10.0)
    os.kill(os.getpid(), signal.SIGKILL)
asyncio.run(main())
"""


async def test_what_was_written_is_there_after_the_process_was_killed(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", KILLED, str(path)], check=False
    )
    assert killed.returncode < 0
    clock = FakeClock()
    store = SqliteLedger.open(path, clock)
    entry = await store.find("p1")
    assert isinstance(entry, Entry)
    assert (entry.state, entry.attempts, entry.owner) == (State.UNKNOWN, 1, ME)
    unknowns = await store.unknowns()
    assert isinstance(unknowns, tuple)
    assert [each.id for each in unknowns] == ["p1"]
    await store.close()


async def test_an_answer_comes_back_byte_for_byte(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    store = SqliteLedger.open(path, FakeClock())
    await store.begin(claim())
    await store.finish("p1", ME, End.DONE, Result.SUCCEEDED, ANSWER)
    await store.close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    store = SqliteLedger.open(path, FakeClock())
    met = await store.begin(claim(id="p2"))
    assert isinstance(met, Met)
    assert (met.meeting, met.entry.recorded) == (Meeting.REPLAYED, ANSWER)
    await store.close()


async def test_a_second_process_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    store = SqliteLedger.open(path, FakeClock())
    second = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-c", OTHER_PROCESS, str(path)],
        check=True,
        capture_output=True,
        text=True,
    )
    assert "is in use by another process" in second.stdout
    with pytest.raises(LedgerFileError, match="is in use by another process"):
        SqliteLedger.open(path, FakeClock())
    await store.close()


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("other", "is a database of something else"),
        ("newer", "was written by another version"),
        ("broken", "cannot be used as a ledger"),
    ],
)
def test_a_file_that_is_not_ours_is_left_as_it_is(
    tmp_path: Path, content: str, reason: str
) -> None:
    path = tmp_path / "ledger.db"
    if content == "broken":
        path.write_bytes(b"no database at all" * 100)
    else:
        rows = sqlite3.connect(path)
        rows.execute("CREATE TABLE t (a)")
        if content == "newer":
            rows.execute(f"PRAGMA application_id = {0x50534C31}")
            rows.execute("PRAGMA user_version = 99")
        rows.commit()
        rows.close()
    before = path.read_bytes()
    with pytest.raises(LedgerFileError, match=reason):
        SqliteLedger.open(path, FakeClock())
    assert path.read_bytes() == before


async def test_a_file_of_the_version_before_is_brought_up_to_date(tmp_path: Path) -> None:
    path, clock = tmp_path / "ledger.db", FakeClock()
    store = SqliteLedger.open(path, clock)
    await two_unknown_one_settled(store)
    await store.close()
    rows = sqlite3.connect(path)
    rows.execute("ALTER TABLE entries DROP COLUMN is_spoken_of")
    rows.execute("PRAGMA user_version = 2")
    rows.commit()
    rows.close()
    for _ in range(2):  # once it is brought there, it stays
        store = SqliteLedger.open(path, clock)
        assert await as_kept(store) == [(State.DONE, True), (State.UNKNOWN, False)]
        await store.close()


def test_a_place_that_is_not_there_is_told(tmp_path: Path) -> None:
    with pytest.raises(LedgerFileError, match="No such file or directory"):
        SqliteLedger.open(tmp_path / "not" / "there.db", FakeClock())


async def test_a_file_that_was_made_and_never_filled_is_filled(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    rows = sqlite3.connect(path)
    rows.execute("PRAGMA journal_mode = WAL")
    rows.close()
    assert path.stat().st_size
    store = SqliteLedger.open(path, FakeClock())
    assert isinstance(await store.begin(claim()), Met)
    await store.close()


async def test_what_comes_together_is_written_together(tmp_path: Path) -> None:
    store = SqliteLedger.open(tmp_path / "ledger.db", FakeClock())
    commits = 0

    def count(statement: str) -> None:
        nonlocal commits
        commits += statement == "COMMIT"

    store._connection.set_trace_callback(count)
    many = [claim(id=f"p{n}", key_hash=b"%d" % n) for n in range(500)]
    found = await asyncio.gather(*(store.begin(one) for one in many))
    assert all(isinstance(met, Met) and met.meeting is Meeting.NEW for met in found)
    assert commits < 50
    await store.close()


async def test_a_key_is_taken_once_however_many_come_together(tmp_path: Path) -> None:
    store = SqliteLedger.open(tmp_path / "ledger.db", FakeClock())
    found = await asyncio.gather(*(store.begin(claim(id=f"p{n}")) for n in range(100)))
    new = [met for met in found if isinstance(met, Met) and met.meeting is Meeting.NEW]
    assert len(new) == 1
    await store.close()


async def test_a_disk_that_cannot_be_written_is_told_and_nothing_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "ledger.db"
    store = SqliteLedger.open(path, FakeClock())
    await store.begin(claim())
    store._connection.execute("PRAGMA query_only = ON")
    told = await asyncio.gather(
        store.begin(claim(id="p2", key_hash=b"l")),
        store.sending("p1", ME, 10.0),
        store.settle("p1", "person", "succeeded", "", attempt_timeout_s=1.0),  # type: ignore[arg-type]
    )
    assert told == [AWAY, AWAY, AWAY]
    store._connection.execute("PRAGMA query_only = OFF")
    entry = await store.find("p1")
    assert isinstance(entry, Entry)
    assert entry.state is State.BEGUN
    await store.close()


async def test_what_failed_together_is_taken_anew_from_what_is_on_disk(tmp_path: Path) -> None:
    store = SqliteLedger.open(tmp_path / "ledger.db", FakeClock())
    await store.begin(claim())
    is_asked = threading.Event()

    def fail() -> None:
        msg = "the disk is full"
        raise sqlite3.OperationalError(msg)

    _, sent, failed, _ = await asyncio.gather(
        store._commits.take(is_asked.wait),  # what comes now waits, and is written together
        store.sending("p1", ME, 10.0),
        store._commits.take(fail),
        asyncio.to_thread(is_asked.set),
    )
    assert failed is AWAY
    assert isinstance(sent, Entry)
    assert sent.attempts == 1
    assert await store.find("p1") == sent
    await store.close()


async def test_more_under_way_than_is_held_in_memory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ledger_entries, "_MAX_HELD", 2)
    store = SqliteLedger.open(tmp_path / "ledger.db", FakeClock())
    for number in range(4):
        await store.begin(claim(id=f"p{number}", key_hash=b"%d" % number))
    for number in range(4):
        sent = await store.sending(f"p{number}", ME, 10.0)
        assert isinstance(sent, Entry)
        assert (sent.id, sent.state) == (f"p{number}", State.SENDING)
    assert len(store._entries._held) == 2
    await store.close()
