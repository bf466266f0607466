"""Everything long-lived that one provider needs, built once and closed once."""

from collections.abc import Callable, Iterator

from proxy.attempt import Attempt, Connector, Origin, Pool, RequestHead, Tunnel, tls_context
from proxy.breaker import BreakerPolicy
from proxy.classify import Classifier
from proxy.limit import LimitPolicy, LimitStore, Priority, RateLimitNames
from proxy.listener import Destination
from proxy.pipeline import build
from proxy.providers import Profile
from proxy.retry import RetryPolicy, refused
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
    RouteEffect,
    Sample,
    TunnelRefused,
    compose,
)

from .hiding import secrets_of
from .kept import Kept
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
        kept: Kept | None = None,
        *,
        is_draining: Callable[[], bool],
    ) -> None:
        self.name = name
        self.settings = settings
        self.profile = profile
        self.classifier = Classifier(profile)
        self._clock = clock
        self._keys = Keys(name, settings, profile, ledger, stores, clock)
        self.kept = Kept(settings, store, clock, emit) if kept is None else kept
        self._budget, self._breakers = self.kept.budget, self.kept.breakers
        self.pause, self._observe = self.kept.pause, self.kept.observe
        self._limit = LimitPolicy(
            name,
            settings.account,
            settings.rate_limits,
            {route.name: Priority[route.priority.upper()] for route in settings.routes},
            self.kept.room,
            self.pause,
            clock,
            emit,
            _rate_limit_fields(profile),
            self.kept.learned,
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
            new_id,
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
            is_paused=self.pause.stops,
            arrivals=self.kept.arrivals,
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
        for limit, lengths in self._limit.waiting().items():
            for priority, length in lengths.items():
                yield Sample("paysluice_queue_length", (name, limit, priority), float(length))

    def secrets(self) -> frozenset[str]:
        """Give what the operator has set to be known to nobody but the provider."""
        settings, now = self.settings, self._clock.monotonic()
        given = (*settings.headers.values(), settings.webhook.secret, settings.outcomes.credential)
        return secrets_of(each.reveal(now) for each in given if each is not None)

    def status(self) -> dict[str, object]:
        """Give what an operator is shown of this provider."""
        now = self._clock.monotonic()
        waiting, learned = self._limit.waiting(), self._limit.learned()
        return {
            "profile": self.profile.name,
            "base_url": str(self.settings.base_url),
            "paused": self.pause.held,
            "breaker": {label: state.name.lower() for label, state in self._breakers.states(now)},
            "retry_budget_remaining": self._budget.remaining(now),
            "in_flight": self._observe.in_flight,
            "limits": {
                limit: {
                    "fill": round(fill, 4),
                    "queue": waiting[limit],
                    **learned.get(limit, {}),
                }
                for limit, fill in self._limit.fill().items()
            },
            "connections": {"idle": self._pool.idle, "busy": self._pool.busy},
        }

    @property
    def is_paying(self) -> bool:
        """Whether a payment is under way, or its body still on the way here."""
        return self._observe.paying > 0 or self.kept.arrivals.paying > 0

    def close(self) -> None:
        """Close what is idle; what is under way closes as it ends."""
        self._pool.close()

    def _stop(self) -> Header | None:
        stop = self.profile.stop
        return None if stop is None else (stop.header.encode("ascii"), stop.value.encode("ascii"))

    def _peek(self, matched: Matched) -> Refused | None:
        denied = self._breakers.of(matched.route).peek(
            self._clock.monotonic(), is_safe=matched.effect is RouteEffect.READ
        )
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


def _rate_limit_fields(profile: Profile) -> RateLimitNames | None:
    said = profile.rate_limit
    if said is None:
        return None
    limit, remaining, reset = (
        name.lower().encode("ascii") if name is not None else None
        for name in (said.limit, said.remaining, said.reset)
    )
    return RateLimitNames(limit, remaining or b"", reset, said.reset_as)


def configured_headers(settings: ProviderSettings, clock: Clock) -> Callable[[], Headers]:
    """Give the fields that the config sets on every request, secrets as they are now.

    The very same tuple comes back until a secret changes.
    """
    fields = [(name.encode("ascii"), text) for name, text in settings.headers.items()]
    kept: Headers = ()

    def current() -> Headers:
        nonlocal kept
        if not fields:
            return kept
        now = clock.monotonic()
        fresh = tuple((name, text.reveal(now).encode("ascii")) for name, text in fields)
        if fresh != kept:
            kept = fresh
        return kept

    return current
