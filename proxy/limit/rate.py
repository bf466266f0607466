"""One configured rate limit: whom it covers, and what its tokens are called."""

import math
from collections.abc import Mapping
from functools import lru_cache
from hashlib import blake2s
from types import MappingProxyType
from typing import Final

from proxy.terms import Call, Quota
from proxy.terms.http import first

from .decide import Ask
from .learn import Hold, Spread
from .learned import Learned
from .settings import RateLimitSettings

_HEADER: Final = "header:"
_LATEST: Final = 1024  # values of a header whose bucket is known without hashing
_BREADTH: Final[Mapping[str, int]] = MappingProxyType({"route": 1, "provider": 2})


class RateLimit:
    """One limit of one provider; the tokens are in the store."""

    def __init__(self, account: str, settings: RateLimitSettings, learned: Learned) -> None:
        self.settings = settings
        self.name = settings.name
        self.max_wait_s = settings.max_wait
        self.max_queue = settings.max_queue
        self.full_at = 0.0  # in monotonic seconds: when the fullest of its buckets is full again
        self.learned = learned
        self._interval_s = settings.rate.period_s / settings.rate.count
        # Read from the right: neither name has a colon.
        self._prefix = f"{account}:{settings.name}:"
        self.is_by_header = settings.per.startswith(_HEADER)
        self._is_by_route = settings.per == "route"
        self._header = settings.per.removeprefix(_HEADER).lower().encode()
        self._of_value = lru_cache(_LATEST)(self._hashed)

    @property
    def breadth(self) -> int:
        """How much the limit covers: the narrowest is named first where several refuse."""
        return _BREADTH.get(self.settings.per, 0)

    def covers(self, route: str) -> bool:
        """Say whether calls to *route* need a token of this limit."""
        return not self.settings.routes or route in self.settings.routes

    def ask_of_route(self, route: str) -> Ask:
        """Give what every call to *route* needs of a limit that is not by header."""
        return self._ask(route if self._is_by_route else "")

    def ask(self, call: Call) -> Ask:
        """Give what *call* needs of a limit by header.

        The value may be a credential or a person's number: buckets go by its digest, and only the
        latest values stay in memory. The first field counts. Calls without the header share one
        bucket, so leaving it out is no way round the limit.
        """
        return self._of_value(first(call.headers, self._header) or b"")

    def narrow(self, ask: Ask, learnt: Hold | Spread, now: float) -> None:
        """Go by what a provider said of a bucket, where it is narrower than what is configured."""
        until = now + learnt.seconds
        if isinstance(learnt, Hold):
            self.learned.hold(ask.key, until)
        elif learnt.interval_s > self._interval_s:
            self.learned.spread(ask.key, learnt.interval_s, now, until)

    def quota(self, reset_s: float) -> Quota:
        """Give what a caller is told who finds no room; *reset_s* is when there is."""
        per_second = self.settings.rate.per_second
        window_s = math.ceil(self.settings.rate.period_s)
        if per_second * window_s < 1:
            window_s = math.ceil(1 / per_second)
        count = max(1, int(per_second * window_s))
        return Quota(self.name, count, window_s, math.ceil(reset_s))

    def fill(self, now: float) -> float:
        """Give how much of the burst is used up: 1 where the next has to wait.

        Of a limit by route or by header it is the fullest of its buckets, as far as this sidecar
        knows: it took the tokens itself.
        """
        return max(0.0, self.full_at - now) / (self.settings.burst * self._interval_s)

    def _hashed(self, value: bytes) -> Ask:
        return self._ask(blake2s(value, digest_size=16).hexdigest())

    def _ask(self, part: str) -> Ask:
        return Ask(self._prefix + part, self._interval_s, self.settings.burst)
