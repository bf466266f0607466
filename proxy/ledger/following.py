"""One payment that no ledger guards, from its first byte to what became of it.

Nothing is written of it while all goes well. It is written down as sent once nobody waits for its
end any more, and as unknown where its call ends so: an operator finds it then, whatever happens to
this process. Where its key is honoured a repeat of it is the same payment, and is written once.
"""

from collections.abc import Awaitable, Mapping
from typing import Final

from msgspec.structs import replace

from proxy.terms import Call

from .book import Met
from .claims import Claims
from .decide import End, Meeting, Said, Source
from .entry import Entry, Result, State
from .keeper import Keeper
from .store import Away

_SAID: Final[Mapping[Result | None, Said]] = {
    Result.SUCCEEDED: Said.SUCCEEDED,
    Result.DECLINED: Said.DECLINED,
}
NOTE: Final = "the same request, answered under the same key"


def _is_same(met: Met) -> bool:
    """Whether what was met is the very payment: new, or unknown as this one is now."""
    is_unknown = met.meeting is Meeting.PENDING and met.entry.state is State.UNKNOWN
    return met.meeting is Meeting.NEW or is_unknown


def said_by(result: Result | None) -> Said | None:
    """Give what an answer says of an earlier attempt at the same payment, if anything."""
    return _SAID.get(result)


class Following:
    """Follows one call."""

    def __init__(self, keeper: Keeper, claims: Claims, call: Call, attempt_s: float) -> None:
        self.entry: Entry | None = None  # as the store has it, once it has
        self._keeper = keeper
        self._call = call
        self._attempt_s = attempt_s
        self._claims = claims
        self._owner = keeper.new_owner()
        self._writing: Awaitable[None] | None = None

    def on_abandon(self) -> Awaitable[None] | None:
        """Write the payment down as sent, if it was; give what ends once that is done."""
        if self._call.progress.is_in_doubt and self._writing is None:
            name = f"{self._call.request_id} sent"
            self._writing = self._keeper.run(self._keeper.insist(name, self._write))
        return self._writing

    @property
    def is_feared(self) -> bool:
        """Whether somebody was told that its outcome is unknown."""
        return self._writing is not None

    async def ended(self, how: End, result: Result | None) -> None:
        """Write down what became of it."""
        if self._writing is not None:
            await self._writing
        await self._keeper.insist(self._call.request_id, lambda: self._end(how, result))

    async def _write(self) -> bool:
        if self.entry is not None:
            return True
        claim = self._claims.claim(
            self._call, self._owner, is_keyed=self._call.is_keyed, is_sent=True
        )
        met = await self._keeper.begin(claim)
        if not isinstance(met, Away) and not _is_same(met):
            # Another request has the key, or an earlier one that is decided or still under way,
            # whose end says nothing of this one: this is one by itself.
            met = await self._keeper.begin(replace(claim, key_hash=None))
        if isinstance(met, Away):
            return False
        self.entry = met.entry
        if self._call.progress.is_abandoned:  # whoever is told of it is told where it stands
            self._call.progress.follow(met.entry.id, self.on_abandon)
        return True

    async def _end(self, how: End, result: Result | None) -> bool:
        if not await self._write() or self.entry is None:
            return False
        if self.entry.owner == self._owner:
            return await self._keeper.write_end(self.entry, how, result)
        said = said_by(result)
        if how is not End.DONE or said is None:
            return True
        told = await self._keeper.settle(
            self.entry, Source.REPEAT, said, NOTE, attempt_timeout_s=self._attempt_s
        )
        return not isinstance(told, Away)
