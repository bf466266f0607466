"""What an answer means: its kind, its effect on the payment, and the word for it.

Rules:

1.  Order of judgement: the profile's rules, the first that holds; its table of codes; hints in
    the body; the HTTP status.
2.  Kind, effect and transience come from the status alone, or from a rule. Only a documented rule
    may make them kinder: the profile's schema refuses any other (`providers.licence`).
3.  The table of codes and the hints change the word, never what it does: no hint makes a repeat
    possible or frees a key. In the one direction that is safe they do change the effect (`doubt`):
    what may be a duplicate, under way, or cut off by an outage leaves the outcome `UNKNOWN`.
4.  A decline by a hint (a 400 that says `card_expired`) is therefore `rejected`, not `declined`:
    `SETTLED` would settle an earlier attempt whose outcome is unknown. 402 alone says `declined`.
5.  Where the outcome is unknown the word is never a decline: the application would pay again.
6.  A 2xx or 3xx is a success unless a rule of the profile, written for this very operation,
    recognises an error in it. Nobody guesses.
7.  A read changes nothing: its effect is never `UNKNOWN`.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from proxy.extract import Extractor, Reading
from proxy.providers import Profile, Then
from proxy.terms import (
    NO_FACTS,
    Answer,
    Answered,
    Delivery,
    Effect,
    ErrorCode,
    ErrorType,
    Facts,
    Kind,
    RouteEffect,
)
from proxy.terms.http import MAX_STATUS, MIN_ERROR_STATUS, every

from .doubt import doubt
from .hints import read_decline, read_hints
from .rules import Body, CompiledRule, compile_rules
from .status import ERROR_CODES, MALFORMED, MEANINGS, Meaning
from .waiting import read_retry_after

_MIN_ANSWER: Final = 200  # what is below is no final answer
_INVALID_REQUEST: Final = 400  # an error inside a 2xx may say whatever a 400 may
# The words of a kind that a rule gives without one.
_OF_KIND: Final[Mapping[Kind, ErrorCode]] = MappingProxyType(
    {
        Kind.DECLINED: ErrorCode.PAYMENT_DECLINED,
        Kind.THROTTLED: ErrorCode.RATE_LIMITED,
        Kind.IN_PROGRESS: ErrorCode.IDEMPOTENCY_KEY_IN_USE,
        Kind.DUPLICATE: ErrorCode.DUPLICATE_TRANSACTION,
    }
)
_DECLINES: Final = frozenset(code for code in ErrorCode if code.type is ErrorType.DECLINED)
_PASSING: Final = frozenset({Kind.THROTTLED, Kind.IN_PROGRESS})
# Stripe's field, and what others copied of it. Its `true` licenses nothing.
_SHOULD_RETRY: Final = frozenset({b"stripe-should-retry", b"x-should-retry", b"should-retry"})


class Classifier:
    """Judges answers of one provider. Compiled once; holds nothing of the answers."""

    __slots__ = (
        "_codes",
        "_embedded",
        "_extractor",
        "_fitting",
        "_known_codes",
        "_mapped_codes",
        "_reads",
        "_replayed",
        "_rules",
    )

    def __init__(self, profile: Profile) -> None:
        table = profile.codes.table if profile.codes is not None else {}
        self._extractor = Extractor(profile)
        self._rules = compile_rules(rule for rule in profile.rules if not rule.embedded)
        self._embedded = compile_rules(rule for rule in profile.rules if rule.embedded)
        self._reads: dict[tuple[str, str], bool] = {}
        self._fitting: dict[tuple[int, str], tuple[CompiledRule, ...]] = {}
        self._codes = {code.casefold(): word for code, word in table.items() if word is not None}
        self._replayed = tuple(
            (claim.replayed.header.lower().encode("ascii"), re.compile(claim.replayed.matches))
            for claim in profile.idempotency
            if claim.replayed is not None
        )
        self._known_codes = frozenset(table).union(*(rule.when.code for rule in profile.rules))
        self._mapped_codes = frozenset(code.casefold() for code in self._known_codes)

    def knows_code(self, code: str | None) -> bool:
        """Whether the profile lists *code*, letter by letter: only then is it a metric's label."""
        return code in self._known_codes

    def maps_code(self, code: str) -> bool:
        """Whether the profile knows *code*, in capitals or not: what it means is told there."""
        return code.casefold() in self._mapped_codes

    def reads_success(self, operation: str, method: str) -> bool:
        """Whether a 2xx of such a call has to be read, since a rule may call it an error."""
        reads = self._reads.get((method, operation))
        if reads is None:  # both are of closed lists: there is an end to them
            reads = any(rule.concerns(method, operation) for rule in self._embedded)
            self._reads[method, operation] = reads
        return reads

    def classify(
        self,
        answer: Answer,
        *,
        method: str,
        operation: str,
        effect: RouteEffect,
        delivery: Delivery,
        wall: float,
    ) -> Answered:
        """Give what *answer* means. It never raises, whatever the provider sent.

        *wall* is the time in seconds since the Unix epoch, for a `Retry-After` that is a date.
        """
        status = answer.status
        is_success = _MIN_ANSWER <= status < MIN_ERROR_STATUS
        if is_success and not self.reads_success(operation, method):
            return _succeeded(answer, delivery)
        document = self._extractor.open(answer)
        body = Body(document.tree)
        fitting = (
            rule
            for rule in self._rules_for(status, operation, is_success=is_success)
            if rule.may_hold(answer, body, method)
        )
        first = next(fitting, None)
        if is_success and first is None:
            return _succeeded(answer, delivery)  # most successes: nothing more is read of them
        reading = self._extractor.read(answer, document)
        rule = first
        while rule is not None and not rule.holds(reading.facts):
            rule = next(fitting, None)
        if is_success and rule is None:
            return _succeeded(answer, delivery)
        base = MEANINGS.get(status, MALFORMED)
        meaning = base if rule is None else _apply(rule.then, base)
        word = (rule.then.error_code if rule is not None else None) or self._find_word(
            status, meaning, reading, is_ruled=rule is not None
        )
        is_stated = rule is not None and rule.then.sure_effect is not None
        meaning, word = doubt(meaning, word, reading.facts, reading.remarks, is_stated=is_stated)
        return Answered(
            answer=answer,
            kind=meaning.kind,
            error_code=word,
            facts=reading.facts,
            effect=_bound(meaning.effect, effect),
            is_transient=meaning.is_transient
            and not _is_forbidden(answer)
            and not self._is_replayed(answer),
            is_embedded=is_success,
            delivery=delivery,
            attempts=1,
            retry_after_s=read_retry_after(answer.headers, wall),
        )

    def _rules_for(
        self, status: int, operation: str, *, is_success: bool
    ) -> tuple[CompiledRule, ...]:
        """Give the rules that *status* and *operation*, both of closed lists, do not rule out."""
        fitting = self._fitting.get((status, operation))
        if fitting is None:
            rules = self._embedded if is_success else self._rules
            fitting = tuple(rule for rule in rules if rule.fits(status, operation))
            self._fitting[status, operation] = fitting
        return fitting

    def _find_word(
        self, status: int, meaning: Meaning, reading: Reading, *, is_ruled: bool
    ) -> ErrorCode:
        """Give the word that no rule gave: the table of codes, hints, and last the status."""
        word = self._read_code(reading.facts)
        if word is None and meaning.kind is Kind.DECLINED:
            word = read_decline(reading.words, reading.facts.message)
        elif word is None and not (is_ruled and meaning.kind in _OF_KIND):
            seen = status if status >= MIN_ERROR_STATUS else _INVALID_REQUEST
            word = read_hints(
                seen,
                reading.words,
                reading.facts.message,
                has_details=bool(reading.facts.details),
            )
        if word is not None and _is_fit(word, meaning):
            return word
        if is_ruled and meaning.kind in _OF_KIND:
            return _OF_KIND[meaning.kind]
        if MIN_ERROR_STATUS <= status <= MAX_STATUS and _is_fit(ERROR_CODES[status], meaning):
            return ERROR_CODES[status]
        return ErrorCode.UNKNOWN_ERROR if is_ruled else ErrorCode.MALFORMED_RESPONSE

    def _is_replayed(self, answer: Answer) -> bool:
        """Whether the answer was given before, under the same key: it will be given again."""
        return any(
            pattern.search(value.decode("latin-1"))
            for name, pattern in self._replayed
            for value in every(answer.headers, name)
        )

    def _read_code(self, facts: Facts) -> ErrorCode | None:
        return self._codes.get(facts.code.casefold()) if facts.code is not None else None


def _is_forbidden(answer: Answer) -> bool:
    """Whether the provider says that a repeat is of no use: its no always wins (section 5)."""
    return any(
        name.lower() in _SHOULD_RETRY and value.strip().lower() == b"false"
        for name, value in answer.headers
    )


def _is_fit(word: ErrorCode, meaning: Meaning) -> bool:
    """Rule 5, and its other side: what is declined is called so."""
    is_decline = word in _DECLINES
    if meaning.effect is Effect.UNKNOWN:
        return not is_decline
    return is_decline or meaning.kind is not Kind.DECLINED


def _apply(then: Then, base: Meaning) -> Meaning:
    """Give what a rule says, and the status where it says nothing."""
    kind = then.kind or base.kind
    effect = then.sure_effect or base.effect
    if then.transient is not None:
        is_transient = then.transient
    elif then.kind is None:
        is_transient = base.is_transient
    else:
        is_transient = kind in _PASSING or (kind is Kind.BROKEN and base.is_transient)
    return Meaning(kind, effect, is_transient)


def _bound(effect: Effect, route: RouteEffect) -> Effect:
    is_harmless = route is RouteEffect.READ and effect is Effect.UNKNOWN
    return Effect.NONE if is_harmless else effect


def _succeeded(answer: Answer, delivery: Delivery) -> Answered:
    return Answered(
        answer=answer,
        kind=Kind.OK,
        facts=NO_FACTS,
        effect=Effect.SETTLED,
        delivery=delivery,
        attempts=1,
    )
