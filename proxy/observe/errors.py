"""The last errors of each provider, raw beside normalised, for `/status` (pure).

They are kept as they came, and redacted when somebody looks: there are far more errors than looks.
"""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import dataclass
from typing import Final, TypeAlias, assert_never

from proxy.normalise import needs_envelope
from proxy.terms import (
    Answered,
    CallEnded,
    Clock,
    Event,
    Failed,
    Outcome,
    Refused,
    Responded,
)

from .lines import MAX_TRACE
from .redact import plain_token, redact
from .stamp import stamp

MAX_MESSAGE: Final = 300
_NO_ERROR: Final = "none"


@dataclass(slots=True)
class LastError:
    """One failed call. Filled by two events that come in either order."""

    at: float  # seconds since the Unix epoch
    request_id: str
    route: str
    method: str
    status: int | None = None  # what the caller was given
    error_code: str | None = None
    outcome: str | None = None
    attempts: int = 0
    reason: str | None = None  # why there is no answer, or why we refused
    provider_status: int | None = None  # what the provider gave
    provider_code: str | None = None
    provider_message: str | None = None
    trace_id: str | None = None

    def shown(self) -> dict[str, object]:
        """Give what anybody may see of it, ready for JSON."""
        message = self.provider_message
        return {
            "time": stamp(self.at),
            "request_id": self.request_id,
            "route": self.route,
            "method": self.method,
            "status": self.status,
            "error_code": self.error_code,
            "outcome": self.outcome,
            "attempts": self.attempts,
            "reason": self.reason,
            "provider_status": self.provider_status,
            "provider_code": plain_token(self.provider_code),
            "provider_message": None if message is None else redact(message)[:MAX_MESSAGE],
            "trace_id": plain_token(self.trace_id, MAX_TRACE),
        }


_Ring: TypeAlias = OrderedDict[str, LastError]


class LastErrors:
    """Keeps the newest *size* errors of each provider."""

    takes: Collection[type[Event]] = frozenset({CallEnded, Responded})

    def __init__(self, clock: Clock, size: int = 50) -> None:
        self._clock = clock
        self._size = size
        self._rings: dict[str, _Ring] = {}

    def on(self, event: Event) -> None:
        """Remember what *event* tells of a failed call; other events are ignored."""
        match event:
            case CallEnded(call=call, outcome=outcome):
                ring = self._ring(call.provider)
                if not needs_envelope(outcome) and call.request_id not in ring:
                    return
                error = self._error(ring, call.request_id, call.route, call.method)
                _fill(error, outcome)
            case Responded():
                if event.error_code == _NO_ERROR:
                    return
                ring = self._ring(event.provider)
                error = self._error(ring, event.request_id, event.route, event.method)
                error.status = event.status
                error.error_code = event.error_code
                error.outcome = event.outcome
                error.attempts = max(error.attempts, event.attempts)
            case _:
                pass

    def view(self, provider: str) -> list[dict[str, object]]:
        """Give the errors of *provider*, the newest first, ready for JSON."""
        ring = self._rings.get(provider, OrderedDict())
        return [error.shown() for error in reversed(ring.values())]

    def _ring(self, provider: str) -> _Ring:
        return self._rings.setdefault(provider, OrderedDict())

    def _error(self, ring: _Ring, request_id: str, route: str, method: str) -> LastError:
        error = ring.get(request_id)
        if error is None:
            if len(ring) >= self._size:
                ring.popitem(last=False)
            error = LastError(self._clock.wall(), request_id, route, method)
            ring[request_id] = error
        return error


def _fill(error: LastError, outcome: Outcome) -> None:
    error.attempts = max(error.attempts, outcome.attempts)
    match outcome:
        case Answered(answer=answer, facts=facts):
            error.provider_status = answer.status
            error.provider_code = facts.code
            error.provider_message = facts.message
            error.trace_id = facts.trace_id
        case Failed():
            error.reason = outcome.reason
            error.provider_status = outcome.status
        case Refused():
            error.reason = outcome.reason
        case _:
            assert_never(outcome)
