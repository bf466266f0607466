"""One configured rate limit: whom it covers, what its tokens are called, who waits for them."""

from collections.abc import Mapping
from hashlib import blake2s
from types import MappingProxyType
from typing import Final

from proxy.terms import Call
from proxy.terms.http import every

from .settings import RateLimitSettings
from .store import LimitStore, NoToken, Taken

_HEADER: Final = "header:"
_BREADTH: Final[Mapping[str, int]] = MappingProxyType({"route": 1, "provider": 2})


class RateLimit:
    """One limit of one provider. It counts its own waiters; the tokens are in the store."""

    def __init__(self, account: str, settings: RateLimitSettings, store: LimitStore) -> None:
        self._settings = settings
        self._store = store
        self._prefix = (
            f"{account}:{settings.name}:"  # read from the right: neither name has a colon
        )
        self._header = settings.per.removeprefix(_HEADER).lower().encode()
        self._full_at = 0.0
        self.waiting = 0

    @property
    def name(self) -> str:
        """The configured name."""
        return self._settings.name

    @property
    def breadth(self) -> int:
        """How much the limit covers: the narrowest is asked first."""
        return _BREADTH.get(self._settings.per, 0)

    def covers(self, route: str) -> bool:
        """Say whether calls to *route* need a token of this limit."""
        return not self._settings.routes or route in self._settings.routes

    def fill(self, now: float) -> float:
        """Give how much of the burst is used up: 1 and over where calls wait for tokens.

        Of a limit by route or by header it is the fullest of its buckets, as far as this sidecar
        knows: it took the tokens itself.
        """
        burst_s = self._settings.burst / self._settings.rate.per_second
        return max(0.0, self._full_at - now) / burst_s

    async def take(self, call: Call, *, now: float, patience_s: float) -> Taken | NoToken:
        """Take a token for *call*, that can wait for *patience_s* at most."""
        is_full = self.waiting >= self._settings.max_queue
        taken = await self._store.take(
            self._key_of(call),
            rate=self._settings.rate,
            burst=self._settings.burst,
            max_wait_s=0.0 if is_full else min(self._settings.max_wait, patience_s),
            now=now,
        )
        if isinstance(taken, Taken):
            self._full_at = max(self._full_at, now + taken.full_in_s)
        return taken

    def _key_of(self, call: Call) -> str:
        return self._prefix + self._part_of(call)

    def _part_of(self, call: Call) -> str:
        if self._settings.per == "provider":
            return ""
        if self._settings.per == "route":
            return call.route
        # The value may be a credential or a person's number: only its digest is kept. Calls without
        # the header share one bucket, so leaving it out is no way round the limit.
        value = b",".join(every(call.headers, self._header))
        return blake2s(value, digest_size=16).hexdigest()
