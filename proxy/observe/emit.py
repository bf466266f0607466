"""Gives each event to every sink that takes it, and keeps a sink's bug away from the call."""

from collections.abc import Collection
from typing import Final, Protocol, get_args

from proxy.terms import Emit, Event, FaultOccurred

EVERY: Final[frozenset[type[Event]]] = frozenset(get_args(Event))


class Sink(Protocol):
    """Takes events."""

    @property
    def takes(self) -> Collection[type[Event]]:
        """The classes of events that it does something with: no others are given to it."""

    def on(self, event: Event) -> None:
        """Take an event."""


def fan_out(*sinks: Sink) -> Emit:
    """Give one `Emit` that tells all *sinks*, in order.

    A sink that raises is reported to the others, once: a payment is never lost because a log or
    a metric could not be written.
    """
    taking = {
        kind: tuple((place, sink.on) for place, sink in enumerate(sinks) if kind in sink.takes)
        for kind in EVERY
    }

    def emit(event: Event) -> None:
        for place, take in taking[type(event)]:
            try:
                take(event)
            except Exception as bug:  # noqa: BLE001 - whatever it is, the call goes on
                if not isinstance(event, FaultOccurred):
                    _report(taking[FaultOccurred], place, bug)

    return emit


def _report(sinks: tuple[tuple[int, Emit], ...], place: int, bug: Exception) -> None:
    fault = FaultOccurred(request_id="", fault=type(bug).__name__, where=f"sink_{place}")
    for other, take in sinks:
        if other != place:
            try:
                take(fault)
            except Exception:  # noqa: BLE001, S112 - nobody is left to be told
                continue
