"""What a rule of a profile may claim, and with which evidence.

Rules:

1.  Only a documented rule may make an answer repeatable (`transient: true`, kind `throttled` or
    `in_progress`).
2.  Only a documented rule may say that nothing happened (`effect: none`) where the status alone
    does not: that frees a key.
3.  Only a documented rule may say that the provider decided (`effect: settled`) where the status
    is not 402: that ends the search for a payment whose outcome is unknown.
4.  `transient: false`, `effect: unknown` and a better word are safe whatever they rest on.
5.  An error inside a 2xx is claimed for named operations, with its kind and its effect.
6.  Only a documented route may be said to do less than its method promises: that licenses a repeat.
7.  A decline whose effect nobody knows is a contradiction: the application would pay again.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from proxy.terms import Effect, ErrorCode, ErrorType, Kind, RouteEffect

# Contract section 4: whoever answers one of these did nothing, unless a profile says otherwise.
REFUSED_STATUSES: Final = frozenset(
    {400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 421, 422, 425, 428, 429, 431}
)
DECLINED_STATUSES: Final = frozenset({402})
SUCCESSES: Final = frozenset(range(200, 300))
ERRORS: Final = frozenset(range(400, 600))

EFFECTS_OF_KIND: Final[Mapping[Kind, frozenset[Effect]]] = MappingProxyType(
    {
        Kind.OK: frozenset(),
        Kind.REJECTED: frozenset({Effect.NONE, Effect.UNKNOWN}),
        Kind.DECLINED: frozenset({Effect.SETTLED}),
        Kind.THROTTLED: frozenset({Effect.NONE}),
        Kind.IN_PROGRESS: frozenset({Effect.UNKNOWN}),
        Kind.DUPLICATE: frozenset({Effect.UNKNOWN, Effect.SETTLED}),
        Kind.BROKEN: frozenset({Effect.NONE, Effect.UNKNOWN}),
    }
)
EFFECT_OF_KIND: Final[Mapping[Kind, Effect]] = MappingProxyType(
    {
        Kind.DECLINED: Effect.SETTLED,
        Kind.THROTTLED: Effect.NONE,
        Kind.IN_PROGRESS: Effect.UNKNOWN,
        Kind.DUPLICATE: Effect.UNKNOWN,
    }
)
# How much harm a repeat of a call could do.
_HARM: Final[Mapping[RouteEffect, int]] = MappingProxyType(
    {RouteEffect.READ: 0, RouteEffect.IDEMPOTENT: 1, RouteEffect.PAYMENT: 2}
)


def is_kinder(effect: RouteEffect, promised: RouteEffect) -> bool:
    """Whether a call of this *effect* may be repeated more freely than one as *promised*."""
    return _HARM[effect] < _HARM[promised]


@dataclass(frozen=True, slots=True)
class Claimed:
    """What a rule says, as far as it matters here."""

    is_documented: bool
    is_embedded: bool
    statuses: frozenset[int] | None
    operations: tuple[str, ...]
    error_code: ErrorCode | None
    kind: Kind | None
    effect: Effect | None
    is_transient: bool | None


def find_fault(claimed: Claimed) -> str | None:
    """Say what is wrong with a claim, or None."""
    return _find_contradiction(claimed) or (
        None if claimed.is_documented else _find_excess(claimed)
    )


def _find_contradiction(claimed: Claimed) -> str | None:
    return _find_wrong_scope(claimed) or _find_wrong_effect(claimed)


def _find_wrong_scope(claimed: Claimed) -> str | None:
    if claimed.is_embedded and not claimed.operations:
        return "an embedded rule names its `operations`: it never holds for others"
    if claimed.is_embedded and (claimed.kind is None or claimed.effect is None):
        return "an embedded rule says `kind` and `effect`: its status says neither"
    domain = SUCCESSES if claimed.is_embedded else ERRORS
    if claimed.statuses is not None and not claimed.statuses <= domain:
        return f"its statuses are {'2xx' if claimed.is_embedded else '400 to 599'}"
    return None


def _find_wrong_effect(claimed: Claimed) -> str | None:
    kind, effect = claimed.kind, claimed.effect
    if kind is Kind.OK:
        return "a rule recognises errors: `kind: ok` is none"
    if kind is not None and effect is not None and effect not in EFFECTS_OF_KIND[kind]:
        return f"`kind: {kind}` and `effect: {effect.value}` contradict each other"
    if kind is None and effect is Effect.SETTLED:
        return "`effect: settled` needs `kind: declined` or `kind: duplicate`"
    if claimed.is_transient and effect is Effect.SETTLED:
        return "what is settled is never sent again: `transient: true` contradicts it"
    if claimed.error_code is not None and claimed.error_code.type is ErrorType.DECLINED:
        return _find_loose_decline(claimed)
    return None


def _find_loose_decline(claimed: Claimed) -> str | None:
    is_sure = claimed.effect in {Effect.NONE, Effect.SETTLED} or (
        claimed.effect is None
        and claimed.statuses is not None
        and claimed.statuses <= REFUSED_STATUSES | DECLINED_STATUSES
    )
    return None if is_sure else "a decline needs `effect: settled` or `effect: none`"


def _find_excess(claimed: Claimed) -> str | None:
    if claimed.is_transient or claimed.kind in {Kind.THROTTLED, Kind.IN_PROGRESS}:
        return "only a documented rule may license a repeat"
    statuses = claimed.statuses
    if claimed.effect is Effect.NONE and (statuses is None or not statuses <= REFUSED_STATUSES):
        return "only a documented rule may say that nothing happened (it frees the key)"
    if claimed.effect is Effect.SETTLED and statuses != DECLINED_STATUSES:
        return "only a documented rule may say that the provider decided"
    return None
