"""What common error shapes call things, for providers whose profile does not say.

Each fact is looked for under its usual names, in the outermost scope first.
"""

import re
from itertools import islice
from typing import Final

from .clean import MAX_WORD, as_message, as_word
from .scopes import MAX_UNWRAPPED, Names, Scope

_MAX_WORDS: Final = 24
_CODES: Final = Names(
    "errorcode", "code", "customcode", "errorcodes", "faultcode", "returncode", "errorname",
    "issue",
)  # fmt: skip
# What may be a sentence, an address or an identifier elsewhere: taken where it looks like a code.
_WEAK_CODES: Final = Names(
    "statuscode", "errorid", "errortype", "type", "reason", "category", "name", "id", "value"
)
_ERROR: Final = Names("error")
# These name many things: a code only within an error, or where it is written like one (PayPal).
_LOOSE_CODES: Final = frozenset({"id", "name", "value"})
_LOUD: Final = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)+")
_TYPES: Final = Names("errortype", "type", "category", "severity")
_MESSAGES: Final = Names(
    "message", "errormessage", "errordescription", "defaultmessage", "detail", "description",
    "statusmessage", "statusdesc", "providermessage", "errormessages", "faultstring", "error",
    "msg", "rmsg", "errortext", "responsetext", "text", "title", "messages", "errors", "reason",
)  # fmt: skip
_TRACES: Final = Names(
    "traceid", "requestid", "correlationid", "debugid", "xrequestid", "transactiontraceid",
    "pspreference", "errorid",
)  # fmt: skip
_SPANS: Final = Names("spanid")
_WORDS: Final = Names(
    "errorcode", "code", "customcode", "errorcodes", "faultcode", "value", "issue", "reason",
    "error", "errors", "declinecode", "errorname", "errortype", "type", "name", "category",
    "statuscode", "id",
)  # fmt: skip
_CODE_LIKE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")


def _is_code_like(word: str) -> bool:
    # RFC 9457 section 4.2.1: a type that says nothing beyond the status.
    return word != "about:blank" and _CODE_LIKE.fullmatch(word) is not None


def find_code(scopes: tuple[Scope, ...], status: int) -> str | None:
    """Give the provider's code: not one that only says the status again."""
    for scope in scopes:
        for _, name in scope.form[_CODES]:
            word = _first_word(scope.members[name])
            if word is not None and word != str(status):
                return word
    for scope in scopes:
        for said, name in scope.form[_WEAK_CODES]:
            word = _first_word(scope.members[name])
            if word is None or word == str(status) or not _is_code_like(word):
                continue
            if said in _LOOSE_CODES and not scope.is_in_error and not _LOUD.fullmatch(word):
                continue
            return word
        for _, name in scope.form[_ERROR]:
            error = scope.members[name]
            if isinstance(error, str) and _is_code_like(error):
                return as_word(error)
    return None


def _first_word(value: object) -> str | None:
    return as_word(value[0] if isinstance(value, list) and value else value)


def find_type(scopes: tuple[Scope, ...]) -> str | None:
    """Give the provider's category of the error."""
    return _find_word(scopes, _TYPES)


def find_trace_id(scopes: tuple[Scope, ...]) -> str | None:
    """Give the id under which the provider finds the request again."""
    return _find_word(scopes, _TRACES)


def find_span_id(scopes: tuple[Scope, ...]) -> str | None:
    """Give the id of the provider's own step."""
    return _find_word(scopes, _SPANS)


def _find_word(scopes: tuple[Scope, ...], names: Names) -> str | None:
    for scope in scopes:
        for _, name in scope.form[names]:
            word = as_word(scope.members[name])
            if word is not None and "://" not in word and word != "about:blank":
                return word
    return None


def find_message(tree: object, scopes: tuple[Scope, ...]) -> str | None:
    """Give a text for people: a sentence before a title, an outer one before an inner."""
    for scope in scopes:
        for _, name in scope.form[_MESSAGES]:
            message = as_message(scope.members[name])
            if message is not None:
                return message
    if isinstance(tree, list | str):
        return as_message(tree)
    for scope in scopes:
        for value in islice(scope.members.values(), _MAX_WORDS):
            if isinstance(value, list) and (message := as_message(value)) is not None:
                return message  # a map of fields to their faults
    return None


def find_words(scopes: tuple[Scope, ...]) -> tuple[str, ...]:
    """Give every code, type and reason that stands anywhere: what hints are taken from."""
    words: list[str] = []
    for scope in scopes:
        for _, name in scope.form[_WORDS]:
            value = scope.members[name]
            items = value[:MAX_UNWRAPPED] if isinstance(value, list) else (value,)
            words += [item for item in items if isinstance(item, str) and _is_word(item)]
        if len(words) >= _MAX_WORDS:
            break
    return tuple(words[:_MAX_WORDS])


def _is_word(text: str) -> bool:
    return len(text) <= MAX_WORD and " " not in text
