"""One request from its first byte to the last of its answer: the caller's side of the journey."""

from collections.abc import Callable, Mapping

from aiohttp import web
from msgspec.structs import replace

from proxy.normalise import accepts_problem, words_of
from proxy.retry import refused
from proxy.route import Matched, Router
from proxy.terms import (
    Answered,
    Call,
    Clock,
    Emit,
    NewId,
    Outcome,
    Refusal,
    Refused,
    Responded,
    RouteEffect,
)
from proxy.terms.http import indexed
from proxy.terms.trace import sampled_trace

from .body import CallerBody
from .connection import CallerConnection, Written
from .destination import Destination
from .journeys import Journeys, fault_in
from .ourselves import PREFIX as OURSELVES
from .ourselves import Ask, Question, answer, read_question
from .prepare import Judged, Preparer
from .raw import origins_of, raw_target, takes_over
from .request import Bounds, RequestFacts, judge_head
from .respond import DEFAULT_SHAPE, OUR_OPTIONS, About, Shape, message_for
from .serving import NOBODY, Serving
from .settings import CallerSettings
from .tracing import NO_SPANS, Tracing
from .write import CONTINUE, Writer

# After these the rest of the request, if there is one, cannot be told from the next.
_SPOILING = frozenset(
    {
        Refusal.MALFORMED,
        Refusal.CALLER_TOO_SLOW,
        Refusal.CALLER_LEFT,
        Refusal.TOO_LARGE,
        Refusal.HEADERS_TOO_LARGE,
    }
)


class Handler:
    """Serves requests, one at a time for each connection."""

    def __init__(
        self,
        router: Router,
        destinations: Mapping[str, Destination],
        journeys: Journeys,
        settings: CallerSettings,
        clock: Clock,
        emit: Emit,
        new_id: NewId,
        ask: Ask,
        *,
        max_body_bytes: int,
        is_draining: Callable[[], bool],
        tracing: Tracing = NO_SPANS,
    ) -> None:
        self._router = router
        self._destinations = destinations
        self._journeys = journeys
        self._bounds = Bounds(settings.max_header_bytes, max_body_bytes)
        self._clock = clock
        self._emit = emit
        self._new_id = new_id
        self._ask = ask
        self._is_draining = is_draining
        self._tracing = tracing
        self._preparer = Preparer(
            settings, clock, emit, new_id, tracing, max_body_bytes=max_body_bytes
        )
        self._writer = Writer(clock, stall_s=settings.body_timeout)

    def go_by(self, router: Router, destinations: Mapping[str, Destination]) -> None:
        """Serve what comes from now on by these; what is under way goes on as it began."""
        self._router = router
        self._destinations = destinations

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        serving = Serving(self._new_id(), self._clock.monotonic())
        connection = request.protocol
        assert isinstance(connection, CallerConnection)
        serving.headers = indexed(request.raw_headers)
        serving.span = self._tracing.span(serving.headers, self._new_id)
        connection.head_came(request, serving.headers)
        try:
            outcome = await self._outcome(request, connection, serving)
            return await self._respond(request, outcome, serving)
        except Exception as fault:  # noqa: BLE001 - a bug of ours ends one request, not the process
            return await self._respond_to_fault(request, fault, serving)
        finally:
            if serving.call is not None:
                await self._finish(connection, serving.call)
            connection.request_ended()

    async def _finish(self, connection: CallerConnection, call: Call) -> None:
        """Leave nothing of an answered call behind, whatever became of it."""
        call.progress.let_go()
        if isinstance(call.body, CallerBody):
            call.body.cut()
            if call.body.is_being_read:
                await self._clock.sleep(0.0)  # its upload was cancelled in this turn of the loop
            if call.body.is_being_read:
                # The journey still waits for it: nobody else may read what comes.
                connection.force_close()

    async def _outcome(
        self, request: web.BaseRequest, connection: CallerConnection, serving: Serving
    ) -> Outcome:
        """Judge the request, and send it on its journey."""
        judged = self._judge(request, serving)
        if not isinstance(judged, Judged):
            return await answer(judged, self._ask) if isinstance(judged, Question) else judged
        arrivals, is_payment = judged.destination.arrivals, serving.effect is RouteEffect.PAYMENT
        arrivals.paying += is_payment
        try:
            call = await self._preparer.call(request, judged)
            if not isinstance(call, Call):
                return call
            serving.call = call
            connection.on_lost(call.progress.abandon)
            return await self._journeys.run(judged.destination.service, call)
        finally:
            arrivals.paying -= is_payment

    def _judge(self, request: web.BaseRequest, serving: Serving) -> Judged | Question | Outcome:
        """Say where the request goes, before a byte of its body is asked for."""
        headers = serving.headers
        wants_problem = accepts_problem(headers)
        if wants_problem:
            serving.shape = replace(DEFAULT_SHAPE, wants_problem=True)
        target = raw_target(request)
        origins = () if target.startswith(b"/") else origins_of(request)
        facts = judge_head(request.method, request.version, target, headers, self._bounds, origins)
        if not isinstance(facts, RequestFacts):
            return facts
        matched = self._find(request.method, facts)
        if not isinstance(matched, Matched):
            return matched
        if facts.overrides_method:
            matched = replace(matched, effect=RouteEffect.PAYMENT)
        destination = self._destinations[matched.provider]
        serving.provider, serving.route = matched.provider, matched.route
        serving.effect, serving.destination = matched.effect, destination
        errors = destination.errors
        mode = facts.wishes.error_mode or errors.mode
        serving.shape = Shape(mode, errors.embedded, errors.include_body, wants_problem)
        if destination.is_paused(matched.effect):
            return refused(Refusal.PAUSED)
        if facts.expects_continue:
            denied = destination.peek(matched)
            if denied is not None:
                return denied
            if request.transport is not None:
                request.transport.write(CONTINUE)
        return Judged(
            serving.request_id,
            serving.started,
            headers,
            facts,
            matched,
            destination,
            serving.span,
        )

    def _find(self, method: str, facts: RequestFacts) -> Matched | Question | Outcome:
        """Say what a request is for: a provider, or ourselves."""
        if facts.target == b"*":
            return OUR_OPTIONS
        if facts.target.startswith(OURSELVES):
            return read_question(method, facts.target)
        matched = self._router.match(method, facts.target)
        return OUR_OPTIONS if isinstance(matched, Matched) and facts.hops_left == 0 else matched

    async def _respond(
        self, request: web.BaseRequest, outcome: Outcome, serving: Serving
    ) -> web.StreamResponse:
        connection = request.protocol
        assert isinstance(connection, CallerConnection)
        provider = None if serving.provider == NOBODY else serving.provider
        key = serving.call.key if serving.call is not None else None
        destination = serving.destination
        about = About(
            serving.request_id,
            provider,
            serving.effect,
            serving.shape,
            key,
            stop=destination.stop if destination is not None else None,
            native_errors=destination.native_errors if destination is not None else None,
        )
        message = message_for(outcome, about)
        must_close = (
            not request.keep_alive
            or takes_over(request.method, serving.headers)
            or request.version < (1, 1)
            or self._is_draining()
            or (isinstance(outcome, Refused) and outcome.reason in _SPOILING)
        )
        serving.has_begun_answer = True
        began = self._clock.monotonic()
        is_whole = False
        connection.must_reset = self._writer.ends_with_connection(request, message)
        try:
            is_whole = await self._writer.write(request, message, close=must_close)
        finally:
            connection.must_reset = False
            if message.rest is not None and serving.call is not None:
                serving.call.progress.waited(self._clock.monotonic() - began)
            self._report(request.method, outcome, serving, message.status, is_whole=is_whole)
        return Written(keep_alive=is_whole and not must_close).as_response()

    async def _respond_to_fault(
        self, request: web.BaseRequest, fault: Exception, serving: Serving
    ) -> web.StreamResponse:
        """Tell of a bug of ours, and of what the call may have done before it."""
        self._emit(fault_in(serving.request_id, fault))
        if serving.has_begun_answer:
            if request.transport is not None:
                request.transport.abort()
            return Written(keep_alive=False).as_response()
        outcome: Outcome = Refused(reason=Refusal.INTERNAL)
        if serving.call is not None:
            outcome = self._journeys.faulty(serving.call)
        return await self._respond(request, outcome, serving)

    def answer_fault(self, request: web.BaseRequest, fault: Refused) -> Written:
        """Answer what never came to be a request."""
        serving = Serving(self._new_id(), self._clock.monotonic())
        about = About(serving.request_id, None, serving.effect, DEFAULT_SHAPE)
        message = message_for(fault, about)
        if request.transport is not None:
            head = self._writer.head(request, message, close=True)
            request.transport.write(head + message.body)
        self._report("_OTHER", fault, serving, message.status, is_whole=True)
        return Written(keep_alive=False)

    def _report(
        self, method: str, outcome: Outcome, serving: Serving, status: int, *, is_whole: bool
    ) -> None:
        error_code, word = words_of(outcome, effect=serving.effect)
        facts = outcome.facts if isinstance(outcome, Answered) else None
        now = self._clock.monotonic()
        self._emit(
            Responded(
                request_id=serving.request_id,
                provider=serving.provider,
                route=serving.route,
                method=method,
                status=status,
                error_code=error_code,
                outcome=word,
                duration_s=now - serving.started,
                upstream_s=serving.waited_by(now),
                attempts=outcome.attempts,
                provider_code=facts.code if facts else None,
                trace_id=facts.trace_id if facts else None,
                is_whole=is_whole,
                caller_trace=sampled_trace(serving.headers),
                span=serving.span,
            )
        )
