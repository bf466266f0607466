"""All that is unwise in a config, in the order of the file."""

from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Final

from proxy.providers import Profile
from proxy.settings.fault import Fault, in_order
from proxy.settings.models import Settings
from proxy.settings.provider import ProviderSettings

from . import process, profile, provider
from .finding import Finding, Found, Rule

_OF_PROCESS: Final[tuple[Callable[[Settings], Found], ...]] = (
    process.open_addresses,
    process.plain_secrets,
    process.short_drain,
    process.one_sidecar,
    process.limits_apart,
    process.webhooks_in_memory,
    process.ways_back,
    process.many_series,
)
_OF_PROVIDER: Final[tuple[Callable[[ProviderSettings], Found], ...]] = (
    provider.plain_secrets,
    provider.open_wire,
    provider.no_time,
    provider.keys_off,
)
_OF_PROFILE: Final[tuple[Callable[[ProviderSettings, Profile], Found], ...]] = (
    profile.unread_keys,
    profile.vouched_keys,
    profile.short_lives,
    profile.vouched_effects,
    profile.retry_layers,
    profile.unnative_errors,
)


def warnings(
    settings: Settings, profiles: Mapping[str, Profile] = MappingProxyType({})
) -> tuple[Finding, ...]:
    """Give what is unwise in *settings*, with the *profiles* of its providers by their name."""
    found = [each for look in _OF_PROCESS for each in look(settings)]
    for name, given in settings.providers.items():
        told = [each for look in _OF_PROVIDER for each in look(given)]
        if (known := profiles.get(name)) is not None:
            told += [each for look in _OF_PROFILE for each in look(given, known)]
        is_guarded = given.idempotency.mode == "auto" and not settings.stores.ledger.is_memory
        found += [
            (rule, ("providers", name, *loc), text)
            for rule, loc, text in told
            # Where nobody reads a key our own ledger lets each through once.
            if not (is_guarded and rule is Rule.NO_KEY and loc == ("idempotency",))
        ]
    return _in_order(
        (rule, settings.origins.fault(loc, text))
        for rule, loc, text in found
        # What a variable of the environment holds is as `${env:…}` would have it.
        if rule is not Rule.PLAIN_SECRET or loc not in settings.origins.variables
    )


def _in_order(found: Iterable[tuple[Rule, Fault]]) -> tuple[Finding, ...]:
    rules = {fault: rule for rule, fault in found}
    return tuple(Finding(rules[fault], fault) for fault in in_order(rules))
