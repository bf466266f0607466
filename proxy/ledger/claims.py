"""What the ledger writes of a call, and what it gives back of an answer that it kept.

Rules:

1. No key is written: what is kept of it is a hash under the ledger's own secret. So is the
   fingerprint: a body of few possible values could be guessed from a plain one.
2. A key belongs to an account, and to the tenants that the config names; never to a credential.
   Of a tenant that may be one, or a card number, only a hash is kept.
3. A lease outlives whatever may still be sent under it: the caller's deadline, after which no
   attempt begins, and one attempt.
4. An answer is kept whole, or not at all: what is too large, streamed or not to be kept safely
   repeats as `already_processed`.
"""

import hmac
import re
from collections.abc import Callable
from typing import TYPE_CHECKING, Final
from urllib.parse import quote

from msgspec.structs import replace

from proxy.classify import Classifier
from proxy.terms import (
    NO_FACTS,
    Answer,
    Answered,
    Call,
    Clock,
    Delivery,
    Effect,
    Headers,
    Kind,
    Outcome,
    Refusal,
    Refused,
)
from proxy.terms.http import MIN_ERROR_STATUS, every

from .book import Claim
from .care import careful, careful_head
from .entry import Entry, Money, Owner, Recorded, Result
from .fingerprint import Ignored, fingerprint
from .payment import is_telling

if TYPE_CHECKING:
    from .vault import Vault  # whose library is loaded only where there is a key

_TENANT: Final = re.compile(r"[A-Za-z0-9_.:-]{0,64}")  # as providers name accounts


class Claims:
    """Turns calls of one provider into claims, and kept answers back into outcomes."""

    def __init__(
        self,
        *,
        account: str,
        tenant_headers: tuple[str, ...],
        ignored: Ignored,
        money_of: Callable[[Call], Money],
        secret: bytes,
        vault: "Vault | None",
        classifier: Classifier,
        max_answer_bytes: int,
        attempt_s: float,
        clock: Clock,
    ) -> None:
        self._account = quote(account, safe="")
        self._tenants = tuple((name, name.lower().encode("ascii")) for name in tenant_headers)
        self._ignored = ignored
        self._money_of = money_of
        self._secret = secret
        self._vault = vault
        self._classifier = classifier
        self._max_answer_bytes = max_answer_bytes
        self._attempt_s = attempt_s
        self._clock = clock

    def claim(
        self, call: Call, owner: Owner, *, is_keyed: bool, sent_s_ago: float | None = None
    ) -> Claim:
        """Give the claim of *call*; where it is not keyed, nothing else can meet it."""
        scope = self.scope(call.headers)
        return Claim(
            id=call.request_id,
            provider=call.provider,
            scope=scope,
            route=call.route,
            operation=call.operation,
            key_hash=self.key_hash(scope, call) if is_keyed else None,
            fingerprint=self.fingerprint(call),
            owner=owner,
            lease_s=self.lease_s(call),
            money=self._money_of(call),
            sent_s_ago=sent_s_ago,
        )

    def lease_s(self, call: Call) -> float:
        """Give how long *call* may still be sending, from now on."""
        return max(0.0, call.deadline - self._clock.monotonic()) + self._attempt_s

    def scope(self, headers: Headers) -> str:
        """Give whose keys these are: no two pairs of account and tenants have the same scope."""
        tenants = (
            f"{name}={self._tenant(b','.join(every(headers, lowered)))}"
            for name, lowered in self._tenants
        )
        return " ".join((self._account, *tenants))

    def _tenant(self, value: bytes) -> str:
        """Give what stands for a tenant: its own name, or a hash of what must not be kept."""
        text = value.decode("latin-1")
        is_name = _TENANT.fullmatch(text) is not None and not is_telling(text)
        return quote(value, safe="") if is_name else f"~{self._hash(b'tenant', '', value).hex()}"

    def key_hash(self, scope: str, call: Call) -> bytes | None:
        """Give what stands for the key of *call*."""
        return None if call.key is None else self._hash(b"key", scope, call.key.value.encode())

    def fingerprint(self, call: Call) -> bytes:
        """Give what stands for the request; a body that streams counts as an empty one."""
        body = call.body if isinstance(call.body, bytes) else b""
        told = fingerprint(call.method, call.target, body, self._ignored)
        return self._hash(b"request", "", told)

    def recorded(self, entry: Entry, outcome: Outcome) -> Recorded | None:
        """Give what is kept of an answer; None where none of it is."""
        if not isinstance(outcome, Answered):
            return None
        answer = outcome.answer
        if answer.rest is not None or len(answer.body) > self._max_answer_bytes:
            return None
        body = careful(answer.body, answer.headers)
        if body is None:
            return None
        kept = Recorded(answer.status, *careful_head(answer.reason, answer.headers), body)
        return kept if self._vault is None else self._vault.seal(entry.id, kept)

    def replayed(self, call: Call, entry: Entry) -> Outcome | None:
        """Give the answer that was kept, as the outcome of *call*; None where it cannot be."""
        kept = entry.recorded
        if kept is not None and kept.key_id is not None:
            kept = None if self._vault is None else self._vault.open(entry.id, kept)
        if kept is None:
            return None
        answer = Answer(kept.status, kept.reason, kept.headers, kept.body)
        if entry.result is Result.SUCCEEDED and kept.status < MIN_ERROR_STATUS:
            return _replay_of_success(answer)
        told = self._classifier.classify(
            answer,
            method=call.method,
            operation=call.operation,
            effect=call.effect,
            delivery=Delivery.NONE,
            wall=self._clock.wall(),
        )
        # It was decided when it came: what a later profile thinks of it decides nothing.
        return replace(
            told, effect=Effect.SETTLED, is_transient=False, attempts=0, is_replayed=True
        )

    def _hash(self, use: bytes, scope: str, value: bytes) -> bytes:
        """Give 32 bytes that only the holder of the ledger's secret can make."""
        text = b"\0".join((use, scope.encode(), value))
        return hmac.digest(self._secret, text, "sha256")


def shared(outcome: Outcome) -> Outcome | None:
    """Give the outcome of a call to one that waited for it; None where it is not theirs too.

    A stream has one reader, and that the first caller left is nobody else's end.
    """
    match outcome:
        case Answered():
            return None if outcome.answer.rest is not None else replace(outcome, is_replayed=True)
        case Refused(reason=Refusal.CALLER_LEFT):
            return None
        case _:
            return outcome


def _replay_of_success(answer: Answer) -> Answered:
    return Answered(
        answer=answer,
        kind=Kind.OK,
        facts=NO_FACTS,
        effect=Effect.SETTLED,
        is_replayed=True,
    )
