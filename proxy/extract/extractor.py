"""Reads the code, message, fields and ids out of an answer, by the paths of one profile."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, assert_never

from msgspec import Struct

from proxy.providers import DetailsField, Lookup, Profile, TextField, compile_path
from proxy.terms import Answer, Detail, Facts
from proxy.terms.http import Headers, first

from .clean import MAX_FIELD, as_message, as_word, clean
from .common import (
    find_code,
    find_message,
    find_span_id,
    find_trace_id,
    find_type,
    find_words,
)
from .decode import read_text
from .details import MAX_DETAILS, find_details, find_remarks
from .document import EMPTY, Document, Shape, read_document
from .edges import find_edge_code, find_edge_trace
from .markup import visible_text
from .scopes import Scope, find_scopes
from .traces import as_text, find_in_headers

MAX_DOCUMENT: Final = 64 * 1024
_MAX_PAGE_TEXT: Final = 300
_MAX_PROJECTED: Final = 8


class Reading(Struct, frozen=True):
    """Everything read out of one answer: what the envelope tells, and what judging it needs."""

    facts: Facts
    tree: object = None  # the parsed body, whatever its size and shape
    words: tuple[str, ...] = ()  # every code, type and reason in it, the outermost first
    remarks: tuple[str, ...] = ()  # what it says of the faults beside their fields


@dataclass(frozen=True, slots=True)
class _Field:
    """Where one fact stands, compiled."""

    lookups: tuple[Lookup, ...]
    headers: tuple[bytes, ...]
    pattern: re.Pattern[str] | None

    def read(
        self, document: Document, headers: Headers, convert: Callable[[object], str | None]
    ) -> str | None:
        if document.tree is not None:
            for lookup in self.lookups:
                found = lookup(document.tree)
                value = convert(found)
                if value is None and isinstance(found, list):  # of a projection the first counts
                    some = (convert(item) for item in found[:_MAX_PROJECTED])
                    value = next((item for item in some if item is not None), None)
                if value is not None:
                    return value
        for name in self.headers:
            raw = first(headers, name)
            if raw is not None and (value := as_text(raw)) is not None:
                return value
        return None


class Extractor:
    """Reads answers of one provider. Compiled once; holds nothing of the answers."""

    __slots__ = ("_code", "_details", "_has_fields", "_message", "_reference", "_span", "_trace",
                 "_type")  # fmt: skip

    def __init__(self, profile: Profile) -> None:
        fields = profile.fields
        self._has_fields = bool(fields.model_fields_set)
        self._code = _compile(fields.code)
        self._type = _compile(fields.type)
        self._message = _compile(fields.message)
        self._trace = _compile(fields.trace_id)
        self._span = _compile(fields.span_id)
        self._reference = _compile(fields.reference)
        self._details = _compile_details(fields.details)

    def extract(self, answer: Answer) -> Facts:
        """Give what *answer* says. It never raises, whatever the bytes are."""
        return self.read(answer).facts

    def open(self, answer: Answer) -> Document:
        """Give the body of *answer* parsed, and nothing looked for in it yet."""
        text = read_text(answer.body, answer.headers) if answer.body else None
        return read_document(text) if text is not None else EMPTY

    def read(self, answer: Answer, document: Document | None = None) -> Reading:
        """Give what *answer* says, with what else judging it needs."""
        headers = answer.headers
        document = document if document is not None else self.open(answer)
        scopes = find_scopes(document.tree) if document.tree is not None else ()
        code, beside = self._read_code(document, headers, scopes, answer.status)
        facts = Facts(
            code=code,
            type=self._read(self._type, document, headers) or self._guess(find_type, scopes),
            message=self._read_message(document, headers, scopes) or beside,
            details=self._read_details(document, scopes),
            trace_id=self._read(self._trace, document, headers)
            or find_trace_id(scopes)
            or find_in_headers(headers)
            or find_edge_trace(document),
            span_id=self._read(self._span, document, headers) or self._guess(find_span_id, scopes),
            reference=self._read(self._reference, document, headers),
            document=document.tree
            if document.is_exact and len(answer.body) <= MAX_DOCUMENT
            else None,
        )
        words = find_words(scopes)
        return Reading(
            facts,
            document.tree,
            words if code is None else (code, *words),
            find_remarks(document.tree, scopes),
        )

    def _guess(
        self, find: Callable[[tuple[Scope, ...]], str | None], scopes: tuple[Scope, ...]
    ) -> str | None:
        """Look in the common places: only where the profile names none of its own."""
        return None if self._has_fields else find(scopes)

    def _read(self, field: _Field | None, document: Document, headers: Headers) -> str | None:
        return field.read(document, headers, as_word) if field is not None else None

    def _read_code(
        self, document: Document, headers: Headers, scopes: tuple[Scope, ...], status: int
    ) -> tuple[str | None, str | None]:
        """Give the code, and the text that stood beside it in one string."""
        if self._code is None:
            if self._has_fields:
                return None, None
            return find_code(scopes, status) or find_edge_code(document, headers), None
        convert = as_word if self._code.pattern is None else as_message
        word = self._code.read(document, headers, convert)
        if word is None or self._code.pattern is None:
            return word, None
        parts = self._code.pattern.fullmatch(word)
        if parts is None:
            return as_word(word), None
        groups = parts.groupdict()
        return as_word(groups["code"]), groups.get("text")

    def _read_message(
        self, document: Document, headers: Headers, scopes: tuple[Scope, ...]
    ) -> str | None:
        match document.shape:
            case Shape.JSON | Shape.FORM | Shape.XML:
                if self._message is not None:
                    found = self._message.read(document, headers, as_message)
                    if found is not None:
                        return found
                return find_message(document.tree, scopes)
            case Shape.HTML:
                return clean(visible_text(document.text), _MAX_PAGE_TEXT)
            case Shape.TEXT:
                return clean(document.text)
            case Shape.NONE:
                return None
            case _:
                assert_never(document.shape)

    def _read_details(self, document: Document, scopes: tuple[Scope, ...]) -> tuple[Detail, ...]:
        if self._details is not None and document.tree is not None:
            details = self._details(document.tree)
            if details:
                return details
        return find_details(document.tree, scopes)


def _compile(field: TextField | None) -> _Field | None:
    if field is None:
        return None
    return _Field(
        lookups=tuple(compile_path(path) for path in field.paths),
        headers=tuple(name.lower().encode("latin-1", "replace") for name in field.headers),
        pattern=re.compile(field.pattern) if field.pattern is not None else None,
    )


def _compile_details(field: DetailsField | None) -> Callable[[object], tuple[Detail, ...]] | None:
    if field is None:
        return None
    lists = [compile_path(path) for path in field.paths]
    names = [compile_path(path) for path in field.field]
    texts = [compile_path(path) for path in field.description]

    def read(tree: object) -> tuple[Detail, ...]:
        for find in lists:
            items = find(tree)
            if isinstance(items, list):
                details = [
                    Detail(name, next(filter(None, (as_message(t(item)) for t in texts)), ""))
                    for item in items[:MAX_DETAILS]
                    if (name := _first_name(item, names)) is not None
                ]
                if details:
                    return tuple(details)
        return ()

    return read


def _first_name(item: object, names: list[Lookup]) -> str | None:
    return next(filter(None, (as_word(name(item), MAX_FIELD) for name in names)), None)
