"""What a warning is made of."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from proxy.settings.fault import Fault, Loc


class Rule(StrEnum):
    """What is warned of. The word stands behind each finding, and for a section of the page."""

    OPEN_ADDRESS = "open-address"
    PLAIN_SECRET = "plain-secret"  # noqa: S105 - the name of a rule
    PLAINTEXT_UPSTREAM = "plaintext-upstream"
    UNVERIFIED_UPSTREAM = "unverified-upstream"
    SHORT_DRAIN = "short-drain"
    ONE_SIDECAR = "one-sidecar"
    LIMITS_APART = "limits-apart"
    WEBHOOK_IN_MEMORY = "webhook-in-memory"
    ATTEMPT_TAKES_ALL = "attempt-takes-all"
    NO_KEY = "no-key"
    KEY_ON_YOUR_WORD = "key-on-your-word"
    EFFECT_ON_YOUR_WORD = "effect-on-your-word"
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


# Rule, place (below the provider's, where one provider is looked at) and text.
Found: TypeAlias = Iterator[tuple[Rule, Loc, str]]
