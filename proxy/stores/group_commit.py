"""Steps of a database taken in one thread, with one sync to disk for all that came meanwhile."""

import asyncio
import contextlib
import sqlite3
import threading
from collections.abc import Callable, Iterator
from queue import Empty, SimpleQueue
from typing import Any, Final, TypeVar

from proxy.ledger.store import AWAY, Away

_MAX_TOGETHER: Final = 256

_T = TypeVar("_T")


class GroupCommit:
    """The one thread that speaks to a connection. Nobody is answered before it is on disk."""

    def __init__(self, connection: sqlite3.Connection, on_rollback: Callable[[], None]) -> None:
        self._connection = connection
        self._on_rollback = on_rollback
        self._writes: SimpleQueue[_Write | None] = SimpleQueue()
        self._loop: asyncio.AbstractEventLoop
        self._thread = threading.Thread(target=self._work, name="ledger", daemon=True)
        self._thread.start()

    async def close(self) -> None:
        """Take what was asked for, and end the thread."""
        self._writes.put(None)
        await asyncio.to_thread(self._thread.join)

    async def take(self, step: Callable[[], _T]) -> _T | Away:
        """Take *step*; give what came of it once it is on disk, `AWAY` where it could not be."""
        loop = self._loop = asyncio.get_running_loop()
        done: asyncio.Future[_T | Away] = loop.create_future()
        self._writes.put(_Write(step, done))
        return await done

    def _work(self) -> None:
        while (write := self._writes.get()) is not None:
            together = [write, *self._waiting()]
            kept = self._write_all(together)
            # All are told in one turn of the loop: to wake it for each costs more than the writing.
            with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits
                self._loop.call_soon_threadsafe(_tell_all, together, kept)

    def _waiting(self) -> "Iterator[_Write]":
        """Give what has come meanwhile; the end of it all is left for the next look."""
        for _ in range(_MAX_TOGETHER):
            try:
                write = self._writes.get_nowait()
            except Empty:
                return
            if write is None:
                self._writes.put(None)
                return
            yield write

    def _write_all(self, together: "list[_Write]") -> list[bool]:
        """Take all steps in one transaction; where that fails, each in one of its own."""
        if len(together) > 1 and self._write(together):
            return [True] * len(together)
        return [self._write([each]) for each in together]

    def _write(self, together: "list[_Write]") -> bool:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            for each in together:
                each.take()
            self._connection.execute("COMMIT")
        except Exception:  # noqa: BLE001 - the thread must live: who waits is told that it failed
            with contextlib.suppress(sqlite3.Error):
                self._connection.execute("ROLLBACK")
            self._on_rollback()
            return False
        return True


class _Write:
    """One step, and whoever waits for it."""

    __slots__ = ("_done", "_found", "_step")

    def __init__(self, step: Callable[[], Any], done: "asyncio.Future[Any]") -> None:
        self._step = step
        self._done = done
        self._found: Any = None

    def take(self) -> None:
        """Take the step; where it is taken twice, the last time counts."""
        self._found = self._step()

    def tell(self, *, is_kept: bool) -> None:
        """Tell whoever waits what came of it, if it is on disk."""
        if not self._done.done():
            self._done.set_result(self._found if is_kept else AWAY)


def _tell_all(together: "list[_Write]", kept: list[bool]) -> None:
    for write, is_kept in zip(together, kept, strict=True):
        write.tell(is_kept=is_kept)
