"""Everything long-lived that one provider needs, built once and closed once."""

from collections.abc import Callable, Iterator

from proxy.attempt import Attempt, Connector, Origin, Pool, RequestHead, Tunnel, tls_context
from proxy.breaker import BreakerPolicy, Breakers
from proxy.classify import Classifier
from proxy.limit import InFlight, LimitPolicy, LimitStore
from proxy.listener import Destination
from proxy.observe import ObservePolicy
from proxy.pipeline import build
from proxy.providers import Profile
from proxy.retry import RetryBudget, RetryPolicy, refused
from proxy.route import Matched, ProviderRoutes
from proxy.settings import ProviderSettings, StoreSettings
from proxy.terms import (
    Clock,
    Emit,
    Header,
    Headers,
    NewId,
    Refusal,
    Refused,
    Roll,
    Sample,
    TunnelRefused,
    compose,
)

from .keys import Keys
from .ledger import Ledger
from .profiles import routes_of


class Provider:
    """One provider at work: its connections, its limits, its circuit, its journey."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        profile: Profile,
        origin: Origin,
        store: LimitStore,
        clock: Clock,
        roll: Roll,
        emit: Emit,
        new_id: NewId,
        ledger: Ledger,
        stores: StoreSettings,
        *,
        is_draining: Callable[[], bool],
    ) -> None:
        self.name = name
        self.settings = settings
        self.profile = profile
        self.classifier = Classifier(profile)
        self._clock = clock
        self._keys = Keys(name, settings, profile, ledger, stores, clock)
        self._budget = RetryBudget(settings.retry.budget)
        self._breakers = Breakers(settings.breaker)
        self._in_flight = InFlight(settings.concurrency, clock)
        self._observe = ObservePolicy(clock, emit)
        self._limit = LimitPolicy(
            name, settings.account, settings.rate_limits, self._in_flight, store, clock, emit
        )
        self._pool = Pool(
            name,
            settings.connections,
            Connector(
                origin,
                settings.timeouts,
                tls_context(settings.tls) if origin.is_tls else None,
                clock,
                tunnel_of(name, settings, clock, emit),
            ),
            emit,
            wait_s=settings.timeouts.pool,
        )
        attempt = Attempt(
            self._pool,
            RequestHead(origin.authority, configured_headers(settings, clock)),
            self.classifier,
            settings.timeouts,
            clock,
            emit,
        )
        # They go through the provider's limits, and neither the loop nor the circuit.
        self.look_ups = self._keys.look_ups(compose([self._limit], attempt), new_id)
        self.service = build(
            self._observe,
            self._keys.policy(self.classifier),
            RetryPolicy(settings.retry, self._budget, clock, roll, emit, is_draining),
            BreakerPolicy(self._breakers, clock, emit),
            self._limit,
            attempt,
        )

    def routes(self, mount: str | None = None) -> ProviderRoutes:
        """Give where this provider is mounted, at *mount* or as set, and what is known of it."""
        return routes_of(self.name, self.settings, self.profile, mount or self.settings.mount)

    def destination(self, *, replay_body_bytes: int) -> Destination:
        """Give what the listener must know of this provider."""
        settings = self.settings
        return Destination(
            name=self.name,
            service=self.service,
            errors=settings.errors,
            total_s=settings.timeouts.total,
            replay_body_bytes=replay_body_bytes,
            key_rule=self._keys.rule,
            requires_key=settings.idempotency.require_key,
            generates_key=settings.idempotency.generate,
            stop=self._stop(),
            native_errors=self.profile.native_errors,
            paused=settings.paused,
            peek=self._peek,
        )

    def samples(self) -> Iterator[Sample]:
        """Give the gauges of this provider as they are now."""
        name, now = self.name, self._clock.monotonic()
        for label, state in self._breakers.states(now):
            yield Sample("paysluice_breaker_state", (name, label), float(state))
        yield Sample("paysluice_retry_budget_remaining", (name,), self._budget.remaining(now))
        yield Sample("paysluice_in_flight", (name,), float(self._observe.in_flight))
        yield Sample("paysluice_upstream_connections", (name, "idle"), float(self._pool.idle))
        yield Sample("paysluice_upstream_connections", (name, "busy"), float(self._pool.busy))
        yield Sample("paysluice_keys_near_expiry", (name,), float(self._keys.near_expiry()))
        for limit, fill in self._limit.fill().items():
            yield Sample("paysluice_limit_fill", (name, limit), fill)
        for limit, length in self._limit.queue_length().items():
            yield Sample("paysluice_queue_length", (name, limit, "normal"), float(length))

    def status(self) -> dict[str, object]:
        """Give what an operator is shown of this provider."""
        now = self._clock.monotonic()
        queues = self._limit.queue_length()
        return {
            "profile": self.profile.name,
            "base_url": str(self.settings.base_url),
            "paused": self.settings.paused,
            "breaker": {label: state.name.lower() for label, state in self._breakers.states(now)},
            "retry_budget_remaining": self._budget.remaining(now),
            "in_flight": self._observe.in_flight,
            "limits": {
                limit: {"fill": round(fill, 4), "queue_length": queues[limit]}
                for limit, fill in self._limit.fill().items()
            },
            "connections": {"idle": self._pool.idle, "busy": self._pool.busy},
        }

    def close(self) -> None:
        """Close what is idle; what is under way closes as it ends."""
        self._pool.close()

    def _stop(self) -> Header | None:
        stop = self.profile.stop
        return None if stop is None else (stop.header.encode("ascii"), stop.value.encode("ascii"))

    def _peek(self, matched: Matched) -> Refused | None:
        denied = self._breakers.of(matched.route).peek(self._clock.monotonic())
        if denied is None:
            return None
        return refused(Refusal.CIRCUIT_OPEN, retry_after_s=denied.retry_after_s)


def tunnel_of(name: str, settings: ProviderSettings, clock: Clock, emit: Emit) -> Tunnel | None:
    """Give the proxy that a provider is reached through; the simulated one is reached at once."""
    egress = settings.egress_proxy
    if egress is None or settings.base_url.is_simulator:
        return None
    return Tunnel(
        egress.host,
        egress.port,
        authorization=lambda: egress.authorization(clock.monotonic()),
        on_refused=lambda status: emit(TunnelRefused(name, status)),
    )


def configured_headers(settings: ProviderSettings, clock: Clock) -> Callable[[], Headers]:
    """Give the fields that the config sets on every request, secrets as they are now.

    The very same tuple comes back until a secret changes.
    """
    fields = [(name.encode("ascii"), text) for name, text in settings.headers.items()]
    kept: Headers = ()

    def current() -> Headers:
        nonlocal kept
        now = clock.monotonic()
        fresh = tuple((name, text.reveal(now).encode("ascii")) for name, text in fields)
        if fresh != kept:
            kept = fresh
        return kept

    return current
