"""What a caller is told of an outcome: the provider's answer as it came, or the envelope. Pure."""

from msgspec import Struct

from proxy.normalise import (
    ALLOW,
    JSON,
    PROBLEM,
    Rendered,
    answer_headers,
    encode,
    encode_problem,
    envelope_for,
    needs_envelope,
    render_native,
    stands,
)
from proxy.providers import NativeErrors
from proxy.terms import Answer, Answered, Header, Headers, Key, Kind, Outcome, RouteEffect
from proxy.terms.http import NO_CONTENT, RESET_CONTENT, first

from .headers import answered, clean
from .write import Message


class Shape(Struct, frozen=True):
    """How the caller of one request wants its errors."""

    mode: str  # envelope, native (the envelope, where the profile has no template), passthrough
    embedded: str  # envelope, annotate
    include_body: bool
    wants_problem: bool


class About(Struct, frozen=True):
    """What is known of a request that is answered."""

    request_id: str
    provider: str | None
    effect: RouteEffect
    shape: Shape
    key: Key | None = None
    stop: Header | None = None
    native_errors: NativeErrors | None = None


DEFAULT_SHAPE = Shape(mode="envelope", embedded="envelope", include_body=False, wants_problem=False)


# What OPTIONS is told of ourselves: `*`, or when it may go no further.
OUR_OPTIONS = Answered(answer=Answer(NO_CONTENT, b"No Content", (ALLOW,), b""), kind=Kind.OK)


def message_for(outcome: Outcome, about: About) -> Message:
    """Give the answer to the caller."""
    if isinstance(outcome, Answered) and _stands(outcome, about):
        answer = outcome.answer
        headers = answer_headers(
            outcome,
            effect=about.effect,
            request_id=about.request_id,
            received=answered(answer.headers),
            key=about.key,
            stop=about.stop,
        )
        length = first(answer.headers, b"content-length")
        has_content = answer.status != RESET_CONTENT  # RFC 9110 section 15.3.6
        return Message(
            status=answer.status,
            headers=headers,
            body=answer.body if has_content else b"",
            rest=answer.rest if has_content else None,
            reason=clean(answer.reason),
            length=int(length) if length is not None and length.isdigit() else None,
        )
    return _envelope(outcome, about)


def _stands(outcome: Answered, about: About) -> bool:
    """Whether the provider's own status and body go through."""
    shape = about.shape
    if not needs_envelope(outcome) or shape.mode == "passthrough":
        return True
    if shape.mode == "native" and about.native_errors is not None:
        return stands(outcome, about.native_errors)
    return outcome.is_embedded and shape.embedded == "annotate"


def _envelope(outcome: Outcome, about: About) -> Message:
    envelope = envelope_for(
        outcome,
        provider=about.provider,
        effect=about.effect,
        request_id=about.request_id,
        include_body=about.shape.include_body,
    )
    received: Headers = ()
    if isinstance(outcome, Answered):
        received = answered(outcome.answer.headers)
    if about.shape.mode == "native" and about.native_errors is not None:
        told = render_native(outcome, envelope, about.native_errors)
    elif about.shape.wants_problem:
        told = Rendered(envelope.status, PROBLEM, encode_problem(envelope))
    else:
        told = Rendered(envelope.status, JSON, encode(envelope))
    headers = answer_headers(
        outcome,
        effect=about.effect,
        request_id=about.request_id,
        received=received,
        media_type=told.media_type,
        key=about.key,
        stop=about.stop,
    )
    # What a HEAD lacks of the provider's body its envelope lacks too: its length is not a GET's.
    length = None if isinstance(outcome, Answered) else len(told.body)
    return Message(status=told.status, headers=headers, body=told.body, length=length)
