"""Takes the operator's own secrets out of what an operator is shown (pure).

A provider may repeat the key that it was sent (`Invalid key: …`), and a key need not look like one:
what `observe.redact` cannot know by its shape is known here by its text.
"""

from base64 import b64decode
from collections.abc import Iterable
from typing import Final

HIDDEN: Final = "[secret]"
# Shorter words of a header field are its scheme, or its words.
_SHORTEST: Final = 8
_LEAST_PASSWORD: Final = 4


def secrets_of(texts: Iterable[str]) -> frozenset[str]:
    """Give the words of *texts* (`Bearer WORD`, `Basic WORD`) that are secrets of themselves."""
    return frozenset(word for text in texts for word in _words(text))


def hidden(view: object, secrets: Iterable[str]) -> object:
    """Give *view*, which JSON can hold, without *secrets* in its texts; of two, the longer goes."""
    return _hidden(view, sorted(secrets, key=len, reverse=True))


def _hidden(view: object, secrets: list[str]) -> object:
    match view:
        case str():
            for secret in secrets:
                view = view.replace(secret, HIDDEN)
            return view
        case list():
            return [_hidden(member, secrets) for member in view]
        case dict():
            return {name: _hidden(member, secrets) for name, member in view.items()}
        case _:
            return view


def _words(text: str) -> Iterable[str]:
    yield from (word for word in text.split() if len(word) >= _SHORTEST)
    scheme, _, coded = text.partition(" ")
    if scheme.lower() == "basic":
        try:
            parts = b64decode(coded, validate=True).decode().split(":", 1)
        except ValueError:  # not in base64, or no text
            return
        yield from (part for part in parts if len(part) >= _LEAST_PASSWORD)
