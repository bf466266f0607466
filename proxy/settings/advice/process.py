"""What is unwise of the process, or of its providers taken together."""

import re
from collections.abc import Iterator
from typing import Final

from proxy.settings.address import Address, is_loopback
from proxy.settings.fault import Loc
from proxy.settings.models import Settings

from .finding import Found, Rule
from .provider import LITERAL

_EVERYWHERE: Final = frozenset({"0.0.0.0", "::"})  # noqa: S104 - looked for, not listened on
# The password of a store's URL: where RFC 3986 puts it, or where libpq also takes it.
_PASSWORD: Final = re.compile(r"//[^/@]*:[^/@]+@|[?&]password=[^&]")
# Pairs of provider and route. Each may fill 25 of the 5,000 series that a metric has
# (docs/metrics.md): some methods, statuses and error codes.
MAX_PAIRS: Final = 200


def open_addresses(settings: Settings) -> Found:
    """Give the addresses that others than this machine can reach."""
    for loc, address in _listeners(settings):
        if not address.is_local:
            text = "can be reached from outside this machine: whoever reaches it can pay"
            yield Rule.OPEN_ADDRESS, loc, text


def plain_secrets(settings: Settings) -> Found:
    """Give the secrets that are written out, beside those of the providers."""
    stores = settings.stores
    for loc, secret in (
        (("admin_token",), settings.admin_token),
        (("stores", "ledger_key"), stores.ledger_key),
    ):
        if secret is not None and secret.is_literal:
            yield Rule.PLAIN_SECRET, loc, LITERAL
    for name, store in (("ledger", stores.ledger), ("limits", stores.limits)):
        if store.url.is_literal and _PASSWORD.search(store.url.reveal(0.0)):
            yield Rule.PLAIN_SECRET, ("stores", name), LITERAL


def short_drain(settings: Settings) -> Found:
    """Give each provider of which an attempt may outlive the drain."""
    for name, provider in settings.providers.items():
        if provider.timeouts.attempt > settings.drain.timeout:
            text = f"is shorter than an attempt of {name}: its payments may be cut off at the end"
            yield Rule.SHORT_DRAIN, ("drain", "timeout"), text


def one_sidecar(settings: Settings) -> Found:
    """Say what a ledger in a file asks of whoever runs it, where others reach the process too."""
    stores = settings.stores
    is_one_of_many = not settings.admin.is_local or not stores.limits.is_memory
    if stores.ledger.scheme == "sqlite" and is_one_of_many:
        text = (
            "one sidecar alone can have this file, which it locks: one replica, a volume that "
            "stays, and no update that starts the new one first (Kubernetes: `Recreate`)"
        )
        yield Rule.ONE_SIDECAR, ("stores", "ledger"), text


def limits_apart(settings: Settings) -> Found:
    """Say where sidecars share a ledger, and each has the provider's whole rate."""
    stores = settings.stores
    if (
        stores.limits.is_memory
        and stores.ledger.scheme in {"postgresql", "postgres"}
        and any(provider.rate_limits for provider in settings.providers.values())
    ):
        text = (
            "each sidecar has the whole of every rate limit, and the ledger is one that many "
            "share: together they go beyond what the provider allows"
        )
        yield Rule.LIMITS_APART, ("stores", "limits"), text


def webhooks_in_memory(settings: Settings) -> Found:
    """Give the webhooks that come before the ledger knows of their payments."""
    for name, provider in settings.providers.items():
        if provider.webhook.secret is not None and settings.stores.ledger.is_memory:
            text = (
                "a webhook mostly comes before the time-out that it would settle, and in memory "
                "the payment is not known by then: such a word is lost"
            )
            yield Rule.WEBHOOK_IN_MEMORY, ("providers", name, "webhook"), text


def ways_back(settings: Settings) -> Found:
    """Give the providers that are this very sidecar."""
    own = {
        address.port
        for _, address in _listeners(settings)
        if address.port and (is_loopback(address.host) or address.host in _EVERYWHERE)
    }
    for name, provider in settings.providers.items():
        url = provider.base_url
        if provider.egress_proxy is None and is_loopback(url.host) and url.port in own:
            text = "leads back to this very sidecar: its calls are refused as a loop"
            yield Rule.TWO_RETRY_LAYERS, ("providers", name, "base_url"), text


def many_series(settings: Settings) -> Found:
    """Say where the labels of metrics come to more than a metric has series for."""
    pairs = sum(1 + len(provider.routes) for provider in settings.providers.values())
    if pairs > MAX_PAIRS:
        name, most = max(settings.providers.items(), key=lambda item: len(item[1].routes))
        loc: Loc = ("providers", name, "routes") if most.routes else ("providers",)
        text = (
            f"{pairs} pairs of provider and route are values of labels, and a metric has room for "
            f"some {MAX_PAIRS}: one pattern with {{id}} stands for all paths of an operation"
        )
        yield Rule.MANY_SERIES, loc, text


def _listeners(settings: Settings) -> Iterator[tuple[Loc, Address]]:
    for address in settings.listen:
        yield ("listen",), address
    for name, provider in settings.providers.items():
        if provider.listen is not None:
            yield ("providers", name, "listen"), provider.listen
