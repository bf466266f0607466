"""One request from its first byte to the last of its answer: the caller's side of the journey."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from aiohttp import web

from proxy.ledger.keys import Keyed, apply
from proxy.route import Matched, Router
from proxy.terms import (
    Answered,
    BodyStream,
    Call,
    Clock,
    Emit,
    Headers,
    Key,
    KeyHandled,
    NewId,
    Outcome,
    Progress,
    Refusal,
    Refused,
    Responded,
    RouteEffect,
    StreamEnd,
)

from .body import CallerBody
from .connection import CallerConnection, Written
from .destination import Destination
from .headers import forwarded
from .journeys import Journeys
from .request import Bounds, RequestFacts, judge_head
from .respond import DEFAULT_SHAPE, About, Shape, message_for, shape_for, words_of
from .settings import CallerSettings
from .write import CONTINUE, Writer

_NOBODY = "none"


@dataclass(slots=True)
class _Serving:
    """What is known of the request being served; written as it becomes known."""

    request_id: str
    started: float
    provider: str = _NOBODY
    route: str = "other"
    effect: RouteEffect = RouteEffect.PAYMENT
    shape: Shape = DEFAULT_SHAPE
    key: Key | None = None
    waited_s: float = 0.0


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
        *,
        max_body_bytes: int,
        is_draining: Callable[[], bool],
    ) -> None:
        self._router = router
        self._destinations = destinations
        self._journeys = journeys
        self._settings = settings
        self._bounds = Bounds(settings.max_header_bytes, max_body_bytes)
        self._clock = clock
        self._emit = emit
        self._new_id = new_id
        self._is_draining = is_draining
        self._writer = Writer(clock, stall_s=settings.body_timeout)

    async def serve(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request."""
        serving = _Serving(self._new_id(), self._clock.monotonic())
        connection = request.protocol
        assert isinstance(connection, CallerConnection)
        connection.head_came()
        try:
            outcome = await self._outcome(request, connection, serving)
            return await self._respond(request, outcome, serving)
        finally:
            connection.request_ended()

    async def _outcome(
        self, request: web.BaseRequest, connection: CallerConnection, serving: _Serving
    ) -> Outcome:
        """Judge the request, and send it on its journey."""
        headers: Headers = request.raw_headers
        facts = judge_head(
            request.method, request.version, _raw_target(request), headers, self._bounds
        )
        if isinstance(facts, Refused):
            return facts
        matched = self._router.match(request.method, facts.target)
        if isinstance(matched, Refused):
            return matched
        destination = self._destinations[matched.provider]
        serving.provider, serving.route = matched.provider, matched.route
        serving.effect = matched.effect
        serving.shape = _shape(destination, facts, headers)
        if destination.is_paused(matched.effect):
            return Refused(reason=Refusal.PAUSED, is_retryable=True)
        if facts.expects_continue:
            refused = destination.peek(matched)
            if refused is not None:
                return refused
            if request.transport is not None:
                request.transport.write(CONTINUE)
        body = await self._read_body(request, facts, destination)
        if isinstance(body, Refused):
            return body
        call = self._call(request, matched, destination, facts, body, serving)
        if isinstance(call, Refused):
            return call
        connection.on_lost(call.progress.abandon)
        outcome = await self._journeys.run(destination.service, call)
        serving.waited_s = call.progress.waited_s
        return outcome

    async def _read_body(
        self, request: web.BaseRequest, facts: RequestFacts, destination: Destination
    ) -> bytes | BodyStream | Refused:
        body = CallerBody(
            request.content,
            length=facts.length,
            max_bytes=self._bounds.max_body_bytes,
            idle_s=self._settings.body_timeout,
        )
        match await body.keep(min(destination.replay_body_bytes, self._bounds.max_body_bytes)):
            case bytes(whole):
                return whole
            case None:
                return body
            case StreamEnd.TOO_LARGE:
                return Refused(reason=Refusal.TOO_LARGE)
            case _:
                is_gone = request.transport is None or request.transport.is_closing()
                reason = Refusal.CALLER_LEFT if is_gone else Refusal.CALLER_TOO_SLOW
                return Refused(reason=reason, is_retryable=True)

    def _call(
        self,
        request: web.BaseRequest,
        matched: Matched,
        destination: Destination,
        facts: RequestFacts,
        body: bytes | BodyStream,
        serving: _Serving,
    ) -> Call | Refused:
        headers = forwarded(request.raw_headers)
        if isinstance(headers, Refused):
            return headers
        keyed = self._keyed(headers, body, matched, destination, request.method, serving)
        if isinstance(keyed, Refused):
            return keyed
        serving.key = keyed.key
        wish_s = facts.wishes.timeout_s
        total_s = destination.total_s if wish_s is None else min(destination.total_s, wish_s)
        return Call(
            request_id=serving.request_id,
            provider=matched.provider,
            route=matched.route,
            operation=matched.operation,
            method=request.method,
            target=matched.target,
            headers=keyed.headers,
            body=keyed.body,
            effect=matched.effect,
            deadline=serving.started + total_s,
            progress=Progress(),
            key=keyed.key,
            tenant=destination.tenant(request.raw_headers),
            may_repeat=facts.wishes.may_repeat,
        )

    def _keyed(
        self,
        headers: Headers,
        body: bytes | BodyStream,
        matched: Matched,
        destination: Destination,
        method: str,
        serving: _Serving,
    ) -> Keyed | Refused:
        keyed = apply(
            headers,
            body,
            rule=destination.key_rule(matched, method),
            effect=matched.effect,
            method=method,
            require=destination.requires_key,
            generate=destination.generates_key,
            now=self._clock.monotonic(),
            new_id=self._new_id,
        )
        if isinstance(keyed, Refused):
            if keyed.reason is Refusal.KEY_MISSING:
                self._emit(KeyHandled(serving.request_id, matched.provider, "missing"))
        elif keyed.result != "none":
            self._emit(KeyHandled(serving.request_id, matched.provider, keyed.result))
        return keyed

    async def _respond(
        self, request: web.BaseRequest, outcome: Outcome, serving: _Serving
    ) -> web.StreamResponse:
        provider = None if serving.provider == _NOBODY else serving.provider
        about = About(serving.request_id, provider, serving.effect, serving.shape, serving.key)
        message = message_for(outcome, about)
        must_close = (
            not request.keep_alive
            or request.version < (1, 1)
            or self._is_draining()
            or _spoils(outcome)
        )
        is_whole = await self._writer.write(request, message, close=must_close)
        self._report(request.method, outcome, serving, message.status, is_whole=is_whole)
        return Written(keep_alive=is_whole and not must_close).as_response()

    def answer_fault(self, request: web.BaseRequest, refused: Refused) -> Written:
        """Answer what never came to be a request, or met a bug of ours."""
        serving = _Serving(self._new_id(), self._clock.monotonic())
        about = About(serving.request_id, None, RouteEffect.READ, DEFAULT_SHAPE)
        message = message_for(refused, about)
        if request.transport is not None:
            head = self._writer.head(request, message, close=True)
            request.transport.write(head + message.body)
        self._report("_OTHER", refused, serving, message.status, is_whole=True)
        return Written(keep_alive=False)

    def _report(
        self, method: str, outcome: Outcome, serving: _Serving, status: int, *, is_whole: bool
    ) -> None:
        error_code, word = words_of(outcome, serving.effect)
        facts = outcome.facts if isinstance(outcome, Answered) else None
        self._emit(
            Responded(
                request_id=serving.request_id,
                provider=serving.provider,
                route=serving.route,
                method=method,
                status=status,
                error_code=error_code,
                outcome=word,
                duration_s=self._clock.monotonic() - serving.started,
                upstream_s=serving.waited_s,
                attempts=outcome.attempts,
                provider_code=facts.code if facts else None,
                trace_id=facts.trace_id if facts else None,
                is_whole=is_whole,
            )
        )


def _raw_target(request: web.BaseRequest) -> bytes:
    # aiohttp decodes the target as UTF-8 with surrogateescape: this gives the bytes back.
    return request.raw_path.encode("utf-8", "surrogateescape")


def _shape(destination: Destination, facts: RequestFacts, headers: Headers) -> Shape:
    errors = destination.errors
    mode = facts.wishes.error_mode or errors.mode
    return shape_for(mode, errors.embedded, headers, include_body=errors.include_body)


def _spoils(outcome: Outcome) -> bool:
    """Whether the rest of this request, if there is one, makes the connection useless."""
    return isinstance(outcome, Refused) and outcome.reason in {
        Refusal.MALFORMED,
        Refusal.CALLER_TOO_SLOW,
        Refusal.CALLER_LEFT,
        Refusal.TOO_LARGE,
        Refusal.HEADERS_TOO_LARGE,
    }
