"""What became of payments, for whoever asks: their callers, and the operator."""

from collections.abc import Mapping
from typing import Final, TypeVar

from proxy.ledger import Keeper
from proxy.ledger.book import Evidence
from proxy.ledger.decide import Said, Source
from proxy.ledger.entry import Entry
from proxy.ledger.store import Away
from proxy.ledger.view import as_csv, for_caller, for_operator, with_evidence
from proxy.observe.redact import redact
from proxy.settings import ProviderSettings
from proxy.terms import Clock

MAX_LISTED: Final = 1_000

_T = TypeVar("_T")


class StoreAwayError(LookupError):
    """The ledger cannot be asked now."""


class Outcomes:
    """Answers from the ledger, once *keep* has given it one.

    *providers* say how long an attempt may take.
    """

    def __init__(self, clock: Clock, providers: Mapping[str, ProviderSettings]) -> None:
        self._clock = clock
        self._providers = providers
        self._given: Keeper | None = None

    def go_by(self, providers: Mapping[str, ProviderSettings]) -> None:
        """Go by the settings of these *providers* from now on."""
        self._providers = providers

    def keep(self, keeper: Keeper) -> None:
        """Answer from *keeper* from now on."""
        self._given = keeper

    @property
    def _keeper(self) -> Keeper:
        if self._given is None:
            raise StoreAwayError
        return self._given

    async def ask(self, outcome_id: str, wait_s: float) -> Mapping[str, object] | None:
        """Give what became of a payment once that is known, or what is known after *wait_s*."""
        until = self._clock.monotonic() + wait_s
        while True:
            entry = await self._keeper.store.find(outcome_id)
            if entry is None:
                return None
            is_over = self._clock.monotonic() >= until
            if isinstance(entry, Entry) and (entry.state.is_decided or is_over):
                return for_caller(entry)
            if is_over:
                return {"outcome_id": outcome_id, "outcome": "unknown"}  # the store is away
            await self._keeper.changed(outcome_id, until)

    async def listed(self, *, settled: bool, reference: str | None) -> list[dict[str, object]]:
        """Give the payments whose outcome is unknown, the oldest first; or *settled* lately.

        Raises:
            StoreAwayError: the ledger cannot be asked.
        """
        now = self._clock.wall()
        found = await self._found(settled=settled)
        return [
            for_operator(entry, now)
            for entry in found
            if reference is None or entry.money.reference == reference
        ][:MAX_LISTED]

    async def csv(self) -> str:
        """Give all that are unknown, as a file for accounting.

        Raises:
            StoreAwayError: the ledger cannot be asked.
        """
        return as_csv(await self._found(settled=False), self._clock.wall())

    async def shown(self, outcome_id: str) -> dict[str, object] | None:
        """Give one payment, and all that was said of it; None where there is none.

        Raises:
            StoreAwayError: the ledger cannot be asked.
        """
        entry = _there(await self._keeper.store.find(outcome_id))
        if entry is None:
            return None
        evidence = _there(await self._keeper.store.evidence(outcome_id))
        return with_evidence(entry, evidence, self._clock.wall())

    async def resolve(self, outcome_id: str, said: str, note: str) -> str | None:
        """Take what a person says; give what came of it, None where there is no such payment.

        Raises:
            ValueError: *said* is no word that a person may say.
            StoreAwayError: the ledger cannot be asked.
        """
        word = Said(said)
        entry = _there(await self._keeper.store.find(outcome_id))
        if entry is None:
            return None
        told = _there(
            await self._keeper.settle(
                entry,
                Source.PERSON,
                word,
                redact(note),
                attempt_timeout_s=self._attempt_s(entry.provider),
            )
        )
        return told.settlement.value if isinstance(told, Evidence) else None

    def _attempt_s(self, provider: str) -> float:
        """Give how long an attempt may take; of a provider that is gone, the longest of all."""
        known = self._providers.get(provider)
        given = self._providers.values() if known is None else (known,)
        return max(each.timeouts.attempt for each in given)

    async def _found(self, *, settled: bool) -> tuple[Entry, ...]:
        store = self._keeper.store
        return _there(await (store.settled(MAX_LISTED) if settled else store.unknowns()))


def _there(said: _T | Away) -> _T:
    if isinstance(said, Away):
        raise StoreAwayError
    return said
