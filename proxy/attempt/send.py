"""One try over the wire, as a service: it gives a value for every end, with its `Delivery`.

Rule 1: nothing is handed to the transport before the claim is taken and the connection asked.
Rule 2: `Delivery` rises just before the first byte and never falls.
Rule 3: deadlines of the caller stop what was not begun; what was begun runs to `attempt`.
Rule 4: nothing here is sent twice: repeating is for `retry` to decide.
"""

from collections.abc import Awaitable, Callable
from math import inf
from typing import Final

from proxy.classify import Classifier
from proxy.terms import (
    Answer,
    Answered,
    AttemptEnded,
    Call,
    Clock,
    CodeUnmapped,
    Delivery,
    Emit,
    ErrorCode,
    Failed,
    Kind,
    NewId,
    Outcome,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
    Span,
)
from proxy.terms.http import MIN_ERROR_STATUS, first
from proxy.terms.trace import child_of

from .body import RestOfBody
from .connection import Connection
from .exchange import Exchange
from .failures import failed
from .parse import Head
from .pool import Pool
from .request import RequestHead
from .settings import TimeoutSettings

# Connections that one attempt may find closed, or spoilt by bytes nobody asked for, before it
# writes to one: a provider that hangs up on everybody is not stormed.
MAX_CONNECTIONS: Final = 3
# An answer of a payment is whole here before anything is said of it.
PAYMENT_BODY_BYTES: Final = 1_048_576
# As much of an error as is read for its meaning.
ERROR_BODY_BYTES: Final = 262_144
# A short answer to a read is whole too: cut, it can be asked for again.
READ_BODY_BYTES: Final = 65_536
# One that takes longer to come is taken for a live stream, and goes on as it comes.
READ_BODY_S: Final = 1.0


class Attempt:
    """Sends a call to one provider, once."""

    def __init__(
        self,
        pool: Pool,
        request_head: RequestHead,
        classifier: Classifier,
        timeouts: TimeoutSettings,
        clock: Clock,
        emit: Emit,
        new_id: NewId,
    ) -> None:
        self._pool = pool
        self._request_head = request_head
        self._classifier = classifier
        self._timeouts = timeouts
        self._clock = clock
        self._emit = emit
        self._new_id = new_id

    async def __call__(self, call: Call) -> Outcome:
        """Give the outcome of sending *call* once."""
        started = self._clock.monotonic()
        call.progress.begin_wait(started)
        span = None if call.span is None else child_of(call.span, self._new_id)
        outcome = await self._send(call, started, span)
        call.progress.end_wait(self._clock.monotonic())
        duration_s = self._clock.monotonic() - started
        if isinstance(outcome, Answered):
            self._emit(_report(call, outcome, duration_s, span))
            if outcome.error_code is not None:
                self._learn(call, outcome.error_code, outcome)
        elif isinstance(outcome, Failed):
            self._emit(_report(call, outcome, duration_s, span))
        return outcome

    async def _send(self, call: Call, started: float, span: Span | None) -> Outcome:
        until = min(call.deadline, started + self._timeouts.attempt)
        # What could be sent again after a failure may take a connection that might be closing.
        is_repeatable = call.effect is not RouteEffect.PAYMENT or call.rests_on_key
        for _ in range(MAX_CONNECTIONS):
            connection = self._pool.lend_idle(is_repeatable=is_repeatable)
            is_usable = connection is not None  # it was asked this very moment
            if connection is None:
                opened = await self._pool.acquire(until, is_repeatable=is_repeatable)
                if isinstance(opened, ProxyError):
                    return failed(call, opened, Delivery.NONE)
                connection = opened
            claim = call.before_first_byte
            if claim is not None:
                if not await self._is_ours(claim, connection):
                    return Refused(reason=Refusal.CLAIM_LOST)
                started = self._clock.monotonic()  # the ledger's time is not the provider's
            if call.progress.is_abandoned or self._clock.monotonic() >= call.deadline:
                self._pool.release(connection)
                return Refused(reason=Refusal.CALLER_LEFT)
            if (is_usable and claim is None) or connection.is_usable:
                return await self._exchange(call, connection, started, span)
            # It went away while the claim was taken; not a byte was written to it.
            self._pool.discard(connection, "closed")
        return failed(call, ProxyError.CONNECTION_TERMINATED, Delivery.NONE)

    async def _is_ours(self, claim: Callable[[], Awaitable[bool]], connection: Connection) -> bool:
        """Take the claim; where it is not had, the connection goes back."""
        is_taken = False
        try:
            is_taken = await claim()
            return is_taken
        finally:
            if not is_taken:
                self._pool.release(connection)

    async def _exchange(
        self, call: Call, connection: Connection, started: float, span: Span | None
    ) -> Outcome:
        exchange = Exchange(connection, call, self._timeouts, self._clock)
        is_lent_on = False
        try:
            is_read = self._classifier.reads_success(call.operation, call.method)
            request_head = self._request_head.render(call, is_read=is_read, span=span)
            exchange.send(request_head, started)
            head = await exchange.head()
            if not isinstance(head, Head):
                return head
            body: bytes | Failed | None = exchange.whole_body()
            if body is None:
                body = await exchange.read_body(*self._reading(call, head))
            if not isinstance(body, bytes):
                return body
            rest = exchange.rest()
            outcome = self._classify(call, head, body, rest, exchange.delivery)
            if rest is not None:
                is_lent_on = True
                rest.on_end(lambda: self._take_back(exchange))
                call.progress.hold(rest.close)
            return outcome
        finally:
            if not is_lent_on:
                self._take_back(exchange)

    def _reading(self, call: Call, head: Head) -> tuple[int, float]:
        """Say how much of the body is read before anything is said of the answer.

        In bytes, and in the seconds after which what is there has to do: the rest streams.
        """
        if head.status >= MIN_ERROR_STATUS:
            return ERROR_BODY_BYTES, inf
        if call.effect is RouteEffect.PAYMENT or self._classifier.reads_success(
            call.operation, call.method
        ):
            return PAYMENT_BODY_BYTES, inf
        is_live = (first(head.headers, b"content-type") or b"").startswith(b"text/event-stream")
        is_long = head.length is not None and head.length > READ_BODY_BYTES
        return (0 if is_live or is_long else READ_BODY_BYTES), READ_BODY_S

    def _classify(
        self, call: Call, head: Head, body: bytes, rest: RestOfBody | None, delivery: Delivery
    ) -> Answered:
        return self._classifier.classify(
            Answer(head.status, head.reason, head.headers, body, rest),
            method=call.method,
            operation=call.operation,
            effect=call.effect,
            delivery=delivery,
            wall=self._clock.wall(),
        )

    def _take_back(self, exchange: Exchange) -> None:
        if exchange.close():
            self._pool.release(exchange.connection)
        else:
            self._pool.discard(exchange.connection, exchange.spoilt_by)

    def _learn(self, call: Call, word: ErrorCode, outcome: Answered) -> None:
        """Report a code that the profile does not know; it was taken for *word*."""
        facts = outcome.facts
        if facts.code is None or self._classifier.maps_code(facts.code):
            return
        self._emit(
            CodeUnmapped(call.provider, facts.code, outcome.answer.status, facts.message, word)
        )


def _report(
    call: Call, outcome: Answered | Failed, duration_s: float, span: Span | None
) -> AttemptEnded:
    if isinstance(outcome, Answered):
        status, reason = outcome.answer.status, None
        code, is_throttled = outcome.facts.code, outcome.kind is Kind.THROTTLED
    else:
        status, reason, code, is_throttled = None, outcome.reason, None, False
    return AttemptEnded(
        call.request_id,
        call.provider,
        call.route,
        duration_s,
        outcome.delivery,
        status=status,
        reason=reason,
        provider_code=code,
        is_throttled=is_throttled,
        method=call.method,
        attempt=call.attempt,
        span=span,
    )
