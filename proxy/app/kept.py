"""What of a provider outlives a reload of its settings."""

from proxy.breaker import Breakers
from proxy.limit import Learned, LimitStore, Pause, WaitingRoom
from proxy.listener import Arrivals
from proxy.observe import ObservePolicy
from proxy.retry import RetryBudget
from proxy.settings import ProviderSettings
from proxy.terms import Clock, Emit


class Kept:
    """The state of one provider: its circuit, its budget, who waits, what is paused and learned.

    Tokens and payments are kept by their stores, under names that a reload does not change.
    """

    def __init__(
        self, settings: ProviderSettings, store: LimitStore, clock: Clock, emit: Emit
    ) -> None:
        self.budget = RetryBudget(settings.retry.budget)
        self.breakers = Breakers(settings.breaker)
        self.pause = Pause(settings.paused)
        self.room = WaitingRoom(settings.concurrency, store, clock)
        self.observe = ObservePolicy(clock, emit)
        self.arrivals = Arrivals()
        self.learned: dict[str, Learned] = {}  # by the name of a limit
        self._configured = settings.paused

    def go_by(self, settings: ProviderSettings, store: LimitStore) -> None:
        """Go by other *settings* from now on.

        What an operator has paused stays so, unless the settings now say something else than they
        did.
        """
        self.budget.settings = settings.retry.budget
        self.breakers.reconfigure(settings.breaker)
        self.room.go_by(settings.concurrency, store)
        if settings.paused != self._configured:
            self.pause.held = self._configured = settings.paused
        names = {limit.name for limit in settings.rate_limits}
        self.learned = {name: each for name, each in self.learned.items() if name in names}
