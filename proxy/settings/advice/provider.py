"""What is unwise of a provider's settings, whatever is known of the provider."""

import re
from typing import Final

from proxy.settings.address import is_loopback
from proxy.settings.provider import ProviderSettings

from .finding import Found, Rule

LITERAL: Final = "holds a secret in plain text: write ${env:NAME} or ${file:/path}"
_SECRET_NAME: Final = re.compile(
    r"(?i)auth|key|token|secret|cookie|password|passphrase|signature|credential"
)
# A secret in a field of any name: by its scheme (RFC 9110 section 11.4), or by a vendor's prefix.
_SECRET_VALUE: Final = re.compile(r"(?i)(?:bearer|basic) +\S|[sr]k_(?:live|test)_|whsec_")
_READ_ONLY_WITH_KEYS: Final = ("header", "trusted", "generate", "provider_key_ttl")


def plain_secrets(provider: ProviderSettings) -> Found:
    """Give the secrets that are written out."""
    for header, value in provider.headers.items():
        if value.is_literal and (
            _SECRET_NAME.search(header) or _SECRET_VALUE.match(value.reveal(0.0))
        ):
            yield Rule.PLAIN_SECRET, ("headers", header), LITERAL
    for loc, secret in (
        (("outcomes", "credential"), provider.outcomes.credential),
        (("webhook", "secret"), provider.webhook.secret),
    ):
        if secret is not None and secret.is_literal:
            yield Rule.PLAIN_SECRET, loc, LITERAL
    egress = provider.egress_proxy
    if egress is not None and egress.is_literal and egress.authorization(0.0) is not None:
        yield Rule.PLAIN_SECRET, ("egress_proxy",), LITERAL


def open_wire(provider: ProviderSettings) -> Found:
    """Say where others can read, or pose as the provider."""
    url, egress = provider.base_url, provider.egress_proxy
    # Behind an egress proxy it is the proxy's loopback.
    is_here = is_loopback(url.host) and (egress is None or is_loopback(egress.host))
    if url.scheme == "http" and not is_here:
        text = "payments and secrets cross the network in plain text"
        yield Rule.PLAINTEXT_UPSTREAM, ("base_url",), text
    if not provider.tls.verify:
        text = "anyone on the way can pose as the provider"
        yield Rule.UNVERIFIED_UPSTREAM, ("tls", "verify"), text


def no_time(provider: ProviderSettings) -> Found:
    """Say where one attempt takes the time of all."""
    timeouts = provider.timeouts
    if provider.retry.max_attempts > 1 and timeouts.attempt >= timeouts.total:
        text = "leaves no time for another attempt: one that times out has used all of `total`"
        yield Rule.ATTEMPT_TAKES_ALL, ("timeouts", "attempt"), text


def keys_off(provider: ProviderSettings) -> Found:
    """Give what is set of keys where they are off."""
    keys = provider.idempotency
    for member in _READ_ONLY_WITH_KEYS if keys.mode == "off" else ():
        if getattr(keys, member):
            yield Rule.NO_EFFECT, ("idempotency", member), "does nothing while `mode` is off"
