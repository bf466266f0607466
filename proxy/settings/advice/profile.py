"""What is unwise of a provider's settings, beside what its profile knows.

Rule 1: what keys are worth is asked of `key_rule`, which decides it for every call: with a setting
        and without it. So a warning is right wherever the pipeline is.
Rule 2: a licence that the profile documents is never warned of; one that only the config gives is.
"""

from collections.abc import Iterator
from typing import Final, TypeAlias

from proxy.ledger import IdempotencySettings, KeyRule, key_rule
from proxy.providers import Profile
from proxy.providers.licence import is_kinder
from proxy.route import Matched, ProviderRoutes, Router, parse_match, parse_rules
from proxy.settings.address import is_loopback
from proxy.settings.provider import ProviderSettings

from .finding import Found, Rule

_KEYLESS: Final = frozenset({"off", "emulate"})  # no key of the provider's is asked for
_MOUNT: Final = b"/x/"
_Worth: TypeAlias = tuple[KeyRule | None, ...]


def unread_keys(provider: ProviderSettings, profile: Profile) -> Found:
    """Say where keys make no repeat safe."""
    keys = provider.idempotency
    if keys.mode in _KEYLESS:
        return
    worth, unmoved = _worth(keys, profile), _worth(_without(keys, "header"), profile)
    if not any(worth):
        text = "keys make no repeat safe: neither profile nor `header` nor `trusted` has one read"
        yield Rule.NO_KEY, ("idempotency",), text
    if any(
        _is_honoured(was) and not _is_honoured(now) for was, now in zip(unmoved, worth, strict=True)
    ):
        text = "the profile documents keys in another place: in this one they make no repeat safe"
        yield Rule.NO_KEY, ("idempotency", "header"), text
    if keys.generate and not any(map(_is_honoured, worth)):
        text = "does nothing where no key is honoured"
        yield Rule.NO_EFFECT, ("idempotency", "generate"), text


def vouched_keys(provider: ProviderSettings, profile: Profile) -> Found:
    """Say what `trusted` takes upon itself."""
    keys = provider.idempotency
    if not keys.trusted or keys.mode in _KEYLESS:
        return
    if _worth(keys, profile) == _worth(_without(keys, "trusted"), profile):
        text = "changes nothing: what the profile documents of keys stands"
        yield Rule.NO_EFFECT, ("idempotency", "trusted"), text
        return
    text = (
        "payments are repeated on your word alone: the profile has no documented claim that the "
        "provider deduplicates all of them by this key, after a failure too"
    )
    yield Rule.KEY_ON_YOUR_WORD, ("idempotency", "trusted"), text


def short_lives(provider: ProviderSettings, profile: Profile) -> Found:
    """Say where a key is forgotten while it may still be needed."""
    keys = provider.idempotency
    if keys.mode in _KEYLESS:
        return
    place = ("idempotency", "provider_key_ttl")
    worth = _worth(keys, profile)
    lives = [rule.ttl_s for rule in worth if rule is not None and rule.ttl_s is not None]
    if provider.retry.max_attempts > 1 and lives and min(lives) < provider.timeouts.total:
        text = "keys are forgotten before `timeouts.total` is over: no repeat is made after that"
        yield Rule.KEY_FORGOTTEN_EARLY, place, text
    if keys.provider_key_ttl is not None and worth == _worth(
        _without(keys, "provider_key_ttl"), profile
    ):
        text = "shortens nothing: no key that is known is remembered for longer"
        yield Rule.NO_EFFECT, place, text


def vouched_effects(provider: ProviderSettings, profile: Profile) -> Found:
    """Give the routes that are said to do less than their method or the profile says."""
    known = Router(
        [
            ProviderRoutes(
                name=profile.name,
                mount=_MOUNT,
                base_path=provider.base_url.path.encode("ascii"),
                operations=parse_rules(profile.routes),
                prefixes=tuple(prefix.encode("ascii") for prefix in profile.prefixes),
            )
        ]
    )
    for number, route in enumerate(provider.routes):
        rule = parse_match(route.match)
        example = b"/".join(b"x" if each is None else each for each in rule.segments)
        found = known.match(rule.method, _MOUNT + example)
        if (
            route.effect is not None
            and isinstance(found, Matched)
            and is_kinder(route.effect, found.effect)
        ):
            text = (
                f"that calls of this route are `{route.effect}` rests on your word alone: they may "
                "be repeated without a key"
            )
            yield Rule.EFFECT_ON_YOUR_WORD, ("routes", number, "effect"), text


def retry_layers(provider: ProviderSettings, profile: Profile) -> Found:
    """Say where somebody else may repeat a call as well."""
    if provider.retry.max_attempts == 1:
        return
    is_stopped = profile.stop is not None and profile.stop.is_documented
    if provider.errors.mode == "native" and profile.native_errors is not None and not is_stopped:
        text = (
            "an SDK that repeats by itself repeats on top of us, and this provider's has no "
            "documented field that stops it: turn its own repeats off"
        )
        yield Rule.TWO_RETRY_LAYERS, ("errors", "mode"), text
    url = provider.base_url
    # A provider that has pages in the web is not on this machine.
    is_elsewhere = any(source.startswith("https:") for source in profile.sources.values())
    is_here = is_loopback(url.host) and provider.egress_proxy is None
    if url.scheme == "http" and is_here and is_elsewhere:
        text = (
            "what answers on this machine is not the provider: if it is a proxy that repeats calls "
            "too, the repeats multiply"
        )
        yield Rule.TWO_RETRY_LAYERS, ("base_url",), text


def unnative_errors(provider: ProviderSettings, profile: Profile) -> Found:
    """Say where the provider's own shape is asked for, and nobody knows it."""
    if provider.errors.mode == "native" and profile.native_errors is None:
        text = "the profile has no `native_errors`: errors come as the envelope"
        yield Rule.NO_NATIVE_ERRORS, ("errors", "mode"), text


def _worth(keys: IdempotencySettings, profile: Profile) -> _Worth:
    """Give what a key is worth on each kind of call that the profile tells apart."""
    return tuple(key_rule(keys, profile, *call) for call in _calls(profile))


def _calls(profile: Profile) -> Iterator[tuple[str, str]]:
    methods = {route.name: route.method for route in profile.routes}
    for claim in profile.idempotency:
        for operation in claim.operations:
            yield operation, methods.get(operation, "POST")
        for method in () if claim.operations else claim.methods:
            yield "", method
    if not profile.idempotency:
        yield "", "POST"


def _without(keys: IdempotencySettings, member: str) -> IdempotencySettings:
    """Give *keys* with *member* as it is where nothing was set."""
    default = IdempotencySettings.model_fields[member].default
    return keys.model_copy(update={member: default})


def _is_honoured(rule: KeyRule | None) -> bool:
    return rule is not None and rule.is_honoured
