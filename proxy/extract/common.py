"""What common error shapes call things, for providers whose profile does not say.

An error stands in the body itself or in a member such as `error`, `errors[0]` or `fault.detail`.
These places are its scopes, the outermost first; each fact is looked for under its usual names,
written without regard to case, `_` and `-`.
"""

import re
from dataclasses import dataclass
from typing import Final, TypeAlias

from .clean import MAX_WORD, as_message, as_word

Members: TypeAlias = dict[str, object]  # by squashed name

_MAX_SCOPES: Final = 12
_MAX_MEMBERS: Final = 200
_MAX_WORDS: Final = 24
_MAX_UNWRAPPED: Final = 8
_SCOPES: Final = (
    "error", "errors", "fault", "status", "detail", "details", "cause", "causes", "response",
    "embedded", "errorinformation", "validationerrors", "extensions", "meta",
    "reasons", "body", "exception", "data",
)  # fmt: skip
_CODES: Final = (
    "errorcode", "code", "customcode", "statuscode", "errorcodes", "faultcode", "returncode",
    "errorid", "errorname", "errortype", "type", "reason", "issue", "category", "name", "id",
    "value",
)  # fmt: skip
# What may be a sentence, an address or an identifier elsewhere: taken where it looks like a code.
_WEAK_CODES: Final = frozenset(
    {"errorid", "errortype", "type", "reason", "category", "name", "id", "value", "statuscode"}
)
# These name many things: a code only within an error, or where it is written like one (PayPal).
_LOOSE_CODES: Final = frozenset({"id", "name", "value"})
_LOUD: Final = re.compile(r"[A-Z0-9]+(?:_[A-Z0-9]+)+")
_TYPES: Final = ("errortype", "type", "category", "severity")
_MESSAGES: Final = (
    "message", "errormessage", "errordescription", "defaultmessage", "detail", "description",
    "statusmessage", "statusdesc", "providermessage", "errormessages", "faultstring", "error",
    "msg", "rmsg", "errortext", "responsetext", "text", "title", "messages", "errors", "reason",
)  # fmt: skip
_TRACES: Final = (
    "traceid", "requestid", "correlationid", "debugid", "xrequestid", "transactiontraceid",
    "pspreference", "errorid",
)  # fmt: skip
_SPANS: Final = ("spanid",)
_WORDS: Final = (
    "errorcode", "code", "customcode", "errorcodes", "faultcode", "value", "issue", "reason",
    "error", "errors", "declinecode", "errorname", "errortype", "type", "name", "category",
    "statuscode", "id",
)  # fmt: skip
_CODE_LIKE: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.:-]*")
_SQUASH: Final = str.maketrans("", "", "_- ")


@dataclass(frozen=True, slots=True)
class Scope:
    """A place where an error stands."""

    members: Members
    is_in_error: bool  # it stands under a name that speaks of errors, or in a list of them


def find_scopes(tree: object) -> tuple[Scope, ...]:
    """Give the places where an error may stand, the outermost first."""
    found: list[Scope] = []
    queue: list[tuple[object, bool]] = [(tree, False)]
    for node, is_in_error in queue:
        member = _unwrap(node)
        if isinstance(member, dict) and member:
            scope = Scope(_squash(member), is_in_error or member is not node)
            found.append(scope)
            queue += [
                (scope.members[name], is_in_error or name.startswith(("err", "fault", "cause")))
                for name in _SCOPES
                if isinstance(scope.members.get(name), dict | list)
            ]
        if len(found) >= _MAX_SCOPES or len(queue) > _MAX_SCOPES * 4:
            break
    return tuple(found)


def _unwrap(node: object) -> object:
    """Give the first object of a list, however often it is wrapped."""
    for _ in range(_MAX_UNWRAPPED):
        if not isinstance(node, list):
            break
        node = next((item for item in node if isinstance(item, dict | list) and item), None)
    return node


def _squash(members: dict[str, object]) -> Members:
    squashed: Members = {}
    for index, (name, value) in enumerate(members.items()):
        if index >= _MAX_MEMBERS:
            break
        squashed.setdefault(name[:MAX_WORD].translate(_SQUASH).lower(), value)
    return squashed


def _is_code_like(word: str) -> bool:
    # RFC 9457 section 4.2.1: a type that says nothing beyond the status.
    return word != "about:blank" and _CODE_LIKE.fullmatch(word) is not None


def find_code(scopes: tuple[Scope, ...], status: int) -> str | None:
    """Give the provider's code: not one that only says the status again."""
    for is_weak in (False, True):
        for scope in scopes:
            for name in _CODES:
                if (name in _WEAK_CODES) is not is_weak:
                    continue
                word = _first_word(scope.members.get(name))
                if word is None or word == str(status) or (is_weak and not _is_code_like(word)):
                    continue
                if name in _LOOSE_CODES and not scope.is_in_error and not _LOUD.fullmatch(word):
                    continue
                return word
            error = scope.members.get("error")
            if is_weak and isinstance(error, str) and _is_code_like(error):
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


def _find_word(scopes: tuple[Scope, ...], names: tuple[str, ...]) -> str | None:
    for scope in scopes:
        for name in names:
            word = as_word(scope.members.get(name))
            if word is not None and "://" not in word and word != "about:blank":
                return word
    return None


def find_message(tree: object, scopes: tuple[Scope, ...]) -> str | None:
    """Give a text for people: a sentence before a title, an outer one before an inner."""
    for scope in scopes:
        for name in _MESSAGES:
            value = scope.members.get(name)
            message = as_message(value) if value else None
            if message is not None:
                return message
    if isinstance(tree, list | str):
        return as_message(tree)
    for scope in scopes:
        for value in list(scope.members.values())[:_MAX_WORDS]:
            if isinstance(value, list) and (message := as_message(value)) is not None:
                return message  # a map of fields to their faults
    return None


def find_words(scopes: tuple[Scope, ...]) -> tuple[str, ...]:
    """Give every code, type and reason that stands anywhere: what hints are taken from."""
    words: list[str] = []
    for scope in scopes:
        for name in _WORDS:
            value = scope.members.get(name)
            items = value[:_MAX_UNWRAPPED] if isinstance(value, list) else (value,)
            words.extend(item for item in items if isinstance(item, str) and _is_word(item))
        if len(words) >= _MAX_WORDS:
            break
    return tuple(words[:_MAX_WORDS])


def _is_word(text: str) -> bool:
    return len(text) <= MAX_WORD and " " not in text
