"""From a request that is sound to a call that can be sent: its body, its fields, its key."""

from aiohttp import web
from msgspec import Struct

from proxy.ledger import Keyed, KeyRule, apply, field_of
from proxy.retry import refused
from proxy.route import Matched
from proxy.terms import (
    BodyStream,
    Call,
    Clock,
    Emit,
    Headers,
    KeyHandled,
    NewId,
    Progress,
    Refusal,
    Refused,
    Span,
    StreamEnd,
)

from .body import CallerBody
from .destination import Destination
from .headers import forwarded
from .request import RequestFacts
from .settings import CallerSettings
from .tracing import Tracing


class Judged(Struct, frozen=True):
    """A request whose head is sound, and where it goes."""

    request_id: str
    started: float  # monotonic seconds: the caller's wait is counted from here
    headers: Headers
    facts: RequestFacts
    matched: Matched
    destination: Destination
    span: Span | None


class Preparer:
    """Makes calls of requests."""

    def __init__(
        self,
        settings: CallerSettings,
        clock: Clock,
        emit: Emit,
        new_id: NewId,
        tracing: Tracing,
        *,
        max_body_bytes: int,
    ) -> None:
        self._settings = settings
        self._clock = clock
        self._emit = emit
        self._new_id = new_id
        self._tracing = tracing
        self._max_body_bytes = max_body_bytes

    async def call(self, request: web.BaseRequest, judged: Judged) -> Call | Refused:
        """Read the body, and give the call; or say why it cannot be sent."""
        if judged.facts.length == 0:
            return self._prepare(request, judged, b"")
        began = self._clock.monotonic()
        body = await self._read_body(request, judged)
        waited_s = self._clock.monotonic() - began
        if isinstance(body, Refused):
            return body
        call = self._prepare(request, judged, body)
        if isinstance(call, Call):
            call.progress.waited(waited_s)
        return call

    def _prepare(
        self, request: web.BaseRequest, judged: Judged, body: bytes | BodyStream
    ) -> Call | Refused:
        """Choose the fields that go on, and put the key where the provider reads it."""
        rule = judged.destination.key_rule(judged.matched, request.method)
        headers = forwarded(
            judged.headers,
            key_name=b"" if rule is None else field_of(rule.name),
            version=b"%d.%d" % request.version,
            hops_left=judged.facts.hops_left,
        )
        if not isinstance(headers, tuple):
            return headers
        headers = self._tracing.passed_on(headers)
        keyed = self._key(headers, body, rule, judged, request.method)
        if not isinstance(keyed, Keyed):
            return keyed
        is_guarded = rule is not None and rule.is_guarded
        return self._call(request, judged, keyed, is_guarded=is_guarded)

    async def _read_body(
        self, request: web.BaseRequest, judged: Judged
    ) -> bytes | BodyStream | Refused:
        body = CallerBody(
            request.content,
            length=judged.facts.length,
            max_bytes=self._max_body_bytes,
            idle_s=self._settings.body_timeout,
        )
        match await body.keep(min(judged.destination.replay_body_bytes, self._max_body_bytes)):
            case bytes(whole):
                return whole
            case None:
                return body
            case StreamEnd.TOO_LARGE:
                return Refused(reason=Refusal.TOO_LARGE)
            case _:
                return refused(body.cut_by)

    def _key(
        self,
        headers: Headers,
        body: bytes | BodyStream,
        rule: KeyRule | None,
        judged: Judged,
        method: str,
    ) -> Keyed | Refused:
        destination = judged.destination
        keyed = apply(
            headers,
            body,
            rule=rule,
            effect=judged.matched.effect,
            method=method,
            require=destination.requires_key,
            generate=destination.generates_key,
            now=self._clock.monotonic(),
            new_id=self._new_id,
        )
        if isinstance(keyed, Keyed):
            result = keyed.result
        else:
            result = "missing" if keyed.reason is Refusal.KEY_MISSING else "none"
        is_told_later = result == "new" and rule is not None and rule.is_guarded  # by the ledger
        if result != "none" and not is_told_later:
            self._emit(KeyHandled(judged.request_id, destination.name, result))
        return keyed

    def _call(
        self, request: web.BaseRequest, judged: Judged, keyed: Keyed, *, is_guarded: bool
    ) -> Call:
        destination, matched, wishes = judged.destination, judged.matched, judged.facts.wishes
        total_s = min(destination.total_s, wishes.timeout_s or destination.total_s)
        return Call(
            request_id=judged.request_id,
            provider=destination.name,
            route=matched.route,
            operation=matched.operation,
            method=request.method,
            target=matched.target,
            headers=keyed.headers,
            body=keyed.body,
            effect=matched.effect,
            deadline=judged.started + total_s,
            progress=Progress(),
            key=keyed.key,
            may_repeat=wishes.may_repeat,
            is_guarded=is_guarded,
            span=judged.span,
        )
