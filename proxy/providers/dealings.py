"""What a provider does beside answering: keys, limits, look-ups, webhooks, errors of its own."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from proxy.terms import ErrorType
from proxy.terms.units import Duration, Model

from .kinds import Claim, HeaderName, Methods, Names, Paths, Regex, Texts
from .template import TemplateError, check_template


class HeaderTest(Model):
    """A header field, and what its value has to hold."""

    header: HeaderName
    matches: Regex


class Idempotency(Claim):
    """How the provider takes an idempotency key, and what it does with it."""

    place: Literal["header", "body"]
    # Of a header field, or of a member at the top of the body: a key is written nowhere else.
    name: Annotated[str, Field(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9_-]+$")]
    operations: Names = ()  # these, or all calls with these methods
    methods: Methods = ("POST",)
    max_length: Annotated[int, Field(ge=1, le=1024)] = 255
    charset: Regex | None = None  # the whole key has to match
    ttl: Duration | None = None  # how long the provider remembers; None: nobody says
    key_stores: Literal["all", "success_only", "refuses_duplicate"] | None = None
    replayed: HeaderTest | None = None  # marks an answer that was given before: it is final

    @property
    def covers_failures(self) -> bool:
        """Whether a repeat is deduplicated after a failure too."""
        return self.key_stores in {"all", "refuses_duplicate"}

    def covers(self, operation: str, method: str) -> bool:
        """Whether a call takes a key."""
        return operation in self.operations if self.operations else method in self.methods


class StopField(Claim):
    """The header field that makes the provider's own SDK stop repeating."""

    header: HeaderName
    value: Annotated[str, Field(pattern=r"^[\x21-\x7e]{1,100}$")]


class RateLimitFields(Claim):
    """The header fields in which the provider tells how much may still be asked."""

    limit: HeaderName | None = None
    remaining: HeaderName
    reset: HeaderName | None = None
    reset_as: Literal["seconds", "epoch", "date"] = "seconds"  # seconds may have a fraction


class PaymentMembers(Claim):
    """Where a payment's own facts stand: in its request, and in the answer to it."""

    operations: Annotated[Names, Field(min_length=1)]
    id: Paths = ()  # in the answer: the provider's id of the payment
    reference: Paths = ()  # in the request: the merchant's own
    amount: Paths = ()  # in the request
    currency: Paths = ()  # in the request
    amount_in: Literal["minor", "major"] = "minor"


class _Told(Claim):
    """What a provider tells of payments: where they stand, and each one's facts within it."""

    operations: Annotated[Names, Field(min_length=1)]  # of the payments it is for
    records: Annotated[Paths, Field(min_length=1)]  # a list, or the one record
    reference: Annotated[Paths, Field(min_length=1)]  # these within a record
    amount: Annotated[Paths, Field(min_length=1)]
    currency: Annotated[Paths, Field(min_length=1)]
    amount_in: Literal["minor", "major"] = "minor"
    created: Paths = ()  # RFC 3339, or seconds or milliseconds since the epoch
    status: Annotated[Paths, Field(min_length=1)]
    succeeded: Annotated[Texts, Field(min_length=1)]
    declined: Texts = ()

    @model_validator(mode="after")
    def _tells_apart(self) -> Self:
        both = {word.casefold() for word in self.succeeded} & {
            word.casefold() for word in self.declined
        }
        if both:
            msg = f"{', '.join(sorted(both))} cannot be both `succeeded` and `declined`"
            raise ValueError(msg)
        return self


class Lookup(_Told):
    """How one asks what became of a payment, by the merchant's own reference.

    Only what is found settles an unknown outcome: not found never does.
    """

    target: Annotated[str, Field(pattern=r"^/[^\s#]*\{reference\}[^\s#]*$")]  # GET, below base_url


class WebhookSignature(Claim):
    """How a webhook of the provider is signed."""

    header: HeaderName
    algorithm: Literal["hmac_sha256", "hmac_sha512"]
    encoding: Literal["hex", "base64"]
    signed: Literal["body", "timestamp.body"]
    pattern: Regex = r"(?P<signature>.+)"  # of the header; where it holds several, each is tried
    timestamp: Regex | None = None  # group 1: seconds since the epoch, where the time is signed

    @model_validator(mode="after")
    def _can_be_read(self) -> Self:
        if "signature" not in re.compile(self.pattern).groupindex:
            msg = "`pattern` needs a group called `signature`"
            raise ValueError(msg)
        has_time = self.timestamp is not None and re.compile(self.timestamp).groups > 0
        if (self.signed == "timestamp.body") is not has_time:
            msg = "`timestamp`, with a group, goes with `signed: timestamp.body`, and only with it"
            raise ValueError(msg)
        return self


class WebhookEvents(_Told):
    """What a webhook says of a payment: the same as a look-up's record, within an event.

    Where the event's type is the state, `records` is `"@"`, the event itself.
    """

    id: Annotated[Paths, Field(min_length=1)]  # of the event: it is sent more than once
    created: Annotated[Paths, Field(min_length=1)]  # of the payment, not of the event


class NativeErrors(Claim):
    """How an error is said in the provider's own shape, for its SDK to read.

    Texts of the body may hold `{message}`, `{error_code}`, `{error_type}`, `{request_id}` and
    `{status}`; a text that is nothing but `{status}` becomes a number.
    """

    content_type: Annotated[str, Field(pattern=r"^[a-z]+/[a-z0-9.+-]+(; ?charset=utf-8)?$")] = (
        "application/json"
    )
    body: Any
    # Members of the body's top level (or of `within`; of a list there, its first item) that are
    # other ones for a type of error.
    within: str | None = None
    by_type: Annotated[Mapping[ErrorType, dict[str, Any]], Field(default_factory=dict)]

    @model_validator(mode="after")
    def _has_its_place(self) -> Self:
        if self.by_type and not isinstance(self.place_in(self.body), dict):
            msg = "`by_type` needs a mapping: `body`, or what is in it as `within`"
            raise ValueError(msg)
        return self

    def place_in(self, body: Any) -> Any:
        """Give the part of *body* whose members `by_type` changes."""
        place = body
        if self.within is not None:
            place = body.get(self.within) if isinstance(body, dict) else None
        if isinstance(place, list):
            return place[0] if place else None
        return place

    @field_validator("body", "by_type")
    @classmethod
    def _is_template(cls, body: Any) -> Any:
        try:
            check_template(body)
        except TemplateError as error:
            raise ValueError(str(error)) from None
        return body


def as_tuple_of_one(value: object) -> object:
    """Let one claim stand for a list of one."""
    return (value,) if isinstance(value, Mapping | Idempotency) else value


Idempotencies = Annotated[tuple[Idempotency, ...], BeforeValidator(as_tuple_of_one)]
