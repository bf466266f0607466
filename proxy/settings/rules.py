"""What must hold between settings. Each rule gives every place where it does not."""

import os
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Final, TypeAlias
from urllib.parse import urlsplit

from proxy.ledger.fingerprint import parse_ignored

from .address import Address, is_loopback
from .fault import Fault, Loc, in_order
from .models import Settings
from .provider import ProviderSettings
from .shared import limits_faults

_LEDGERS: Final = frozenset({"memory", "sqlite", "postgresql", "postgres"})
_UNREADABLE: Final = "is no file that can be read"

Found: TypeAlias = Iterator[tuple[Loc, str]]


def _admin_needs_token(settings: Settings) -> Found:
    if not settings.admin.is_local and settings.admin_token is None:
        yield (
            ("admin_token",),
            "is required: `admin` can be reached from outside this machine",
        )


def _addresses_are_distinct(settings: Settings) -> Found:
    places: list[tuple[Loc, Address]] = [(("listen",), each) for each in settings.listen]
    places.append((("admin",), settings.admin))
    if settings.webhooks is not None:
        places.append((("webhooks",), settings.webhooks))
    places += [
        (("providers", name, "listen"), provider.listen)
        for name, provider in settings.providers.items()
        if provider.listen is not None
    ]
    seen: set[Address] = set()
    for loc, address in places:
        if address in seen and (address.path or address.port):
            yield loc, "the same address is listened on already"
        seen.add(address)


def _mounts_are_distinct(settings: Settings) -> Found:
    mounts = [(name, provider.mount) for name, provider in settings.providers.items()]
    for number, (name, mount) in enumerate(mounts):
        loc = ("providers", name, "mount")
        if mount.startswith("/_paysluice/"):  # the provider's name may have given it
            yield loc, "/_paysluice/ is Paysluice's own"
        if mount == "/" and len(mounts) > 1:
            yield loc, "`/` is for where there is one provider"
            continue
        for other, taken in mounts[:number]:
            if taken != "/" and (mount.startswith(taken) or taken.startswith(mount)):
                yield loc, f"collides with the mount of {other}"


def _times_are_in_order(name: str, provider: ProviderSettings) -> Found:
    here = ("providers", name)
    if provider.timeouts.attempt > provider.timeouts.total:
        yield (*here, "timeouts", "attempt"), "must not be longer than `total`"
    if provider.retry.backoff.base > provider.retry.backoff.cap:
        yield (*here, "retry", "backoff", "base"), "must not be longer than `cap`"
    if provider.connections.idle > provider.connections.age:
        yield (*here, "connections", "idle"), "must not be longer than `age`"


def _plaintext_is_meant(name: str, provider: ProviderSettings) -> Found:
    url = provider.base_url
    if url.scheme == "http" and not is_loopback(url.host) and not provider.allow_plaintext:
        yield (
            ("providers", name, "base_url"),
            "plain http is for loopback only; set `allow_plaintext: true` if it must be",
        )


def _own_tls_files_can_be_read(settings: Settings) -> Found:
    own = settings.listen_tls
    for field, path in () if own is None else (("cert", own.cert), ("key", own.key)):
        if not _is_readable(path):
            yield ("listen_tls", field), _UNREADABLE


def _tls_files_can_be_read(name: str, provider: ProviderSettings) -> Found:
    here = ("providers", name, "tls")
    tls = provider.tls
    if (tls.cert is None) != (tls.key is None):
        missing, there = ("cert", "key") if tls.cert is None else ("key", "cert")
        yield (*here, missing), f"is required where `{there}` is set"
    for field, path in (("ca", tls.ca), ("cert", tls.cert), ("key", tls.key)):
        if path is not None and not _is_readable(path):
            yield (*here, field), _UNREADABLE


def _ledger_can_guard(settings: Settings) -> Found:
    store = settings.stores.ledger
    if store.scheme not in _LEDGERS:
        yield ("stores", "ledger"), "a ledger is memory, sqlite:/path or postgresql://…"
    for name, provider in settings.providers.items():
        here = ("providers", name)
        is_emulated = provider.idempotency.mode == "emulate"
        if is_emulated and store.is_memory and not provider.base_url.is_simulator:
            yield (
                (*here, "idempotency", "mode"),
                "`emulate` needs a ledger that outlives the process: set `stores.ledger`",
            )
        if is_emulated and provider.store_failure.ledger == "proceed":
            yield (
                (*here, "store_failure", "ledger"),
                "`proceed` is for `forward`: `emulate` sends nothing that it cannot write down",
            )


def _limits_can_be_shared(settings: Settings) -> Found:
    for fault in limits_faults(settings.stores.limits):
        yield ("stores", "limits"), fault


def _webhooks_can_come(settings: Settings) -> Found:
    if settings.webhooks is not None and settings.webhooks.path:
        yield ("webhooks",), "webhooks come from elsewhere: HOST:PORT"
    for name, provider in settings.providers.items():
        if provider.webhook.secret is not None and settings.webhooks is None:
            yield ("providers", name, "webhook", "secret"), "nothing comes in: set `webhooks` too"


def _ignored_members_are_harmless(name: str, provider: ProviderSettings) -> Found:
    for number, path in enumerate(provider.idempotency.ignore_members):
        try:
            parse_ignored((path,))
        except ValueError as error:
            yield ("providers", name, "idempotency", "ignore_members", number), str(error)


def _is_readable(path: str) -> bool:
    return "\0" not in path and Path(path).is_file() and os.access(path, os.R_OK)


def _names_are_unique(name: str, provider: ProviderSettings) -> Found:
    here = ("providers", name)
    limits = [limit.name for limit in provider.rate_limits]
    routes = [route.name for route in provider.routes]
    for field, names in (("rate_limits", limits), ("routes", routes)):
        for number, each in enumerate(names):
            if each in names[:number]:
                yield (*here, field, number, "name"), f"{each} is there twice"
    matches = [_shape(route.match) for route in provider.routes]
    for number, match in enumerate(matches):
        if match in matches[:number]:
            first = routes[matches.index(match)]
            yield (*here, "routes", number, "match"), f"the route {first} matches the same"


def _spans_can_be_sent(settings: Settings) -> Found:
    collector = settings.tracing.otlp
    if collector is None:
        return
    url = urlsplit(collector)
    if url.scheme not in {"http", "https"} or not url.hostname or url.path not in {"", "/"}:
        yield ("tracing", "otlp"), "is an address such as http://collector:4318"
    elif find_spec("opentelemetry") is None:
        yield ("tracing", "otlp"), "needs OpenTelemetry: pip install 'paysluice[otel]'"


def _shape(match: str) -> str:
    """Give *match* without the names of its parameters."""
    return "/".join("{}" if "{" in part else part for part in match.split("/"))


_RULES: Final[tuple[Callable[[Settings], Found], ...]] = (
    _admin_needs_token,
    _addresses_are_distinct,
    _mounts_are_distinct,
    _own_tls_files_can_be_read,
    _ledger_can_guard,
    _limits_can_be_shared,
    _webhooks_can_come,
    _spans_can_be_sent,
)
_PROVIDER_RULES: Final[tuple[Callable[[str, ProviderSettings], Found], ...]] = (
    _times_are_in_order,
    _plaintext_is_meant,
    _tls_files_can_be_read,
    _names_are_unique,
    _ignored_members_are_harmless,
)


def broken(settings: Settings) -> Found:
    """Give everything that does not fit together."""
    for rule in _RULES:
        yield from rule(settings)
    for name, provider in settings.providers.items():
        for each in _PROVIDER_RULES:
            yield from each(name, provider)


def check_routes(
    settings: Settings, known: Mapping[str, Collection[str]] | None = None
) -> tuple[Fault, ...]:
    """Give the rate limits that name a route nobody knows.

    *known* holds the routes of each provider's profile, by provider; the configured ones are added.
    """
    return in_order(_unknown_routes(settings, known or {}))


def _unknown_routes(settings: Settings, known: Mapping[str, Collection[str]]) -> Iterable[Fault]:
    for name, provider in settings.providers.items():
        there = {route.name for route in provider.routes} | set(known.get(name, ()))
        for number, limit in enumerate(provider.rate_limits):
            for place, route in enumerate(limit.routes):
                if route not in there:
                    yield settings.origins.fault(
                        ("providers", name, "rate_limits", number, "routes", place),
                        "names a route that neither `routes` nor the profile has",
                    )
