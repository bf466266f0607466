"""Whether a provider's promise about keys counts: what the profile claims, and who vouches. Pure.

Rule 1: a claim licenses something only where it is documented, or where the operator vouches.
Rule 2: where the profile places no key, `trusted` or `header` names one; nobody else does.
Rule 3: what is documented stands, whoever vouches: a key that the provider forgets after a failure
        covers none. And it stands for the place it names: in another field it is nobody's word.
Rule 4: `off` knows no key of the provider's: it goes on, and is honoured by nobody.
Rule 5: `emulate` has our own ledger guard each payment: the key stands where the profile or the
        config has it, and licenses nothing. `auto` does so where the ledger is durable, and the
        profile places no key or only assumes that it is read: the key goes on all the same.
"""

import re
from collections.abc import Iterable
from typing import Final

from proxy.providers import Idempotency, Profile

from .keys import KeyRule
from .settings import IdempotencySettings

_DEFAULT_HEADER: Final = "Idempotency-Key"
# What the operator's word covers where the profile is silent: the payments of contract section 5.
_PAYMENT_METHODS: Final = frozenset({"POST", "PATCH"})


def key_rule(
    settings: IdempotencySettings,
    profile: Profile,
    operation: str,
    method: str,
    *,
    is_durable: bool = False,
) -> KeyRule | None:
    """Say where the key of a call goes and what it is worth; None where nobody reads one.

    *is_durable* says that the ledger outlives the process.
    """
    claim = profile.idempotency_of(operation, method)
    if settings.mode == "off":
        return None
    is_promised_at_all = claim is not None and claim.is_documented
    is_left_to_us = not is_promised_at_all and is_durable and not settings.trusted
    if settings.mode == "emulate" or (settings.mode == "auto" and is_left_to_us):
        return _guarded(settings, claim)
    if claim is None:
        # The operator's word covers what the profile is silent about, never what it leaves out.
        is_silent = not profile.idempotency and method in _PAYMENT_METHODS
        if not is_silent or not (settings.trusted or settings.header):
            return None
        return KeyRule(
            place="header",
            name=settings.header or _DEFAULT_HEADER,
            is_honoured=settings.trusted,
            covers_failures=settings.trusted,
            ttl_s=settings.provider_key_ttl,
        )
    is_moved = settings.header is not None and (
        claim.place != "header" or settings.header.lower() != claim.name.lower()
    )
    is_promised = claim.is_documented and not is_moved
    covers_failures = claim.covers_failures
    if not is_promised or claim.key_stores is None:
        covers_failures = settings.trusted or (is_promised and covers_failures)
    return KeyRule(
        place="header" if settings.header else claim.place,
        name=settings.header or claim.name,
        is_honoured=settings.trusted or is_promised,
        covers_failures=covers_failures,
        max_length=claim.max_length,
        charset=re.compile(claim.charset) if claim.charset else None,
        ttl_s=_shorter(settings.provider_key_ttl, claim.ttl),
    )


def _guarded(settings: IdempotencySettings, claim: Idempotency | None) -> KeyRule:
    """Say where the key of a payment stands that our own ledger guards."""
    named = settings.header or (None if claim is None else claim.name)
    return KeyRule(
        place="header" if claim is None or settings.header else claim.place,
        name=named or _DEFAULT_HEADER,
        is_honoured=False,
        covers_failures=False,
        is_guarded=True,
    )


def fixed_key(
    settings: IdempotencySettings, profile: Profile, configured: Iterable[str]
) -> str | None:
    """Name the field of a key that the config sets on every request, or None.

    One key for all payments would have the provider answer each with the first one's result.
    """
    names = {_DEFAULT_HEADER.lower(), (settings.header or "").lower()}
    names |= {claim.name.lower() for claim in profile.idempotency if claim.place == "header"}
    return next((name for name in configured if name.lower() in names), None)


def _shorter(one: float | None, other: float | None) -> float | None:
    known = [ttl for ttl in (one, other) if ttl is not None]
    return min(known) if known else None
