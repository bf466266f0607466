"""What one provider's settings and profile make of keys and unknown payments."""

from typing import Final

from proxy.classify import Classifier
from proxy.ledger import Claims, KeyRule, LedgerPolicy, key_rule
from proxy.ledger.fingerprint import parse_ignored
from proxy.ledger.lookup import LookUps
from proxy.ledger.payment import Payments
from proxy.providers import Profile
from proxy.route import Matched
from proxy.settings import ProviderSettings, StoreSettings
from proxy.terms import Clock, Headers, NewId, Service

from .ledger import Ledger

_NEARLY: Final = 0.25  # of a key's life is left: it is about to be forgotten


class Keys:
    """The keys of one provider, and the ledger as its calls meet it."""

    def __init__(
        self,
        name: str,
        settings: ProviderSettings,
        profile: Profile,
        ledger: Ledger,
        stores: StoreSettings,
        clock: Clock,
    ) -> None:
        self._name = name
        self._settings = settings
        self._profile = profile
        self._ledger = ledger
        self._stores = stores
        self._clock = clock
        self._rules: dict[tuple[str, str], KeyRule | None] = {}

    def rule(self, matched: Matched, method: str) -> KeyRule | None:
        """Say where the key of a call goes, and what it is worth."""
        place = (matched.operation, method)  # of a closed list each: there is an end to them
        if place not in self._rules:
            is_durable = not self._stores.ledger.is_memory
            self._rules[place] = key_rule(
                self._settings.idempotency, self._profile, *place, is_durable=is_durable
            )
        return self._rules[place]

    def policy(self, classifier: Classifier) -> LedgerPolicy:
        """Give the ledger's place in the journey."""
        settings, keeper = self._settings, self._ledger.keeper
        attempt_s, payments = settings.timeouts.attempt, Payments(self._profile)
        claims = Claims(
            account=settings.account,
            tenant_headers=settings.tenant_headers,
            ignored=parse_ignored(settings.idempotency.ignore_members),
            money_of=lambda call: payments.money_of(call.operation, call.headers, call.body),
            secret=keeper.store.secret,
            vault=self._ledger.vault,
            classifier=classifier,
            max_answer_bytes=self._stores.max_answer,
            attempt_s=attempt_s,
            clock=self._clock,
        )
        return LedgerPolicy(
            claims,
            keeper,
            self._ledger.unknowns,
            may_proceed=settings.store_failure.ledger == "proceed",
            attempt_s=attempt_s,
            ask_again_s=settings.outcomes.every if self._is_asked else None,
        )

    def look_ups(self, service: Service, new_id: NewId) -> LookUps | None:
        """Give what asks the provider for unknown payments; None where it cannot be asked."""
        if not self._is_asked:
            return None
        settings = self._settings
        return LookUps(
            self._profile,
            service,
            self._ledger.keeper,
            self._ledger.unknowns,
            new_id,
            provider=self._name,
            account=settings.account,
            base_path=settings.base_url.path,
            headers=self._credential,
            every_s=settings.outcomes.every,
            give_up_s=settings.outcomes.give_up,
            attempt_s=settings.timeouts.attempt,
        )

    def near_expiry(self) -> int:
        """Count the unknown payments whose key the provider is about to forget.

        While it remembers, the same request may be sent again; then it would be another payment.
        """
        now = self._clock.wall()
        count = 0
        for entry in self._ledger.unknowns.entries.values():
            claim = self._profile.idempotency_of(entry.operation, "POST")
            ttl_s = self._settings.idempotency.provider_key_ttl or (claim.ttl if claim else None)
            if entry.provider == self._name and entry.key_hash is not None and ttl_s is not None:
                left_s = entry.created_at + ttl_s - now
                count += 0.0 < left_s < ttl_s * _NEARLY
        return count

    @property
    def _is_asked(self) -> bool:
        is_known = any(each.is_documented for each in self._profile.lookups)
        return is_known and self._settings.outcomes.lookup == "auto"

    def _credential(self) -> Headers:
        """Give what a look-up says of itself beside the headers that the config sets."""
        text = self._settings.outcomes.credential
        if text is None:
            return ()
        return ((b"Authorization", text.reveal(self._clock.monotonic()).encode("ascii")),)
