"""Text for people, made safe to show: no markup, no control characters, never too long."""

import re
from typing import Final

MAX_MESSAGE: Final = 1000  # characters (contract section 4)
_MAX_INPUT: Final = 4 * MAX_MESSAGE  # what is cleaned at all: the rest could not be shown

# A page, not a sentence: an edge's error page says nothing that a program's log needs.
_PAGE: Final = re.compile(r"<(?:!doctype|\?xml|html|head|body|script|style)\b", re.IGNORECASE)
# A tag begins with a letter, `/`, `!` or `?` (WHATWG HTML section 13.2.5.6): `<100` is text.
_TAG: Final = re.compile(r"<[A-Za-z/!?][^<>]*(?:>|\Z)")
# C0, DEL, C1; line and paragraph separators; bidirectional overrides, which would reorder a log
# line; and lone surrogates, which are no text.
_UNSHOWABLE: Final = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)


def clean(text: str | None) -> str:
    """Give *text* as one line for people; empty where nothing of it can be shown."""
    if not text:
        return ""
    text = text[:_MAX_INPUT]
    if _PAGE.search(text):
        return ""
    # A tag gives way to a space, so that removing one never makes another: `<<b>b>`.
    line = " ".join(_UNSHOWABLE.sub(" ", _TAG.sub(" ", text)).split())
    return line if len(line) <= MAX_MESSAGE else line[: MAX_MESSAGE - 1] + "…"
