"""Errors in the provider's own shape, for applications that keep the vendor's SDK (contract 4).

Rules:

1. What the provider said in its own shape stays: its status, its body. Where the body is a JSON
   object our envelope stands in it as the member `paysluice`.
2. What is not in its shape (a page of HTML, a gateway's own JSON, an error of ours) is rendered by
   the template of its profile, so that the SDK raises its own right exception.
3. What is in its shape and no JSON (XML, and a form or SOAP beside a JSON API) stays byte for
   byte: a member of ours has no place there, our fields tell.
4. In its shape is a JSON object in which the profile found a code or a type: an SDK that finds
   neither may take an error for a success.
"""

from collections.abc import Mapping
from copy import deepcopy
from html import escape
from typing import Any, Final

from msgspec import Struct

from proxy.providers import NativeErrors, fill
from proxy.terms import Answered, Outcome
from proxy.terms.http import first

from .envelope import JSON, Envelope, dump

MEMBER: Final = "paysluice"
# What a provider with a JSON API says in its older ones. PayPal calls its forms plain text.
_OLDER: Final = (b"xml", b"application/x-www-form-urlencoded", b"text/plain")


class Rendered(Struct, frozen=True):
    """An error as an SDK reads it."""

    status: int
    media_type: bytes
    body: bytes


def render_native(outcome: Outcome, envelope: Envelope, template: NativeErrors) -> Rendered:
    """Give the error *outcome* in the shape of its provider."""
    if isinstance(outcome, Answered) and is_in_shape(outcome):
        document = outcome.facts.document
        assert isinstance(document, dict), "it is in the provider's shape"
        body = dump(document | {MEMBER: envelope.as_dict()})
        return Rendered(outcome.answer.status, JSON, body)
    media_type = template.content_type.encode("ascii")
    values = _values(envelope)
    if isinstance(template.body, str):
        is_xml = b"xml" in media_type
        escaped = {name: escape(str(value)) for name, value in values.items()}
        text = str(fill(template.body, escaped if is_xml else values))
        return Rendered(envelope.status, media_type, text.encode("utf-8", "replace"))
    tree = _with_overrides(template, envelope)
    filled = fill(tree, values)
    if isinstance(filled, dict):
        filled[MEMBER] = envelope.as_dict()
    return Rendered(envelope.status, media_type, dump(filled))


def is_in_shape(outcome: Answered) -> bool:
    """Whether the provider's answer is a JSON object that its SDK understands (rule 4)."""
    return isinstance(outcome.facts.document, dict) and _is_understood(outcome)


def stands(outcome: Answered, template: NativeErrors) -> bool:
    """Whether the provider's answer goes through as it came, being no JSON (rule 3)."""
    told = (first(outcome.answer.headers, b"content-type") or b"").lower()
    if not _is_understood(outcome) or outcome.facts.document is not None:
        return False
    kinds = (b"xml",) if "xml" in template.content_type else _OLDER
    return any(kind in told for kind in kinds)


def _is_understood(outcome: Answered) -> bool:
    return (outcome.facts.code or outcome.facts.type) is not None


def _values(envelope: Envelope) -> Mapping[str, str | int]:
    return {
        "message": envelope.message,
        "error_code": envelope.error_code.value,
        "error_type": envelope.error_type.value,
        "request_id": envelope.request_id,
        "status": envelope.status,
    }


def _with_overrides(template: NativeErrors, envelope: Envelope) -> Any:
    """Give the template with what it says of this type of error in particular."""
    changes = template.by_type.get(envelope.error_type)
    if not changes:
        return template.body
    tree = deepcopy(template.body)
    template.place_in(tree).update(changes)
    return tree
