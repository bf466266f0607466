"""The simulated provider: a payment API that misbehaves on request and counts what it charged."""

import json
from collections.abc import Mapping
from email.utils import formatdate
from typing import Final

from aiohttp import web

from proxy.endpoint import Endpoint
from proxy.terms import Clock, Roll

from . import wire
from .control import Control
from .faults import NONE, Edge, Processing, RetryAfter, Wire
from .journal import Journal, Seen
from .payments import Book, Payments, Record, Submission
from .reply import Reply, at_the_edge, error
from .script import FAULT_HEADER, SCRIPT_HEADER, Mix, Scripts, Step, UnknownFaultError

KEEP: Final = 10_000
MAX_BODY: Final = 1024 * 1024
_MAX_HEAD: Final = 65_536
_STOP_GRACE_S: Final = 0.2


class Simulator:
    """A provider on a socket of its own.

    `charges` counts per call: with `honours_keys=False` a repeated key is charged again, which is
    how a test shows that somebody repeated what must not be repeated.
    """

    def __init__(
        self,
        *,
        clock: Clock,
        roll: Roll,
        honours_keys: bool = True,
        mix: Mapping[str, float] | None = None,
        keep: int = KEEP,
    ) -> None:
        self._clock = clock
        self._roll = roll
        self._honours_keys = honours_keys
        self._mix = Mix(mix) if mix else None
        self._keep = keep
        self._endpoint = Endpoint(self._make_server, grace_s=_STOP_GRACE_S)
        self.reset()

    @property
    def port(self) -> int:
        """Where it listens, 0 while it does not."""
        return self._endpoint.port

    @property
    def charges(self) -> tuple[Record, ...]:
        """The charges that are still kept, oldest first."""
        return self._payments.charges()

    @property
    def charge_count(self) -> int:
        """How many charges were ever made."""
        return self._payments.charged(Book.PAYMENTS)

    @property
    def requests(self) -> tuple[Seen, ...]:
        """The requests that are still kept, oldest first."""
        return self._journal.requests

    def reset(self) -> None:
        """Forget everything: charges, keys, requests, counts and where each script stands."""
        self._payments = Payments(honours_keys=self._honours_keys, keep=self._keep)
        self._journal = Journal(self._keep)
        self._scripts = Scripts(self._keep)
        self._control = Control(self._payments, self._journal)

    async def start(self, host: str = "127.0.0.1", port: int = 0) -> int:
        """Listen, and give the port."""
        await self._endpoint.open(host, port)
        return self.port

    async def stop(self) -> None:
        """Stop listening and close every connection."""
        await self._endpoint.close()

    def _make_server(self) -> web.Server:
        return web.Server(
            self._handle,
            handler_cancellation=True,  # a caller who hangs up frees the handler that hangs
            access_log=None,
            auto_decompress=False,
            max_line_size=_MAX_HEAD,
            max_field_size=_MAX_HEAD,
        )

    async def _handle(self, request: web.BaseRequest) -> web.StreamResponse:
        if (request.method, request.path) == ("POST", "/_sim/reset"):
            self.reset()
            return web.Response(status=204)
        view = self._control.view(
            request.method, request.path, request.query, int(self._clock.wall())
        )
        if view is not None:
            return wire.render(view)
        key = request.headers.get("Idempotency-Key") or None
        seen = self._journal.arrive(request.method, request.raw_path, key)
        try:
            return await self._answer(request, seen, key)
        except UnknownFaultError as unknown:
            return wire.render(self._error(400, "unknown_fault", f"No such fault: {unknown}"))
        except web.HTTPRequestEntityTooLarge:
            return wire.render(self._error(413, "request_too_large", "At most 1 MiB."))

    async def _answer(
        self, request: web.BaseRequest, seen: Seen, key: str | None
    ) -> web.StreamResponse:
        script = request.headers.get(FAULT_HEADER)
        identity = _identity(request, key)
        is_streamed = request.path.startswith("/_sim/")
        body: bytes | None = None
        if script and not identity and not is_streamed:
            body = await request.read()
            identity = _named("reference", _reference(body))
        step = self._step(script, identity)
        if step.fault.wire is Wire.CLOSE_BEFORE_READ:
            return wire.close(request)
        if is_streamed:
            return await self._stream(request, seen, step)
        body = await request.read() if body is None else body
        self._journal.complete(seen, _reference(body))
        reply = self._reply(request, key, body, step)
        if step.fault.waits:
            await self._clock.sleep(step.seconds)
        return await wire.send(request, reply, step.fault.wire)

    def _step(self, script: str | None, identity: str) -> Step:
        if script is not None:
            return self._scripts.next(identity, script)
        return self._mix.pick(self._roll()) if self._mix else Step(NONE)

    async def _stream(self, request: web.BaseRequest, seen: Seen, step: Step) -> web.StreamResponse:
        if step.fault.edge is not None:
            return wire.render(self._at_the_edge(step.fault.edge, step.seconds))
        if step.fault.waits:
            await self._clock.sleep(step.seconds)
        _, _, length = request.path.partition("/_sim/bytes/")
        if request.method in {"GET", "HEAD"} and length.isascii() and length.isdigit():
            seen.is_whole = True
            is_chunked = request.query.get("chunked") == "1"
            return await wire.stream_bytes(
                request, int(length), step.fault.wire, is_chunked=is_chunked
            )
        if (request.method, request.path) == ("POST", "/_sim/upload"):
            reply = await wire.swallow(request, self._payments.new_trace())
            seen.is_whole = True
            return await wire.send(request, reply, step.fault.wire)
        return wire.render(self._error(404, "resource_missing", "There is no such resource."))

    def _reply(self, request: web.BaseRequest, key: str | None, body: bytes, step: Step) -> Reply:
        if step.fault.edge is not None:
            return self._at_the_edge(step.fault.edge, step.seconds)
        method, path = request.method, request.path
        if method == "POST" and path in set(Book):
            if step.fault.processing is None:  # it hangs, and nothing came of it
                return self._error(500, "internal_error", "Nobody sees this.")
            busy_s = step.seconds if step.fault.waits else 0.0
            now, created = self._clock.monotonic(), int(self._clock.wall())
            asked = Submission(Book(path), key, body, now, created, busy_s)
            return self._payments.submit(asked, step.fault.processing)
        return self._look_up(request, step)

    def _look_up(self, request: web.BaseRequest, step: Step) -> Reply:
        method, path = request.method, request.path
        if method not in {"GET", "HEAD"}:
            allow = "POST" if path == Book.REFUNDS else "GET, HEAD, POST"
            return self._error(405, "method_not_allowed", "Not so.", allow)
        if step.fault.processing in {Processing.DECLINE, Processing.CHARGE_AND_FAIL}:
            return self._error(500, "internal_error", "Something went wrong.")
        if path == Book.PAYMENTS and request.query.get("reference"):
            return self._payments.find(request.query["reference"])
        if path.startswith(f"{Book.PAYMENTS}/"):
            return self._payments.show(path.removeprefix(f"{Book.PAYMENTS}/"))
        return self._error(404, "resource_missing", "There is no such resource.")

    def _at_the_edge(self, edge: Edge, seconds: float) -> Reply:
        retry_after: str | None = None
        if edge.retry_after is RetryAfter.SECONDS:
            retry_after = f"{seconds:g}"
        elif edge.retry_after is RetryAfter.DATE:
            retry_after = formatdate(self._clock.wall() + seconds, usegmt=True)
        return at_the_edge(edge, retry_after, self._payments.new_trace())

    def _error(self, status: int, code: str, message: str, allow: str | None = None) -> Reply:
        said = error(status, code, "invalid_request_error", message, self._payments.new_trace())
        return Reply(said.status, said.body, said.trace_id, allow=allow)


def _identity(request: web.BaseRequest, key: str | None) -> str:
    """Give what a script's cursor belongs to, as far as the head tells it."""
    return (
        _named("script", request.headers.get(SCRIPT_HEADER))
        or _named("key", key)
        or _named("reference", request.query.get("reference"))
        or ("" if request.method == "POST" else f"path {request.path}")
    )


def _named(kind: str, name: str | None) -> str:
    return f"{kind} {name}" if name else ""


def _reference(body: bytes) -> str | None:
    try:
        document = json.loads(body) if body else None
    except (ValueError, RecursionError):
        return None
    reference = document.get("reference") if isinstance(document, dict) else None
    return reference if isinstance(reference, str) else None
