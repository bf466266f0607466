"""A listener over real sockets, in front of a service that does as it is told."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from msgspec.structs import replace

from proxy.listener import Arrivals, CallerSettings, Destination, Handler, Journeys, Listener, Owed
from proxy.normalise.settings import ErrorSettings
from proxy.route import ProviderRoutes, Router
from proxy.system import NewIds, SystemClock
from proxy.terms import Call, Event, Outcome, Service
from tests.support import make
from tests.support.caller import head

SECRET = "4111111111111111"
PAY = head("POST /acme/payments HTTP/1.1", "Content-Length: 2") + b"{}"


@dataclass
class Door:
    """A listener that runs, and what came of it."""

    port: int
    listener: Listener
    handler: Handler
    journeys: Journeys
    owed: Owed
    events: list[Event]
    calls: list[Call] = field(default_factory=list)

    def told(self, kind: type[Event]) -> list[Any]:
        return [event for event in self.events if isinstance(event, kind)]


async def nothing_known(_outcome_id: str, _wait_s: float) -> None:
    """Answer whoever asks what became of a payment."""


@asynccontextmanager
async def door(
    service: Service,
    *,
    callers: dict[str, Any] | None = None,
    breaks_on: tuple[type[Event], ...] = (),
    **members: Any,
) -> AsyncIterator[Door]:
    events: list[Event] = []

    def emit(event: Event) -> None:
        events.append(event)
        if type(event) in breaks_on:
            raise LookupError

    calls: list[Call] = []

    async def watched(call: Call) -> Outcome:
        calls.append(call)
        return await service(call)

    clock = SystemClock()
    base = Destination(
        name="acme",
        service=watched,
        errors=ErrorSettings(),
        total_s=5.0,
        replay_body_bytes=1000,
        key_rule=lambda *_: None,
        requires_key=False,
        generates_key=False,
        stop=None,
        native_errors=None,
        is_paused=lambda _: False,
        arrivals=Arrivals(),
        peek=lambda _: None,
    )
    settings = CallerSettings(**(callers or {}))
    journeys = Journeys(clock, emit)
    handler = Handler(
        Router([ProviderRoutes(name="acme", mount=b"/acme/")]),
        {"acme": replace(base, **members)},
        journeys,
        settings,
        clock,
        emit,
        NewIds(),
        nothing_known,
        max_body_bytes=2000,
        is_draining=lambda: False,
    )
    owed = Owed()
    listener = Listener(handler, settings, owed)
    port = await listener.start_tcp("127.0.0.1", 0)
    try:
        yield Door(port, listener, handler, journeys, owed, events, calls)
    finally:
        await listener.close()
        journeys.cut_off()
        await journeys.drain(5.0)


async def ok(_: Call) -> Outcome:
    return make.ok()


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not is_so():  # noqa: ASYNC110 - the other side of a socket: nothing here tells
            await asyncio.sleep(0)
