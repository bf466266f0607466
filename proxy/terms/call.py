"""What comes in: one call of the application to one provider, ready to be sent."""

from collections.abc import Awaitable, Callable
from enum import Enum, IntEnum, StrEnum
from typing import Protocol

from msgspec import Struct

from .effect import Effect
from .http import IDEMPOTENT_METHODS, SAFE_METHODS, Headers
from .trace import Span


class RouteEffect(StrEnum):
    """What a call to a route may do on the provider's side."""

    READ = "read"
    IDEMPOTENT = "idempotent"
    PAYMENT = "payment"


def effect_of_method(method: str) -> RouteEffect:
    """Say what a method promises (RFC 9110 section 9.2); one that nobody knows is a payment."""
    if method in SAFE_METHODS:
        return RouteEffect.READ
    return RouteEffect.IDEMPOTENT if method in IDEMPOTENT_METHODS else RouteEffect.PAYMENT


class Delivery(IntEnum):
    """How much of the request was handed to the transport. Only `NONE` proves anything."""

    NONE = 0
    PARTIAL = 1
    COMPLETE = 2


class StreamEnd(Enum):
    """How a body stream ended, given by `read` in place of bytes."""

    WHOLE = "whole"
    CUT = "cut"  # the other side went away, broke its framing, or was too slow
    TOO_LARGE = "too_large"  # it grew past its bound


class BodyStream(Protocol):
    """A body that is read once, piece by piece. Only `listener` and `attempt` touch one."""

    @property
    def length(self) -> int | None:
        """Bytes announced by Content-Length; None where the body is chunked."""

    async def read(self) -> bytes | StreamEnd:
        """Give the next piece, never empty, or how the stream ended (again, if asked again)."""


class Key(Struct, frozen=True):
    """An idempotency key on its way to the provider."""

    value: str  # decoded: what is compared; what is on the wire stands in the call's headers
    is_honoured: bool  # documented for this route by the profile, or `trusted` by the operator
    covers_failures: bool  # the repeat is deduplicated after a failure too (`key_stores`)
    is_generated: bool
    usable_until: float  # monotonic seconds: the provider may have forgotten it after that


class Progress:
    """What is known of a call while it is under way, for whoever must answer before it ends.

    Changed only by `attempt` (`began_sending`, `hold`), `retry` (`settle`), `ledger` (`follow`,
    `join`), by whoever waits for the journey (`abandon`, `let_go`), and by each place that waits:
    for the provider, for a place under a limit, before another try, for the caller's own bytes.
    """

    __slots__ = (
        "_held",
        "_on_abandon",
        "_waited_s",
        "_waits_since",
        "attempts",
        "delivery",
        "effect",
        "is_abandoned",
        "is_joined",
        "is_sending",
        "outcome_id",
        "sending_since",
    )

    def __init__(self) -> None:
        self.effect = Effect.NONE  # joined over the attempts that have ended
        self.delivery = Delivery.NONE  # the furthest that any attempt came
        self.attempts = 0
        self.is_sending = False  # an attempt is under way that handed over a byte
        self.sending_since: float | None = None  # monotonic seconds: the first that did began then
        self.is_abandoned = False  # nobody waits for the answer: start nothing new
        self.is_joined = False  # it waits for the same request, under way in another call
        self.outcome_id: str | None = None  # under which the ledger follows it, once it is unknown
        self._on_abandon: Callable[[], Awaitable[None] | None] | None = None
        self._waited_s = 0.0
        self._waits_since: float | None = None
        self._held: Callable[[], None] | None = None

    def began_sending(self, started: float) -> None:
        """Note that the first byte of an attempt that *started* then is about to be handed over."""
        self.is_sending = True
        if self.sending_since is None:
            self.sending_since = started
        self.delivery = max(self.delivery, Delivery.PARTIAL)

    def settle(self, effect: Effect, delivery: Delivery, attempts: int) -> None:
        """Note what is known after an attempt has ended, joined with what was known before."""
        self.effect = effect
        self.delivery = max(self.delivery, delivery)
        self.attempts = attempts
        self.is_sending = False

    def begin_wait(self, now: float) -> None:
        """Note that from *now* on somebody else is waited for."""
        self._waits_since = now

    def end_wait(self, now: float) -> None:
        """Note that the wait is over."""
        self._waited_s, self._waits_since = self.waited_by(now), None

    def waited(self, seconds: float) -> None:
        """Add *seconds* of a wait that nobody else has counted."""
        self._waited_s += seconds

    def waited_by(self, now: float) -> float:
        """Give the seconds spent waiting, a wait under way included."""
        since = self._waits_since
        return self._waited_s if since is None else self._waited_s + now - since

    def hold(self, release: Callable[[], None]) -> None:
        """Note that an answer still holds its connection, until *release* is called."""
        self._held = release

    def let_go(self) -> None:
        """Release what an answer holds, if it does: nobody will read it to its end."""
        if self._held is not None:
            self._held()

    @property
    def is_in_doubt(self) -> bool:
        """Whether something may have been done by now: what was decided counts until it is told."""
        return self.is_sending or self.effect is not Effect.NONE

    def follow(
        self, outcome_id: str, on_abandon: Callable[[], Awaitable[None] | None] | None = None
    ) -> None:
        """Note under which id the ledger follows the call.

        *on_abandon* is asked where nobody waits for its end any more; what it gives ends once the
        ledger has written down what may become of it.
        """
        self.outcome_id = outcome_id
        self.is_joined = False
        self._on_abandon = on_abandon

    def join(self, outcome_id: str) -> None:
        """Note that the call waits for another one, which the ledger follows under that id."""
        self.outcome_id = outcome_id
        self.is_joined = True

    def abandon(self) -> Awaitable[None] | None:
        """Note that the caller left or ran out of time; give what ends once that is written."""
        if self.is_abandoned:
            return None
        self.is_abandoned = True
        return None if self._on_abandon is None else self._on_abandon()


class Call(Struct, frozen=True):
    """Everything a policy may know of a request. A policy never edits one; it hands on a copy."""

    request_id: str
    provider: str
    route: str  # a configured name, never a raw path
    operation: str  # the profile's name of what the call does; "" where it knows none
    method: str
    target: bytes  # origin-form as it goes out: the base path, path and query, byte for byte
    headers: Headers  # end-to-end fields only, the mapped key included
    body: bytes | BodyStream
    effect: RouteEffect
    deadline: float  # monotonic seconds: bounds the caller's wait, not a payment
    progress: Progress
    key: Key | None = None
    attempt: int = 1
    may_repeat: bool = True  # False with `Paysluice-Retry: off`
    is_guarded: bool = False  # a payment that our ledger lets through once for each key
    span: Span | None = None  # of the request, where spans are made: each attempt is a child of it
    before_first_byte: Callable[[], Awaitable[bool]] | None = None  # a durable claim; False: lost

    @property
    def is_keyed(self) -> bool:
        """Whether a repeat lands on the same operation because the provider knows the key."""
        return self.key is not None and self.key.is_honoured

    @property
    def rests_on_key(self) -> bool:
        """Whether its key licenses a repeat after a failure too."""
        return self.key is not None and self.key.is_honoured and self.key.covers_failures
