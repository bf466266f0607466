"""What comes after an attempt: another one, when, or who forbids it. Pure.

`next_step` asks in a fixed order. First whether a repeat is right at all (the verdict), so that
`unsafe` is never hidden behind a setting. Then who forbids it: the caller, a drain. Then what is
used up: attempts, the body, time. The budget comes last, in the policy: it is the only answer that
costs something, so it is asked only where all else agrees.
"""

from msgspec import Struct
from msgspec.structs import replace

from proxy.terms import (
    Answered,
    Basis,
    Call,
    Delivery,
    Denial,
    Effect,
    Final,
    Outcome,
    RouteEffect,
    Verdict,
    is_redirection,
    join,
)
from proxy.terms.http import first

from .backoff import delay_s
from .decide import is_success, judge, may_repeat
from .settings import RetrySettings

_TOO_EARLY = 425


class SoFar(Struct, frozen=True):
    """What holds over those attempts of a call that have ended."""

    effect: Effect = Effect.NONE
    delivery: Delivery = Delivery.NONE
    attempts: int = 0

    def joined(self, latest: Outcome, call: Call) -> "SoFar":
        """Add the *latest* attempt of *call*."""
        told = latest.effect
        if call.effect is RouteEffect.READ and told is Effect.UNKNOWN:
            told = Effect.NONE  # a read moves no money, however it ended
        # A success says what became of the call, with a key or without: the only unkeyed calls
        # repeated after `UNKNOWN` are idempotent, so it answers for what was sent before it.
        # A redirection says nothing of it: it may come from whoever stands before the provider.
        is_told = (call.is_keyed or is_success(latest)) and not is_redirection(latest)
        return SoFar(
            effect=join(self.effect, told, is_keyed=is_told),
            delivery=max(self.delivery, latest.delivery),
            attempts=self.attempts + latest.attempts,
        )


class Repeat(Struct, frozen=True):
    """Send again after *delay_s*."""

    delay_s: float
    basis: Basis


class Stop(Struct, frozen=True):
    """Do not send again. *wait_s* is set where only time was lacking: the caller may have it."""

    denied_by: Denial
    wait_s: float | None = None


def next_step(
    call: Call,
    latest: Outcome,
    so_far: SoFar,
    settings: RetrySettings,
    *,
    now: float,
    chance: float,
    is_draining: bool,
) -> Repeat | Stop:
    """Say what comes after the *latest* attempt of *call*."""
    verdict = _judge(call, latest)
    if isinstance(verdict, Final):
        return Stop(verdict.denied_by)
    if (denied_by := _forbidden_by(call, is_draining=is_draining)) is not None:
        return Stop(denied_by)
    if _is_too_early(latest) and first(call.headers, b"early-data") is not None:
        return Stop(Denial.CALLER)  # it alone can send it later: RFC 8470 section 5.2
    if call.attempt >= settings.max_attempts:
        return Stop(Denial.ATTEMPTS)
    if not isinstance(call.body, bytes) and so_far.delivery is not Delivery.NONE:
        return Stop(Denial.BODY)  # a stream is read once; untouched, it can still be sent
    wait_s = delay_s(call.attempt, settings.backoff, chance=chance, floor_s=latest.retry_after_s)
    if now + wait_s >= _send_before(call, so_far):
        return Stop(Denial.DEADLINE, wait_s)
    return Repeat(wait_s, verdict.basis)


def stopped_by(call: Call, so_far: SoFar, *, now: float, is_draining: bool) -> Denial | None:
    """Say what has come up during the wait that forbids the attempt it was for."""
    if (denied_by := _forbidden_by(call, is_draining=is_draining)) is not None:
        return denied_by
    return Denial.DEADLINE if now >= _send_before(call, so_far) else None


def ended(
    call: Call, latest: Outcome, so_far: SoFar, *, now: float, wait_s: float | None
) -> Outcome:
    """Give the outcome of a failed call: its *latest* attempt, with what holds over all of them."""
    whole = replace(
        latest, effect=so_far.effect, delivery=so_far.delivery, attempts=so_far.attempts
    )
    if wait_s is None:
        wait_s = latest.retry_after_s
    is_retryable = caller_may_repeat(call, whole, at=now + (wait_s or 0.0))
    return replace(whole, is_retryable=is_retryable, retry_after_s=wait_s if is_retryable else None)


def _judge(call: Call, latest: Outcome) -> Verdict:
    return judge(
        latest,
        effect=call.effect,
        is_keyed=call.is_keyed,
        covers_failures=call.key is not None and call.key.covers_failures,
    )


def _is_too_early(latest: Outcome) -> bool:
    return isinstance(latest, Answered) and latest.answer.status == _TOO_EARLY


def _forbidden_by(call: Call, *, is_draining: bool) -> Denial | None:
    if not call.may_repeat or call.progress.is_abandoned:
        return Denial.CALLER
    return Denial.DRAINING if is_draining else None


def _send_before(call: Call, so_far: SoFar) -> float:
    # No retry outlives the key's life at the provider (contract section 5). That matters where the
    # repeat rests on the key: something may have happened, and the route alone licenses nothing.
    rests_on_key = call.effect is RouteEffect.PAYMENT and so_far.effect is not Effect.NONE
    if rests_on_key and call.key is not None:
        return min(call.deadline, call.key.usable_until)
    return call.deadline


def caller_may_repeat(call: Call, whole: Outcome, *, at: float) -> bool:
    """Say whether the caller may send the very same request again, at *at* (monotonic seconds)."""
    key = call.key
    if call.is_guarded and key is not None and whole.effect is Effect.UNKNOWN:
        return True  # our ledger lets it through once: a repeat is told what is known by then
    # A key that we made up does not come with the very same request: its repeat gets a fresh one.
    # And one that the provider has forgotten by then licenses nothing.
    is_known = key is not None and not key.is_generated and at < key.usable_until
    return may_repeat(
        whole,
        effect=call.effect,
        is_keyed=call.is_keyed and is_known,
        covers_failures=key is not None and key.covers_failures,
    )
