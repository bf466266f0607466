"""Takes what a provider's webhook says of a payment.

Rules:

1. Nothing of a body is believed before its signature is right: over the raw bytes, with its time.
2. Live and test mode, and one account and another, have secrets of their own at every provider that
   is described: a webhook of the wrong one is not signed right.
3. An event settles once, however often it is sent. It is taken once its word is kept: until then
   its sender is asked to send it again.
4. It settles the one payment that it matches (`records.match`); what was certainly not made gives
   way to another one of its reference. Most events are of payments that are not unknown, or not
   ours: they are taken, and change nothing.
5. One that comes before the answer, or before the time-out, is kept until the payment has ended.
"""

import json
from collections.abc import Callable
from enum import StrEnum
from hashlib import sha256

from proxy.extract.clean import as_word
from proxy.providers import Profile
from proxy.terms import Headers, WebhookCame

from .book import Evidence
from .decide import Settlement, Source
from .entry import State
from .keeper import Keeper
from .payment import first_of, is_telling
from .records import Records, match
from .signature import Signature, Verdict
from .store import Away


def _kept(event_id: str) -> str:
    """Give an event's id as it is kept and shown: a hash of what nobody may see."""
    return f"~{sha256(event_id.encode()).hexdigest()[:32]}" if is_telling(event_id) else event_id


class Taken(StrEnum):
    """What was done with a webhook."""

    SETTLED = "settled"  # or confirmed, or contradicted: somebody's word was kept
    REPEATED = "repeated"
    IGNORED = "ignored"  # it speaks of no payment that is known here, or of no end of it
    UNSIGNED = "unsigned"
    STALE = "stale"
    UNREADABLE = "unreadable"
    AWAY = "away"  # the ledger cannot keep it: the provider will send it again


class Webhooks:
    """Takes the webhooks of one provider, whose profile says how they are signed and read."""

    def __init__(
        self,
        profile: Profile,
        keeper: Keeper,
        secret: Callable[[], str],
        *,
        provider: str,
        tolerance_s: float,
        attempt_s: float,
    ) -> None:
        events, signature = profile.events, profile.webhook
        assert events is not None
        assert signature is not None
        self._signature = Signature(signature)
        self._event_id = first_of(events.id)
        self._records = Records(events)
        self._is_documented = events.is_documented and signature.is_documented
        self._note = f"event %s by profile {profile.name}, version {profile.version}"
        self._keeper = keeper
        self._secret = secret
        self._provider = provider
        self._tolerance_s = tolerance_s
        self._attempt_s = attempt_s

    async def take(self, headers: Headers, body: bytes) -> Taken:
        """Take one webhook, and tell what was done with it."""
        taken = await self._take(headers, body)
        self._keeper.emit(WebhookCame(self._provider, taken.value))
        return taken

    async def _take(self, headers: Headers, body: bytes) -> Taken:
        verdict = self._signature.verify(
            self._secret(),
            headers,
            body,
            now=self._keeper.clock.wall(),
            tolerance_s=self._tolerance_s,
        )
        if verdict is not Verdict.VALID:
            return Taken.STALE if verdict is Verdict.STALE else Taken.UNSIGNED
        try:
            event = json.loads(body)
        except (ValueError, RecursionError):
            return Taken.UNREADABLE
        event_id = as_word(self._event_id(event))
        if event_id is None:
            return Taken.UNREADABLE
        return await self._settle(_kept(event_id), event)

    async def _settle(self, event_id: str, event: object) -> Taken:
        found = self._records.read(event)
        reference = found[0].reference if len(found) == 1 else None
        if reference is None or not self._is_documented:
            return Taken.IGNORED
        entries = await self._keeper.store.by_reference(self._provider, reference)
        if isinstance(entries, Away):
            return Taken.AWAY
        told = [(entry, said) for entry in entries if (said := match(entry, found)) is not None]
        made = [each for each in told if each[0].state is not State.RELEASED]
        if len(made or told) != 1:
            return Taken.IGNORED
        ((entry, said),) = made or told
        evidence = await self._keeper.settle(
            entry,
            Source.WEBHOOK,
            said,
            self._note % event_id,
            attempt_timeout_s=self._attempt_s,
            event_id=event_id,
        )
        match evidence:
            case Away():
                return Taken.AWAY
            case None:  # it was dropped just now
                return Taken.IGNORED
            case Evidence(settlement=Settlement.REPEATED):
                return Taken.REPEATED
            case _:
                return Taken.SETTLED
