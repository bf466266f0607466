"""One payment that no ledger guards, from its first byte to what became of it.

Rules:

1. Where the ledger outlives the process a payment is written down as sent just before its first
   byte, and forgotten once it is answered: what a crash cuts off is there, and is unknown.
2. Elsewhere nothing is written of it while all goes well. It is written down as sent once nobody
   waits for its end any more, and as unknown where its call ends so.
3. What somebody was told of as unknown, or has spoken of, is not forgotten: its end is written.
4. A repeat under a key that rests on the provider's word is the same payment, and is written once.
"""

import asyncio
from collections.abc import Awaitable, Mapping
from typing import Final

from msgspec.structs import replace

from proxy.terms import Call, Clock, Outcome, Refusal, Refused

from .book import Claim, Met
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


def said_by(result: Result | None) -> Said | None:
    """Give what an answer says of an earlier attempt at the same payment, if anything."""
    return _SAID.get(result)


def is_repeat(call: Call, earlier: Entry, clock: Clock) -> bool:
    """Whether the provider takes *call* for an *earlier* payment under the same key.

    It must honour the key, after a failure too, and what it has forgotten by now it makes anew.
    """
    if call.key is None or not call.rests_on_key or earlier.provider != call.provider:
        return False
    if not isinstance(call.body, bytes):  # it is compared with nothing: it may be another request
        return False
    remembered_s = call.key.usable_until - clock.monotonic()
    return clock.wall() - earlier.created_at < remembered_s


class Following:
    """Follows one call."""

    def __init__(
        self, keeper: Keeper, claims: Claims, call: Call, attempt_s: float, *, may_proceed: bool
    ) -> None:
        self.entry: Entry | None = None  # as the store has it, once it has
        self._keeper = keeper
        self._call = call
        self._attempt_s = attempt_s
        self._claims = claims
        self._may_proceed = may_proceed
        self._owner = keeper.new_owner()
        self._writing: Awaitable[None] | None = None
        self._one_writes = asyncio.Lock()
        self._was_away = False
        self._is_over = False

    async def take(self) -> bool:
        """Write the payment down just before its first byte; say whether it may be sent."""
        if self._may_proceed and not self._keeper.is_up:
            return True  # nobody waits for a store that is known to be away
        return await self._write() or self._may_proceed

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

    @property
    def is_spoken_of(self) -> bool:
        """Whether somebody has said what became of it before it ended."""
        return self.entry is not None and self._keeper.heard_early_of(self.entry)

    @property
    def is_unknown(self) -> bool:
        """Whether it ended unknown, whatever its own answer says: somebody spoke against that."""
        is_ours = self.entry is not None and not self.is_adopted
        return is_ours and self.entry is not None and self.entry.state is State.UNKNOWN

    @property
    def may_be_written(self) -> bool:
        """Whether the store may hold it as sent."""
        return self.entry is not None or self._was_away

    @property
    def is_adopted(self) -> bool:
        """Whether it is written as an earlier payment, of which it is a repeat."""
        return self.entry is not None and self.entry.owner != self._owner

    def explain(self, outcome: Outcome) -> Outcome:
        """Give *outcome*, and why nothing was sent, where it could not be written down."""
        if isinstance(outcome, Refused) and outcome.reason is Refusal.CLAIM_LOST:
            return replace(outcome, reason=Refusal.LEDGER_AWAY, is_retryable=True)
        return outcome

    async def ended(self, how: End, result: Result | None) -> None:
        """Write down what became of it."""
        self._is_over = True
        if self._writing is not None:
            await self._writing
        await self._keeper.insist(self._call.request_id, lambda: self._end(how, result))

    def answered(self, how: End, result: Result | None) -> None:
        """Have it forgotten, as nobody fears for it; or its end written, if it is spoken of."""
        self._is_over = True
        if self.entry is not None:
            self._keeper.lately.note(self.entry)

        async def forget() -> bool:
            if self.entry is None:  # its word was lost: it may not have been written
                there = await self._keeper.find(self._call.request_id)
                if not isinstance(there, Entry):
                    return there is None
                self.entry = there
            if self.is_adopted:
                return await self._end(how, result)
            is_forgotten = await self._keeper.forget(self.entry)
            if isinstance(is_forgotten, Away):
                return False
            return is_forgotten or await self._end(how, result)

        self._keeper.run(self._keeper.insist(self._call.request_id, forget))

    async def _write(self) -> bool:
        async with self._one_writes:
            if self.entry is not None:
                return True
            self.entry = await self._written()
            if self.entry is None:
                return False
            if not self._is_over:  # whoever is told of it is told where it stands
                self._call.progress.follow(self.entry.id, self.on_abandon)
            return True

    async def _written(self) -> Entry | None:
        call, keeper = self._call, self._keeper
        if self._was_away:  # it may have been written, and the word of it lost
            there = await keeper.find(call.request_id)
            if there is not None:
                return None if isinstance(there, Away) else there
        claim = self._claim(is_keyed=call.is_keyed)
        self._was_away = True  # until its word is here
        met = await keeper.begin(claim)
        if not isinstance(met, Away) and not self._is_ours(met):
            # Another request has the key, or an earlier one whose end says nothing of this one:
            # this is one by itself.
            met = await keeper.begin(replace(claim, key_hash=None))
        self._was_away = isinstance(met, Away)
        return None if isinstance(met, Away) else met.entry

    def _is_ours(self, met: Met) -> bool:
        """Whether what was met is the very payment: new, or under way or unknown and repeated."""
        if met.meeting is Meeting.NEW:
            return True
        is_open = met.meeting in {Meeting.IN_PROGRESS, Meeting.PENDING}
        return is_open and is_repeat(self._call, met.entry, self._keeper.clock)

    async def _end(self, how: End, result: Result | None) -> bool:
        if not await self._write() or self.entry is None:
            return False
        if not self.is_adopted:
            kept = await self._keeper.write_end(self.entry, how, result)
            if not isinstance(kept, Away):
                self.entry = kept
            return not isinstance(kept, Away)
        said = said_by(result)
        if how is End.UNKNOWN:
            return await self._end_by_itself()
        if how is not End.DONE or said is None:
            return True
        told = await self._keeper.settle(
            self.entry, Source.REPEAT, said, NOTE, attempt_timeout_s=self._attempt_s
        )
        return not isinstance(told, Away)

    async def _end_by_itself(self) -> bool:
        """Keep the unknown end of a repeat, unless what it repeats is decided or unknown itself."""
        assert self.entry is not None
        there = await self._keeper.find(self.entry.id)
        if isinstance(there, Away):
            return False
        if there is not None and there.state in {State.UNKNOWN, State.DONE, State.GONE}:
            return True  # it stands for both
        met = await self._keeper.begin(self._claim(is_keyed=False))
        if isinstance(met, Away):
            return False
        self.entry = met.entry
        return not isinstance(await self._keeper.write_end(met.entry, End.UNKNOWN, None), Away)

    def _claim(self, *, is_keyed: bool) -> Claim:
        claim = self._claims.claim(
            self._call, self._owner, is_keyed=is_keyed, sent_s_ago=self._age_s()
        )
        answered_s_ago = self._keeper.lately.answered_s_ago(claim.provider, claim.money.reference)
        return replace(claim, answered_s_ago=answered_s_ago)

    def _age_s(self) -> float:
        """Give how long ago its first byte may have left."""
        since, now = self._call.progress.sending_since, self._keeper.clock.monotonic()
        return 0.0 if since is None else max(0.0, now - since)
