"""The profile of a provider: what is known of its answers, each claim with its evidence."""

import re
from typing import Annotated, Final, Literal, Self

from pydantic import BeforeValidator, Field, field_validator, model_validator

from proxy.terms import Effect, ErrorCode, Kind, RouteEffect, effect_of_method
from proxy.terms.units import Model

from .dealings import (
    Idempotencies,
    Idempotency,
    Lookup,
    NativeErrors,
    PaymentMembers,
    RateLimitFields,
    StopField,
    WebhookEvents,
    WebhookSignature,
)
from .kinds import (
    Claim,
    Methods,
    Name,
    Names,
    Path,
    Paths,
    Regex,
    Scalar,
    Source,
    Statuses,
    Texts,
    as_tuple,
)
from .licence import EFFECT_OF_KIND, Claimed, find_fault, is_kinder

_ONE: Final = ("codes", "stop", "rate_limit", "webhook", "events", "native_errors")
_MANY: Final = ("rules", "routes", "idempotency", "payments", "lookups")


class TextField(Claim):
    """Where one fact of an error stands: the first path or header that holds something."""

    paths: Paths = ()
    headers: Texts = ()
    pattern: Regex | None = None  # named groups: `code`, and `text` for a message beside it

    @model_validator(mode="after")
    def _is_somewhere(self) -> Self:
        if not self.paths and not self.headers:
            msg = "needs `paths` or `headers`"
            raise ValueError(msg)
        if self.pattern is not None and "code" not in re.compile(self.pattern).groupindex:
            msg = "`pattern` needs a named group: (?P<code>…)"
            raise ValueError(msg)
        return self


class DetailsField(Claim):
    """Where the faulty fields stand: lists, and the members of their items."""

    paths: Annotated[Paths, Field(min_length=1)]
    field: Annotated[Paths, Field(min_length=1)]
    description: Annotated[Paths, Field(min_length=1)]


class Fields(Model):
    """Where the facts of an error stand."""

    code: TextField | None = None
    type: TextField | None = None
    message: TextField | None = None
    trace_id: TextField | None = None
    span_id: TextField | None = None
    reference: TextField | None = None
    details: DetailsField | None = None


class Codes(Claim):
    """What the provider's codes mean; null is a code known by name only."""

    table: dict[str, ErrorCode | None]


class BodyTest(Model):
    """A question about one place of the body. Texts are compared without regard to case."""

    path: Path
    equals: Annotated[tuple[Scalar, ...] | None, BeforeValidator(as_tuple)] = None
    matches: Regex | None = None
    present: bool | None = None  # null, false and what is empty are not present

    @model_validator(mode="after")
    def _asks_one_thing(self) -> Self:
        if sum(asked is not None for asked in (self.equals, self.matches, self.present)) != 1:
            msg = "needs one of `equals`, `matches` and `present`"
            raise ValueError(msg)
        return self


class When(Model):
    """What an answer must be for a rule to hold: all of it."""

    status: Statuses | None = None
    methods: Methods = ()
    operations: Names = ()
    code: Texts = ()
    type: Texts = ()
    message: Regex | None = None
    headers: Annotated[dict[str, Regex], Field(default_factory=dict)]
    body: tuple[BodyTest, ...] = ()

    @model_validator(mode="after")
    def _asks_something(self) -> Self:
        if not self.model_fields_set:
            msg = "needs at least one condition"
            raise ValueError(msg)
        return self


class Then(Model):
    """What the answer means. What is left out follows from codes, hints and status."""

    error_code: ErrorCode | None = None
    kind: Kind | None = None
    effect: Effect | None = None
    transient: bool | None = None

    @property
    def sure_effect(self) -> Effect | None:
        """The effect that is given, or that the kind leaves no choice of."""
        return self.effect or (EFFECT_OF_KIND.get(self.kind) if self.kind else None)


class Rule(Claim):
    """One judgement of an answer. The first rule that holds wins."""

    name: Name
    when: When
    then: Then
    embedded: bool = False  # an error inside a 2xx: for the operations it names, and no others

    @model_validator(mode="after")
    def _is_licensed(self) -> Self:
        fault = find_fault(
            Claimed(
                is_documented=self.is_documented,
                is_embedded=self.embedded,
                statuses=self.when.status,
                operations=self.when.operations,
                error_code=self.then.error_code,
                kind=self.then.kind,
                effect=self.then.sure_effect,
                is_transient=self.then.transient,
            )
        )
        if fault is not None:
            raise ValueError(fault)
        return self


class Route(Claim):
    """What a call to a path does: `match` is a method and a path, `{id}` one segment of it."""

    name: Name
    match: Annotated[str, Field(pattern=r"^[A-Z]+ /[^\s?#]*$")]
    effect: RouteEffect

    @model_validator(mode="after")
    def _is_licensed(self) -> Self:
        if not self.is_documented and is_kinder(self.effect, effect_of_method(self.method)):
            msg = (
                f"a {self.method} may be called `{self.effect.value}` by a documented claim only: "
                "that licenses a repeat"
            )
            raise ValueError(msg)
        return self

    @property
    def method(self) -> str:
        """The method it is called with."""
        return self.match.partition(" ")[0]

    @property
    def template(self) -> str:
        """The path, with `{name}` for each segment that varies."""
        return self.match.partition(" ")[2]


class Profile(Model):
    """What is known of a provider."""

    version: Literal[1]
    name: Name
    title: Annotated[str, Field(min_length=1, max_length=100)]
    sources: Annotated[dict[Name, Source], Field(default_factory=dict)]
    fields: Fields = Fields()
    codes: Codes | None = None
    rules: tuple[Rule, ...] = ()
    prefixes: tuple[Annotated[str, Field(pattern=r"^(/[!$-.0->@-~]+)+$")], ...] = ()
    routes: tuple[Route, ...] = ()
    idempotency: Idempotencies = ()  # the first that covers a call
    stop: StopField | None = None
    rate_limit: RateLimitFields | None = None
    payments: tuple[PaymentMembers, ...] = ()
    lookups: tuple[Lookup, ...] = ()
    webhook: WebhookSignature | None = None
    events: WebhookEvents | None = None
    native_errors: NativeErrors | None = None

    @field_validator("rules")
    @classmethod
    def _names_are_unique(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        seen: set[str] = set()
        for rule in rules:
            if rule.name in seen:
                msg = f"two rules are called {rule.name!r}"
                raise ValueError(msg)
            seen.add(rule.name)
        return rules

    def idempotency_of(self, operation: str, method: str) -> Idempotency | None:
        """Give how such a call takes a key, or None where it takes none."""
        return next((each for each in self.idempotency if each.covers(operation, method)), None)

    def claims(self) -> list[tuple[tuple[str | int, ...], Claim]]:
        """Give every claim with its place in the profile."""
        found: list[tuple[tuple[str | int, ...], Claim | None]] = [
            (("fields", name), getattr(self.fields, name)) for name in Fields.model_fields
        ]
        found += [((name,), getattr(self, name)) for name in _ONE]
        found += [
            ((name, index), claim)
            for name in _MANY
            for index, claim in enumerate(getattr(self, name))
        ]
        return [(place, claim) for place, claim in found if claim is not None]
