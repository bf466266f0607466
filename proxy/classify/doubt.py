"""Whether an error may be about a payment that was already made, whatever word it is given (pure).

Rule 1: this can only make an outcome more careful: from `rejected` to `unknown`.
Rule 2: it asks what people and programs write of duplicates. Who reads `rejected` there pays again
        under a new reference.
Rule 3: what a rule of the profile says of the effect stands.
"""

import re
from typing import Final

from proxy.terms import Facts

_MAX_TEXT: Final = 400
_JOINTS: Final = re.compile(r"[^a-z0-9]+")
_DOUBT: Final = re.compile(
    r"\bduplicat|\balready (?:\w+ ){0,4}?"
    r"(?:exists?|used|processed|paid|made|completed|taken|submitted|charged)\b"
)


def is_doubtful(facts: Facts) -> bool:
    """Whether the provider's code, type or message speaks of something done before."""
    return any(
        _is_doubt(text[:_MAX_TEXT].lower())
        for text in (facts.code, facts.type, facts.message)
        if text
    )


def _is_doubt(text: str) -> bool:
    if "duplicat" not in text and "already" not in text:
        return False  # without these letters it cannot be
    return _DOUBT.search(_JOINTS.sub(" ", text)) is not None
