"""The payments of which nobody knows what came, as this sidecar last saw them.

What is asked at every scrape, and of every payment that succeeds, must not ask the store: it is
asked for all of them every few seconds, and told of each that this sidecar adds.
"""

import asyncio
from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import Final

from proxy.terms import Sample

from .entry import Entry
from .keeper import Keeper
from .store import Away

EVERY_S: Final = 5.0


class Unknowns:
    """One an app. `watch` runs for as long as the app does."""

    def __init__(self, keeper: Keeper) -> None:
        self._keeper = keeper
        self._clock = keeper.clock
        self._entries: dict[str, Entry] = {}
        self._by_key: dict[tuple[str, bytes], Entry] = {}
        self._meanwhile: dict[str, Entry | None] = {}  # changed while the store was asked
        self._one_looks = asyncio.Lock()
        keeper.on_settled(self.drop)

    @property
    def entries(self) -> Mapping[str, Entry]:
        """Those that are known of, by their id, the oldest first."""
        return self._entries

    def under(self, scope: str, key_hash: bytes) -> Entry | None:
        """Give the one under a key."""
        return self._by_key.get((scope, key_hash))

    def add(self, entry: Entry) -> None:
        """Note one that arose just now."""
        self._meanwhile[entry.id] = entry
        self._keep(entry)

    def _keep(self, entry: Entry) -> None:
        self._entries[entry.id] = entry
        if entry.key_hash is not None:
            self._by_key[entry.scope, entry.key_hash] = entry

    def drop(self, entry_id: str) -> None:
        """Note that one is settled."""
        self._meanwhile[entry_id] = None
        entry = self._entries.pop(entry_id, None)
        if entry is not None and entry.key_hash is not None:
            self._by_key.pop((entry.scope, entry.key_hash), None)

    async def watch(self) -> None:
        """Look again and again; never ends by itself."""
        while True:
            await self.refresh()
            await self._clock.sleep(EVERY_S)

    async def refresh(self) -> None:
        """Look once."""
        async with self._one_looks:
            self._meanwhile.clear()
            found = await self._keeper.unknowns()
            if isinstance(found, Away):
                return
            self._entries.clear()
            self._by_key.clear()
            known = {entry.id: entry for entry in found} | self._meanwhile
            for entry in known.values():
                if entry is not None:
                    self._keep(entry)
        await self._keeper.weigh_all_again()

    def samples(self, providers: Mapping[str, object]) -> Iterator[Sample]:
        """Give the gauges, of each of *providers* whether it has any or not."""
        now = self._clock.wall()
        counts = dict.fromkeys(providers, 0)
        oldest = dict.fromkeys(providers, now)
        amounts: dict[tuple[str, str], Decimal] = {}
        for entry in self._entries.values():
            name, money = entry.provider, entry.money
            counts[name] = counts.get(name, 0) + 1
            oldest[name] = min(oldest.get(name, now), entry.created_at)
            if money.amount is not None and money.currency is not None:
                place = (name, money.currency)
                amounts[place] = amounts.get(place, Decimal(0)) + Decimal(money.amount)
        for name, count in counts.items():
            yield Sample("paysluice_outcomes_unknown", (name,), float(count))
            yield Sample("paysluice_unknown_oldest_seconds", (name,), max(0.0, now - oldest[name]))
        for place, amount in amounts.items():
            yield Sample("paysluice_unknown_amount", place, float(amount))
