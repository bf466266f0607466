"""Gives each event to every sink, and keeps a sink's bug away from the call."""

from proxy.terms import Emit, Event, FaultOccurred


def fan_out(*sinks: Emit) -> Emit:
    """Give one `Emit` that tells all *sinks*, in order.

    A sink that raises is reported to the others, once: a payment is never lost because a log or
    a metric could not be written.
    """

    def emit(event: Event) -> None:
        for place, sink in enumerate(sinks):
            try:
                sink(event)
            except Exception as bug:  # noqa: BLE001 - whatever it is, the call goes on
                if not isinstance(event, FaultOccurred):
                    _report(sinks, place, bug)

    return emit


def _report(sinks: tuple[Emit, ...], place: int, bug: Exception) -> None:
    fault = FaultOccurred(request_id="", fault=type(bug).__name__, where=f"sink_{place}")
    for other, sink in enumerate(sinks):
        if other != place:
            try:
                sink(fault)
            except Exception:  # noqa: BLE001, S112 - nobody is left to be told
                continue
