"""What `paysluice check` warns of: settings that work, and that are seldom meant."""

import re
from collections.abc import Callable, Collection, Iterator
from typing import Final

from .address import Address, is_loopback
from .fault import Fault, Loc, in_order
from .models import Settings
from .provider import ProviderSettings

_SECRET_NAME: Final = re.compile(r"(?i)auth|key|token|secret|cookie|password|signature|credential")
_LITERAL: Final = "holds a secret in plain text: write ${env:NAME} or ${file:/path}"


def warnings(
    settings: Settings, keyless: Collection[str] = (), shapeless: Collection[str] = ()
) -> tuple[Fault, ...]:
    """Give what is unwise in *settings*.

    For the providers *keyless* nothing places a key; the profile of those *shapeless* does not
    say how an error looks in their own shape.
    """
    found: list[tuple[Loc, str]] = list(_whole(settings))
    for name, provider in settings.providers.items():
        for each in _CHECKS:
            found += [(("providers", name, *loc), text) for loc, text in each(provider)]
        if provider.timeouts.attempt > settings.drain.timeout:
            found.append(
                (
                    ("drain", "timeout"),
                    f"is shorter than an attempt of {name}: its payments may be cut off at the end",
                )
            )
        if name in shapeless and provider.errors.mode == "native":
            text = "the profile has no `native_errors`: errors come as the envelope"
            found.append((("providers", name, "errors", "mode"), text))
        if name in keyless:
            found += [(("providers", name, *loc), text) for loc, text in _keyless(provider)]
    return in_order(settings.origins.fault(loc, text) for loc, text in found)


def _whole(settings: Settings) -> Iterator[tuple[Loc, str]]:
    places: list[tuple[Loc, Address]] = [(("listen",), each) for each in settings.listen]
    places += [
        (("providers", name, "listen"), provider.listen)
        for name, provider in settings.providers.items()
        if provider.listen is not None
    ]
    for loc, address in places:
        if not address.is_local:
            yield loc, "can be reached from outside this machine, by whoever can"
    for loc, secret in (
        (("admin_token",), settings.admin_token),
        (("stores", "ledger_key"), settings.stores.ledger_key),
    ):
        if secret is not None and secret.is_literal:
            yield loc, _LITERAL


def _plain_secrets(provider: ProviderSettings) -> Iterator[tuple[Loc, str]]:
    for header, value in provider.headers.items():
        if value.is_literal and _SECRET_NAME.search(header):
            yield ("headers", header), _LITERAL
    for loc, secret in (
        (("outcomes", "credential"), provider.outcomes.credential),
        (("webhook", "secret"), provider.webhook.secret),
    ):
        if secret is not None and secret.is_literal:
            yield loc, _LITERAL


def _plain_proxy_password(provider: ProviderSettings) -> Iterator[tuple[Loc, str]]:
    egress = provider.egress_proxy
    if egress is not None and egress.is_literal and egress.authorization(0.0) is not None:
        yield ("egress_proxy",), _LITERAL


def _open_wire(provider: ProviderSettings) -> Iterator[tuple[Loc, str]]:
    url = provider.base_url
    if url.scheme == "http" and not is_loopback(url.host):
        yield ("base_url",), "payments and secrets cross the network in plain text"
    if not provider.tls.verify:
        yield ("tls", "verify"), "anyone on the way can pose as the provider"


def _no_keys(provider: ProviderSettings) -> Iterator[tuple[Loc, str]]:
    keys = provider.idempotency
    if keys.mode != "off":
        return
    if keys.generate:
        yield ("idempotency", "generate"), "does nothing while `mode` is off"
    if keys.trusted:
        yield ("idempotency", "trusted"), "does nothing while `mode` is off"


def _keyless(provider: ProviderSettings) -> Iterator[tuple[Loc, str]]:
    """Speak of a provider for which neither its profile nor the operator places a key."""
    keys = provider.idempotency
    if keys.mode == "off":
        return
    yield (
        ("idempotency",),
        "keys make no repeat safe: neither profile nor `header` nor `trusted` has one read",
    )
    if keys.generate:
        yield ("idempotency", "generate"), "does nothing where no key is honoured"


_CHECKS: Final[tuple[Callable[[ProviderSettings], Iterator[tuple[Loc, str]]], ...]] = (
    _plain_secrets,
    _plain_proxy_password,
    _open_wire,
    _no_keys,
)
