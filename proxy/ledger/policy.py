"""One key, one payment: lets a payment through once, and never loses one whose end nobody knows.

Rules:

1. What is no payment goes on: it pays nothing for the ledger.
2. A guarded payment (`emulate`) is claimed before anything else, once more before each attempt, and
   its end is written before the caller is told.
3. The same request again is given the recorded answer, or waits for the one under way, or is told
   that the outcome is pending. It is sent only where the first was certainly not made.
4. A payment that is not guarded is followed (`following`): what becomes unknown of it is written.
5. Where the ledger is away no guarded payment is sent; another one as `store_failure` says, and as
   long as what is to be written of it can be held.
6. A repeat that did nothing says nothing of the payment that its key names: where that one is
   unknown, so is the repeat.
"""

import asyncio

from msgspec.structs import replace

from proxy.terms import (
    Call,
    Effect,
    KeyHandled,
    Outcome,
    OutcomeUnknown,
    RouteEffect,
    Service,
    is_redirection,
)

from .book import Met
from .claims import Claims, shared
from .decide import End, Meeting, Source, end_of
from .entry import Entry, Result, State
from .following import NOTE, Following, is_repeat, said_by
from .keeper import Keeper
from .lease import Lease
from .replies import already_processed, in_use, ledger_away, pending, reused, too_large
from .store import Away
from .unknowns import Unknowns


class LedgerPolicy:
    """Guards and follows the payments of one provider."""

    def __init__(
        self,
        claims: Claims,
        keeper: Keeper,
        unknowns: Unknowns,
        *,
        may_proceed: bool,
        attempt_s: float,
        ask_again_s: float | None,
    ) -> None:
        self._claims = claims
        self._keeper = keeper
        self._unknowns = unknowns
        self._clock = keeper.clock
        self._emit = keeper.emit
        self._may_proceed = may_proceed
        self._attempt_s = attempt_s
        self._ask_again_s = ask_again_s  # by then a look-up may have settled what is pending
        self._under_way: dict[str, asyncio.Future[Outcome]] = {}

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of *call*, sent now or before."""
        if call.effect is not RouteEffect.PAYMENT:
            return await inner(call)
        if not call.is_guarded:
            return self._named(call, await self._follow(call, inner))
        if call.key is not None and not isinstance(call.body, bytes):
            return too_large()
        return self._named(call, await self._guard(call, inner))

    async def _guard(self, call: Call, inner: Service) -> Outcome:
        claim = self._claims.claim(call, self._keeper.new_owner(), is_keyed=call.key is not None)
        while True:
            if self._keeper.is_full:
                return ledger_away()
            met = await self._keeper.begin(claim)
            if isinstance(met, Away):
                return ledger_away()
            if met.meeting is Meeting.NEW:
                return await self._send(call, inner, met.entry)
            if met.meeting is not Meeting.IN_PROGRESS:
                return self._tell(call, met)
            if not call.progress.is_joined:
                self._handled(call, "joined")
                call.progress.join(met.entry.id)
            outcome = await self._wait_for(met.entry.id, call)
            if outcome is not None:
                return outcome
            if self._clock.monotonic() >= call.deadline or call.progress.is_abandoned:
                self._handled(call, "in_progress")
                return in_use(met.entry.id)

    async def _wait_for(self, entry_id: str, call: Call) -> Outcome | None:
        """Wait for the same request; None: look again at what stands under the key."""
        first = self._under_way.get(entry_id)
        if first is None:  # it is another sidecar's
            await self._keeper.changed(entry_id, call.deadline)
            return None
        left_s = call.deadline - self._clock.monotonic()
        await asyncio.wait((first,), timeout=max(0.0, left_s))
        return shared(first.result()) if first.done() and not first.cancelled() else None

    async def _send(self, call: Call, inner: Service, entry: Entry) -> Outcome:
        """Send a payment that is ours to send, and write down what came of it."""
        if call.key is not None:
            self._handled(call, "new")
        call.progress.follow(entry.id)
        ended = self._under_way[entry.id] = asyncio.get_running_loop().create_future()
        lease = Lease(self._keeper, self._claims, call, entry)
        try:
            outcome = await self._try(call, inner, entry, lease)
            outcome = await self._keeper.complete(self._end(entry, lease, outcome))
            ended.set_result(outcome)
        finally:
            del self._under_way[entry.id]
            ended.cancel()
        return outcome

    async def _try(self, call: Call, inner: Service, entry: Entry, lease: Lease) -> Outcome:
        """Give the outcome of *inner*; where there is none, write down what may have been done."""
        try:
            return lease.explain(await inner(replace(call, before_first_byte=lease.take)))
        except BaseException:
            how = End.UNKNOWN if call.progress.is_in_doubt else End.FREE
            self._keeper.run(self._keeper.finish(entry, how))
            raise

    async def _end(self, entry: Entry, lease: Lease, outcome: Outcome) -> Outcome:
        how, result = end_of(outcome)
        if how is End.FREE and not lease.was_taken:
            await self._keeper.abandon(entry)  # refused before any attempt: a full queue, a circuit
            return outcome
        recorded = self._claims.recorded(entry, outcome) if how is End.DONE else None
        ended = await self._keeper.finish(entry, how, result, recorded)
        # Somebody may have said that it was made, whatever its own answer says.
        is_unknown = how is End.UNKNOWN or ended.state is State.UNKNOWN
        return await self._in_doubt(ended, outcome) if is_unknown else outcome

    def _tell(self, call: Call, met: Met) -> Outcome:
        """Say what an earlier request with the key has come to."""
        if met.meeting is Meeting.REUSED:
            self._handled(call, "reused")
            return reused()
        if met.meeting is Meeting.PENDING:
            self._handled(call, "pending")
            return pending(met.entry.id, self._ask_again_s)
        self._handled(call, "replayed")
        return self._claims.replayed(call, met.entry) or already_processed(met.entry)

    async def _follow(self, call: Call, inner: Service) -> Outcome:
        keeper = self._keeper
        if keeper.is_full or not (keeper.is_up or self._may_proceed):
            return ledger_away()
        following = Following(
            keeper, self._claims, call, self._attempt_s, may_proceed=self._may_proceed
        )
        if keeper.is_durable:
            call = replace(call, before_first_byte=following.take)
        call.progress.follow(call.request_id, following.on_abandon)
        try:
            outcome = await self._followed(call, inner, following)
            if (
                outcome.effect is Effect.NONE
                and following.is_adopted
                and following.entry is not None
            ):
                return _as_of(following.entry, call, outcome)
            return outcome
        finally:
            # Each held the other.
            call.progress.follow(call.progress.outcome_id or call.request_id)

    async def _followed(self, call: Call, inner: Service, following: Following) -> Outcome:
        try:
            outcome = following.explain(await inner(call))
        except BaseException:
            if call.progress.is_in_doubt or following.is_feared:
                self._keeper.run(following.ended(End.UNKNOWN, None))
            elif following.may_be_written:
                following.answered(End.FREE, None)
            raise
        how, result = end_of(outcome)
        if is_redirection(outcome) and following.is_feared:  # it lifts nobody's doubt
            how = End.UNKNOWN
        if how is End.UNKNOWN or following.is_feared or following.is_spoken_of:
            await self._keeper.complete(following.ended(how, result))
            how = End.UNKNOWN if following.is_unknown else how
        elif following.may_be_written:
            following.answered(how, result)
        if not following.is_adopted:
            self._settle_earlier(call, result)
        if how is End.UNKNOWN and following.entry is not None:
            return await self._in_doubt(following.entry, outcome)
        if how is End.UNKNOWN:  # the ledger is away: it will be written under this id
            return replace(outcome, outcome_id=call.request_id)
        return outcome

    def _settle_earlier(self, call: Call, result: Result | None) -> None:
        """Settle what was unknown of the very same request: its key is honoured, and answered."""
        said = said_by(result)
        earlier = None if said is None else self._earlier(call)
        if said is None or earlier is None or earlier.id == call.request_id:
            return
        if is_repeat(call, earlier, self._clock):
            self._keeper.run(
                self._keeper.evidence(
                    earlier, Source.REPEAT, said, NOTE, attempt_timeout_s=self._attempt_s
                )
            )

    def _earlier(self, call: Call) -> Entry | None:
        """Give what is unknown of the very same request, under the same key."""
        if call.key is None or not self._unknowns.entries:
            return None
        scope = self._claims.scope(call.headers)
        key_hash = self._claims.key_hash(scope, call)
        earlier = None if key_hash is None else self._unknowns.under(scope, key_hash)
        if earlier is None or earlier.fingerprint != self._claims.fingerprint(call):
            return None
        return earlier

    def _named(self, call: Call, outcome: Outcome) -> Outcome:
        """Give *outcome*, of which nothing was done, as that of the payment that its key names."""
        if outcome.effect is not Effect.NONE:
            return outcome
        earlier = self._earlier(call)
        return outcome if earlier is None else _as_of(earlier, call, outcome)

    async def _in_doubt(self, entry: Entry, outcome: Outcome) -> Outcome:
        self._unknowns.add(entry)
        self._emit(OutcomeUnknown(entry.id, entry.provider, entry.route))
        await self._keeper.weigh_again(entry)
        return replace(outcome, effect=Effect.UNKNOWN, outcome_id=entry.id)

    def _handled(self, call: Call, result: str) -> None:
        self._emit(KeyHandled(call.request_id, call.provider, result))


def _as_of(earlier: Entry, call: Call, outcome: Outcome) -> Outcome:
    """Give *outcome* of a repeat that did nothing as that of the *earlier* payment it repeats."""
    is_retryable = outcome.is_retryable and (call.is_guarded or call.rests_on_key)
    return replace(outcome, effect=Effect.UNKNOWN, is_retryable=is_retryable, outcome_id=earlier.id)
