"""The tokens of one sidecar, in its own memory."""

from collections import OrderedDict
from typing import Final

from proxy.limit import NoToken, Taken
from proxy.limit.decide import take
from proxy.terms.units import Rate

MAX_KEYS: Final = 65_536  # about 13 MiB
_LOOKED_AT: Final = 16  # of the oldest keys, to make room for a new one: never a sweep of all
_NO_ROOM_RETRY_S: Final = 1.0


class MemoryLimits:
    """A `LimitStore` for one sidecar: one number a key, and a bounded number of keys.

    Only a limit by header can have many keys. A key whose bucket is full again is worth nothing and
    makes room for a new one; while none is found, a new key gets no token. To forget one that is in
    use would let its owner have a second burst.
    """

    def __init__(self, max_keys: int = MAX_KEYS) -> None:
        self._max_keys = max_keys
        # Those not looked at for longest come first. Ordered for its O(1) ends.
        self._tats: OrderedDict[str, float] = OrderedDict()

    def __len__(self) -> int:
        return len(self._tats)

    async def take(
        self, key: str, *, rate: Rate, burst: int, max_wait_s: float, now: float
    ) -> Taken | NoToken:
        """Take one token of the limit called *key*. It awaits nothing, hence it is atomic."""
        tat = self._tats.get(key)
        if tat is None:
            if not self._has_room(now):
                return NoToken(_NO_ROOM_RETRY_S)
            tat = now
        taken = take(tat, now, rate=rate, burst=burst, max_wait_s=max_wait_s)
        if isinstance(taken, NoToken):
            return taken
        self._tats[key] = taken.tat
        return Taken(taken.wait_s, full_in_s=taken.tat - now)

    def _has_room(self, now: float) -> bool:
        for _ in range(_LOOKED_AT):
            if len(self._tats) < self._max_keys:
                return True
            oldest, tat = self._tats.popitem(last=False)
            if tat > now:
                self._tats[oldest] = tat  # still counting: to the end of the line
        return len(self._tats) < self._max_keys
