"""One who waits: what its call needs, and for how long it waits for that."""

import asyncio

from proxy.terms import Call, Refusal, Refused

from .lanes import Place, Priority
from .rate import RateLimit
from .settings import IN_FLIGHT
from .store import Ask


class Wanted:
    """What one call needs, and how long it waits for it."""

    __slots__ = ("asks", "blocker", "call", "done", "give_up_at", "limits", "place", "priority",
                 "waits_for")  # fmt: skip

    def __init__(
        self,
        call: Call,
        limits: tuple[RateLimit, ...],
        asks: tuple[Ask, ...],
        priority: Priority,
    ) -> None:
        self.call = call
        self.limits = limits
        self.asks = asks  # one of each limit
        self.priority = priority
        self.give_up_at = call.deadline
        self.blocker: str | None = None  # the bucket that lets it wait longest, if one does
        self.waits_for = IN_FLIGHT  # the name of that limit
        self.done: asyncio.Future[Refused | None]
        self.place: Place[Wanted]

    def refused(self, wait_s: float) -> Refused:
        """Say that its token would come in so many seconds, and under which limit."""
        quotas = [limit.quota(wait_s) for limit in self.limits if limit.name == self.waits_for]
        return Refused(
            reason=Refusal.RATE_LIMITED, retry_after_s=wait_s, quota=quotas[0] if quotas else None
        )
