"""The tokens of one sidecar, in its own memory."""

from collections import OrderedDict
from typing import Final

from proxy.limit import Ask, NotYet, Taken
from proxy.limit.decide import take, used_up

MAX_KEYS: Final = 131_072  # about 26 MiB
_LOOKED_AT: Final = 16  # of the oldest keys, to make room for a new one: never a sweep of all
_FEW: Final = 64  # so many keys may lie idle
_NO_ROOM_RETRY_S: Final = 1.0


class MemoryLimits:
    """A `LimitStore` for one sidecar: one number a key, and a bounded number of keys.

    Only a limit by header can have many keys. One whose bucket is full again is worth nothing and
    is forgotten: each call looks at the oldest. Where there is no room, a new key gets no token: to
    forget one that is in use would let its owner have a second burst.

    With *used_at* all but one of each bucket's burst was used up then, as far as anybody knows.
    """

    def __init__(self, max_keys: int = MAX_KEYS, *, used_at: float | None = None) -> None:
        self._max_keys = max_keys
        self._used_at = used_at
        # Those not looked at for longest come first. Ordered for its O(1) ends.
        self._tats: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tats)

    async def take(self, asks: tuple[Ask, ...], now: float) -> Taken | NotYet:
        """Take one token of each bucket, or of none. It awaits nothing, hence it is atomic."""
        tats = self._tats
        found = [tats.get(ask.key, now) for ask in asks]
        if self._used_at is not None:
            found = [tats.get(ask.key, used_up(self._used_at, ask)) for ask in asks]
        taken = take(found, asks, now)
        if not isinstance(taken, list):
            return await self.take(asks, now) if self._shorten(asks, now) else taken
        if len(tats) + len(asks) > self._max_keys and not self._has_room(asks, now):
            return NotYet(tuple([0.0 if ask.key in tats else _NO_ROOM_RETRY_S for ask in asks]))
        for ask, tat in zip(asks, taken):  # noqa: B905 - as in `decide`
            tats[ask.key] = tat
        if len(tats) > _FEW:
            self._look_at_oldest(now)
        return Taken(taken)

    async def give_back(self, asks: tuple[Ask, ...], now: float) -> None:
        """Put back what was taken for a call that never went out."""
        for ask in asks:
            tat = self._tats.get(ask.key, now)
            if tat > now:
                self._tats[ask.key] = tat - ask.interval_s

    def _shorten(self, asks: tuple[Ask, ...], now: float) -> bool:
        """Have no bucket emptier than empty, as a reload may make it that widens a limit."""
        emptiest = {ask.key: now + ask.burst * ask.interval_s for ask in asks}
        emptier = [key for key, tat in emptiest.items() if self._tats.get(key, 0.0) > tat]
        for key in emptier:
            self._tats[key] = emptiest[key]
        return bool(emptier)

    def _has_room(self, asks: tuple[Ask, ...], now: float) -> bool:
        new = sum(ask.key not in self._tats for ask in asks)
        for _ in range(_LOOKED_AT):
            if len(self._tats) + new <= self._max_keys:
                break
            self._look_at_oldest(now)
        return len(self._tats) + new <= self._max_keys

    def _look_at_oldest(self, now: float) -> None:
        """Forget the key not looked at for longest, or put it to the end of the line."""
        oldest, tat = self._tats.popitem(last=False)
        if tat > now:
            self._tats[oldest] = tat
