"""The ledger of one sidecar at work: its store, who waits for it, and what is still to be written.

Rules:

1. Before a payment is sent the store is asked, and its word is waited for. Where it is away nobody
   sends: `Away`.
2. What became of a payment is written before the caller is told, where the store is there. Where it
   is away the caller is told all the same, and the writing is tried again until it is done; until
   then the store holds the payment as sent, and so as unknown.
3. What is to be written is bounded: with `MAX_UNWRITTEN` steps to write nobody sends any more. What
   was under way by then is written too, so that nothing is lost.
"""

import asyncio
import contextlib
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from proxy.terms import Clock, Emit, OutcomeContradicted, OutcomeSettled, StoreMoved

from .book import Claim, Ended, Evidence, Met
from .decide import End, Said, Settlement, Source
from .entry import Entry, Owner, Recorded, Result
from .keeping import is_early
from .lately import Lately
from .store import AWAY, Away, LedgerStore
from .unwritten import Unwritten, Write
from .waiting import Waiting

_T = TypeVar("_T")


class Keeper:
    """One an app. `close` writes what it can before the store is closed."""

    def __init__(self, store: LedgerStore, sidecar: str, clock: Clock, emit: Emit) -> None:
        self.store = store
        self.is_up = True
        self._sidecar = sidecar
        self.clock = clock
        self.emit = emit
        self._epoch = 0
        self._tasks: set[asyncio.Task[Any]] = set()
        self._unwritten = Unwritten(clock, emit, self.run)
        self._early: set[str] = set()  # our payments of which somebody spoke before their end
        self.lately = Lately(clock)
        self._waiting = Waiting(clock)
        self._on_settled: Callable[[str], None] = lambda _: None

    @property
    def is_durable(self) -> bool:
        """Whether the store outlives the process."""
        return self.store.is_durable

    @property
    def is_full(self) -> bool:
        """Whether too much is to be written already for anybody to send."""
        return self._unwritten.is_full

    @property
    def unwritten(self) -> int:
        """Steps that the store has not taken yet."""
        return len(self._unwritten)

    def on_settled(self, tell: Callable[[str], None]) -> None:
        """Have *tell* called with the id of each payment that somebody settles here."""
        self._on_settled = tell

    def new_owner(self) -> Owner:
        """Give an owner that nobody was before: this process, for one call."""
        self._epoch += 1
        return Owner(self._sidecar, self._epoch)

    def owns(self, entry: Entry) -> bool:
        """Whether this very process sent a payment."""
        return entry.owner.sidecar == self._sidecar

    def heard_early_of(self, entry: Entry) -> bool:
        """Whether somebody spoke, here, of a payment of ours that is under way."""
        return entry.id in self._early

    async def begin(self, claim: Claim) -> Met | Away:
        """Take a key, or say what stands under it."""
        return self._heard(await self.store.begin(claim))

    async def sending(self, entry_id: str, owner: Owner, lease_s: float) -> Entry | Away | None:
        """Take the claim for one attempt; None where it is lost, or grew too old meanwhile.

        The age of the lease is looked at once more when the store has answered: whoever was frozen
        while it was asked sends nothing.
        """
        began, began_wall = self.clock.monotonic(), self.clock.wall()
        entry = self._heard(await self.store.sending(entry_id, owner, lease_s))
        took_s = max(self.clock.monotonic() - began, self.clock.wall() - began_wall)
        return None if isinstance(entry, Entry) and took_s >= lease_s else entry

    async def finish(
        self,
        entry: Entry,
        how: End,
        result: Result | None = None,
        recorded: Recorded | None = None,
    ) -> Entry:
        """Write down what became of a payment, now or as soon as it can be; give what is known."""
        ended = entry

        async def write() -> bool:
            nonlocal ended
            kept = await self.write_end(entry, how, result, recorded)
            ended = kept if isinstance(kept, Entry) else ended
            return kept is not AWAY

        await self.insist(entry.id, write)
        return ended

    async def abandon(self, entry: Entry) -> None:
        """Give back a key that was taken, and under which nothing was sent."""

        async def write() -> bool:
            is_kept = self._heard(await self.store.abandon(entry.id, entry.owner)) is not AWAY
            self._waiting.wake(entry.id)
            return is_kept

        await self.insist(entry.id, write)

    async def find(self, entry_id: str) -> Entry | Away | None:
        """Give a payment as it is now."""
        return self._heard(await self.store.find(entry_id))

    async def forget(self, entry: Entry) -> bool | Away:
        """Drop a payment that was only followed; False where somebody has spoken of it."""
        return self._heard(await self.store.forget(entry.id, entry.owner))

    async def insist(self, name: str, write: Write) -> None:
        """Take a step that *write* says the store has taken, now or as soon as it can be."""
        await self._unwritten.insist(name, write)

    async def write_end(
        self, entry: Entry, how: End, result: Result | None, recorded: Recorded | None = None
    ) -> Entry | Away:
        """Write down what became of a payment; give it as it is then."""
        ended = self._heard(await self.store.finish(entry.id, entry.owner, how, result, recorded))
        if isinstance(ended, Away):
            return ended
        if isinstance(ended, Ended) and ended.is_contradicted:
            said = how.value if result is None else result.value
            self.emit(OutcomeContradicted(entry.id, entry.provider, "provider", said))
        self._early.discard(entry.id)
        kept = entry if ended is None else ended.entry
        if how is End.DONE and kept.is_spoken_of:  # else once it is listed as unknown
            await self.weigh_again(entry)
        self._waiting.wake(entry.id)
        return kept

    async def settle(
        self,
        entry: Entry,
        source: Source,
        said: Said,
        note: str,
        *,
        attempt_timeout_s: float,
        event_id: str | None = None,
    ) -> Evidence | Away | None:
        """Take what somebody says of a payment, and tell what came of it."""
        told = self._heard(
            await self.store.settle(
                entry.id,
                source,
                said,
                note,
                attempt_timeout_s=attempt_timeout_s,
                event_id=event_id,
            )
        )
        if isinstance(told, Evidence):
            self._told(entry, told)
        return told

    async def evidence(
        self, entry: Entry, source: Source, said: Said, note: str, *, attempt_timeout_s: float
    ) -> None:
        """Have evidence taken, now or as soon as the store can take it."""

        async def write() -> bool:
            told = await self.settle(entry, source, said, note, attempt_timeout_s=attempt_timeout_s)
            return not isinstance(told, Away)

        await self.insist(f"{entry.id} {source} {said} {note}", write)

    async def weigh_again(self, entry: Entry) -> None:
        """Take what was said of a payment while it was under way, now that it has ended."""
        said = self._heard(await self.store.evidence(entry.id))
        for told in () if isinstance(said, Away) else said:
            if is_early([told]):
                await self.settle(entry, told.source, told.said, told.note, attempt_timeout_s=0.0)

    async def unknowns(self) -> tuple[Entry, ...] | Away:
        """Give the payments of which nobody knows what came, the oldest first."""
        return self._heard(await self.store.unknowns())

    async def weigh_all_again(self) -> None:
        """Take what was said too early of payments whose end nobody here has seen."""
        found = self._heard(await self.store.early())
        for entry in () if isinstance(found, Away) else found:
            await self.weigh_again(entry)

    async def changed(self, entry_id: str, until: float) -> None:
        """Wait until something may have become of a payment, or for a while, or to *until*."""
        await self._waiting.wait(entry_id, until)

    async def complete(self, step: Coroutine[Any, Any, _T]) -> _T:
        """Give what comes of *step*, which goes on to its end where whoever waits is cancelled."""
        return await asyncio.shield(self.run(step))

    def run(self, step: Coroutine[Any, Any, _T]) -> "asyncio.Task[_T]":
        """Run *step* to its end, whoever waits for it; `close` waits too."""
        task = asyncio.ensure_future(step)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    async def close(self, timeout_s: float) -> None:
        """Write what is left, for *timeout_s* at most."""
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout_s)
        for task in self._tasks:
            task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await asyncio.gather(*self._tasks, return_exceptions=True)

    def _told(self, entry: Entry, told: Evidence) -> None:
        match told.settlement:
            case Settlement.SETTLED:
                self._on_settled(entry.id)
                self.emit(OutcomeSettled(entry.id, entry.provider, told.source, told.said))
                self._waiting.wake(entry.id)
            case Settlement.CONTRADICTED:
                self.emit(OutcomeContradicted(entry.id, entry.provider, told.source, told.said))
            case Settlement.TOO_EARLY if self.owns(entry):
                self._early.add(entry.id)
            case _:
                pass  # nothing changed

    def _heard(self, said: _T) -> _T:
        """Note whether the store is there."""
        is_up = said is not AWAY
        if is_up is not self.is_up:
            self.is_up = is_up
            self.emit(StoreMoved("ledger", is_up))
        return said
