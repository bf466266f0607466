"""When the next token comes of each bucket that somebody waits for, as far as it can be told.

What is known of a bucket is what its store said when it was last asked, and what the provider said.
Other sidecars may be quicker: a store that is shared tells when a token comes, not who gets it.
"""

from proxy.terms import Refused

from .decide import Ask, NotYet, Taken, next_at
from .lanes import Lanes
from .learn import Hold, Spread
from .rate import RateLimit
from .wanted import Wanted

INSTANT_S = 1e-6


class Forecast:
    """What is known of the buckets of those who wait in *lanes*."""

    def __init__(self, lanes: Lanes[Wanted]) -> None:
        self.is_narrowed = False  # the provider has said something of a limit, once
        self._lanes = lanes
        self._free_at: dict[str, float] = {}  # of a bucket that somebody waits for: its next token

    def free_at(self, keys: tuple[str, ...]) -> float:
        """Give when there is a token of each bucket."""
        return max([self._free_at.get(key, 0.0) for key in keys], default=0.0)

    def longest(self, wanted: Wanted, now: float) -> float:
        """Note which bucket lets it wait longest; give for how many seconds."""
        longest_s = 0.0
        for limit, ask in zip(wanted.limits, wanted.asks, strict=True):
            wait_s, _ = self.wait_s(wanted, ask, now)
            if wait_s > longest_s:
                longest_s, wanted.blocker, wanted.waits_for = wait_s, ask.key, limit.name
        return longest_s

    def refused_in_vain(self, wanted: Wanted, now: float, left_s: float) -> Refused | None:
        """Refuse one who would wait for tokens in vain; else note when it gives up."""
        longest_s = self.longest(wanted, now)
        is_vain = longest_s > left_s
        for limit, ask in zip(wanted.limits, wanted.asks, strict=True):
            wait_s, ahead = self.wait_s(wanted, ask, now)
            if wait_s > 0:
                is_full = ahead >= limit.max_queue
                is_vain = is_vain or is_full or wait_s > limit.max_wait_s
                wanted.give_up_at = min(wanted.give_up_at, now + limit.max_wait_s)
        return wanted.refused(longest_s) if is_vain and longest_s > 0 else None

    def wait_s(self, wanted: Wanted, ask: Ask, now: float) -> tuple[float, int]:
        """Give how long a newcomer waits for a token, and how many go before it."""
        free_at = self._free_at.get(ask.key, 0.0)
        if free_at <= now:
            return 0.0, 0
        ahead = self._lanes.ahead(ask.key, wanted.priority)
        return free_at - now + ahead * ask.interval_s, ahead

    def is_held(self, limits: tuple[RateLimit, ...], asks: tuple[Ask, ...], now: float) -> bool:
        """Whether the provider has said that it wants none of these now."""
        is_held = False
        for limit, ask in zip(limits, asks, strict=True):
            until = limit.learned.held_until(ask.key, now)
            if until > now + INSTANT_S:
                self._free_at[ask.key] = until
                is_held = True
        return is_held

    def refused(self, asks: tuple[Ask, ...], said: NotYet, now: float) -> None:
        """Note when there will be the tokens that are not there."""
        for ask, seconds in zip(asks, said.waits_s, strict=True):
            self._free_at[ask.key] = now + seconds

    def taken(
        self, limits: tuple[RateLimit, ...], asks: tuple[Ask, ...], said: Taken, now: float
    ) -> None:
        """Note when those who wait, or whom the provider holds back, get their next token."""
        for limit, ask, full_at in zip(limits, asks, said.full_at, strict=True):
            limit.learned.took(ask.key, now)
            if self._lanes.needs(ask.key):
                self._free_at[ask.key] = next_at(full_at, ask)

    def narrow(
        self,
        limits: tuple[RateLimit, ...],
        asks: tuple[Ask, ...],
        learnt: Hold | Spread,
        name: str | None,
        now: float,
    ) -> None:
        """Go by what a provider said: of the limit called *name*, of all where none is."""
        is_named = any(limit.name == name for limit in limits)
        for limit, ask in zip(limits, asks, strict=True):
            if not is_named or limit.name == name:
                limit.narrow(ask, learnt, now)
                self.is_narrowed = True

    def given_back(self, asks: tuple[Ask, ...]) -> None:
        """Forget what was told of buckets into which tokens were put back."""
        for ask in asks:
            self._free_at.pop(ask.key, None)

    def forget(self, wanted: Wanted) -> None:
        """Drop what is known of buckets that nobody waits for any more."""
        for ask in wanted.asks:
            if not self._lanes.needs(ask.key):
                self._free_at.pop(ask.key, None)
