"""The right to send one guarded payment."""

from msgspec.structs import replace

from proxy.terms import Call, Outcome, Refusal, Refused

from .claims import Claims
from .entry import Entry, Owner
from .keeper import Keeper
from .store import Away


class Lease:
    """Taken anew for each attempt, just before its first byte."""

    def __init__(self, keeper: Keeper, claims: Claims, call: Call, entry: Entry) -> None:
        self._keeper = keeper
        self._claims = claims
        self._call = call
        self._entry_id = entry.id
        self._owner: Owner = entry.owner
        self._is_away = False
        self.was_taken = False

    async def take(self) -> bool:
        """Say whether an attempt may begin now."""
        lease_s = self._claims.lease_s(self._call)
        taken = await self._keeper.sending(self._entry_id, self._owner, lease_s)
        self._is_away = isinstance(taken, Away)
        self.was_taken |= taken is not None  # where the store is away it may have been
        return isinstance(taken, Entry)

    def explain(self, outcome: Outcome) -> Outcome:
        """Give *outcome*, and why nothing was sent: somebody else has the claim, or no store."""
        if not isinstance(outcome, Refused) or outcome.reason is not Refusal.CLAIM_LOST:
            return outcome
        return replace(outcome, reason=Refusal.LEDGER_AWAY) if self._is_away else outcome
