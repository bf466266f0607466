"""What `paysluice check` warns of: settings that work, and are seldom meant (docs/checks.md)."""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final, TypeAlias

from proxy.ledger import key_rule
from proxy.providers import Profile

from .address import Address, is_loopback
from .fault import Fault, Loc, in_order
from .models import Settings
from .provider import ProviderSettings

_SECRET_NAME: Final = re.compile(r"(?i)auth|key|token|secret|cookie|password|signature|credential")
_LITERAL: Final = "holds a secret in plain text: write ${env:NAME} or ${file:/path}"
# Each route makes some 40 series for each method and error that it meets (docs/metrics.md).
MAX_ROUTES: Final = 200


class Rule(StrEnum):
    """What is warned of. The word stands behind each finding, and for a section of the page."""

    OPEN_ADDRESS = "open-address"
    PLAIN_SECRET = "plain-secret"  # noqa: S105 - the name of a rule
    PLAINTEXT_UPSTREAM = "plaintext-upstream"
    UNVERIFIED_UPSTREAM = "unverified-upstream"
    SHORT_DRAIN = "short-drain"
    ATTEMPT_TAKES_ALL = "attempt-takes-all"
    NO_KEY = "no-key"
    KEY_ON_YOUR_WORD = "key-on-your-word"
    KEY_FORGOTTEN_EARLY = "key-forgotten-early"
    NO_EFFECT = "no-effect"
    NO_NATIVE_ERRORS = "no-native-errors"
    TWO_RETRY_LAYERS = "two-retry-layers"
    MANY_SERIES = "many-series"


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is unwise, where it stands, and the rule that says so."""

    rule: Rule
    fault: Fault

    def __str__(self) -> str:
        return f"{self.fault} [{self.rule}]"


_Found: TypeAlias = Iterator[tuple[Rule, Loc, str]]


def warnings(
    settings: Settings, profiles: Mapping[str, Profile] = MappingProxyType({})
) -> tuple[Finding, ...]:
    """Give what is unwise in *settings*, with the *profiles* of its providers by their name."""
    found = list(_whole(settings))
    for name, provider in settings.providers.items():
        place = ("providers", name)
        for check in _OF_SETTINGS:
            found += [(rule, (*place, *loc), text) for rule, loc, text in check(provider)]
        for judge in _OF_PROFILE if name in profiles else ():
            told = judge(provider, profiles[name])
            found += [(rule, (*place, *loc), text) for rule, loc, text in told]
    return _in_order((rule, settings.origins.fault(loc, text)) for rule, loc, text in found)


def _in_order(found: Iterable[tuple[Rule, Fault]]) -> tuple[Finding, ...]:
    rules = {fault: rule for rule, fault in found}
    return tuple(Finding(rules[fault], fault) for fault in in_order(rules))


# --- of the whole


def _whole(settings: Settings) -> _Found:
    places: list[tuple[Loc, Address]] = [(("listen",), each) for each in settings.listen]
    places += [
        (("providers", name, "listen"), provider.listen)
        for name, provider in settings.providers.items()
        if provider.listen is not None
    ]
    for loc, address in places:
        if not address.is_local:
            text = "can be reached from outside this machine, by whoever can"
            yield Rule.OPEN_ADDRESS, loc, text
    for loc, secret in (
        (("admin_token",), settings.admin_token),
        (("stores", "ledger_key"), settings.stores.ledger_key),
    ):
        if secret is not None and secret.is_literal:
            yield Rule.PLAIN_SECRET, loc, _LITERAL
    for name, provider in settings.providers.items():
        if provider.timeouts.attempt > settings.drain.timeout:
            text = f"is shorter than an attempt of {name}: its payments may be cut off at the end"
            yield Rule.SHORT_DRAIN, ("drain", "timeout"), text


# --- of a provider, by its settings alone


def _plain_secrets(provider: ProviderSettings) -> _Found:
    for header, value in provider.headers.items():
        if value.is_literal and _SECRET_NAME.search(header):
            yield Rule.PLAIN_SECRET, ("headers", header), _LITERAL
    for loc, secret in (
        (("outcomes", "credential"), provider.outcomes.credential),
        (("webhook", "secret"), provider.webhook.secret),
    ):
        if secret is not None and secret.is_literal:
            yield Rule.PLAIN_SECRET, loc, _LITERAL
    egress = provider.egress_proxy
    if egress is not None and egress.is_literal and egress.authorization(0.0) is not None:
        yield Rule.PLAIN_SECRET, ("egress_proxy",), _LITERAL


def _open_wire(provider: ProviderSettings) -> _Found:
    url = provider.base_url
    if url.scheme == "http" and not is_loopback(url.host):
        text = "payments and secrets cross the network in plain text"
        yield Rule.PLAINTEXT_UPSTREAM, ("base_url",), text
    if not provider.tls.verify:
        text = "anyone on the way can pose as the provider"
        yield Rule.UNVERIFIED_UPSTREAM, ("tls", "verify"), text


def _no_time(provider: ProviderSettings) -> _Found:
    timeouts = provider.timeouts
    if provider.retry.max_attempts > 1 and timeouts.attempt >= timeouts.total:
        text = "leaves no time for another attempt: one that times out has used all of `total`"
        yield Rule.ATTEMPT_TAKES_ALL, ("timeouts", "attempt"), text


def _keys_off(provider: ProviderSettings) -> _Found:
    keys = provider.idempotency
    for member, is_set in (("generate", keys.generate), ("trusted", keys.trusted)):
        if keys.mode == "off" and is_set:
            text = "does nothing while `mode` is off"
            yield Rule.NO_EFFECT, ("idempotency", member), text


def _many_routes(provider: ProviderSettings) -> _Found:
    if len(provider.routes) > MAX_ROUTES:
        text = (
            f"makes more than {MAX_ROUTES} values of the label `route`: one pattern with {{id}} "
            "stands for all paths of an operation"
        )
        yield Rule.MANY_SERIES, ("routes",), text


# --- of a provider, beside what its profile knows


def _keys(provider: ProviderSettings, profile: Profile) -> _Found:
    keys = provider.idempotency
    if keys.mode == "off":
        return
    claims = profile.idempotency
    if not claims and key_rule(keys, profile, operation="", method="POST") is None:
        text = "keys make no repeat safe: neither profile nor `header` nor `trusted` has one read"
        yield Rule.NO_KEY, ("idempotency",), text
        if keys.generate:
            text = "does nothing where no key is honoured"
            yield Rule.NO_EFFECT, ("idempotency", "generate"), text
    if keys.trusted and not any(claim.is_documented for claim in claims):
        text = (
            "repeats of payments rest on your word alone: the profile has no documented claim "
            "that the provider knows keys"
        )
        yield Rule.KEY_ON_YOUR_WORD, ("idempotency", "trusted"), text


def _key_life(provider: ProviderSettings, profile: Profile) -> _Found:
    keys = provider.idempotency
    lives = [claim.ttl for claim in profile.idempotency if claim.ttl is not None]
    if keys.provider_key_ttl is not None:
        lives.append(keys.provider_key_ttl)
    if keys.mode != "off" and lives and min(lives) < provider.timeouts.total:
        text = "keys are forgotten before `timeouts.total` is over: no repeat is made after that"
        yield Rule.KEY_FORGOTTEN_EARLY, ("idempotency", "provider_key_ttl"), text


def _sdk(provider: ProviderSettings, profile: Profile) -> _Found:
    if provider.errors.mode != "native":
        return
    if profile.native_errors is None:
        text = "the profile has no `native_errors`: errors come as the envelope"
        yield Rule.NO_NATIVE_ERRORS, ("errors", "mode"), text
    elif profile.stop is None and provider.retry.max_attempts > 1:
        text = (
            "an SDK that repeats by itself repeats on top of us, and this provider's has no "
            "field that stops it: turn its own repeats off"
        )
        yield Rule.TWO_RETRY_LAYERS, ("errors", "mode"), text


_OF_SETTINGS: Final[tuple[Callable[[ProviderSettings], _Found], ...]] = (
    _plain_secrets,
    _open_wire,
    _no_time,
    _keys_off,
    _many_routes,
)
_OF_PROFILE: Final[tuple[Callable[[ProviderSettings, Profile], _Found], ...]] = (
    _keys,
    _key_life,
    _sdk,
)
