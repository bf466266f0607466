"""What the log says of each event: its level, its name and its members (pure).

Rules:
1. A request is one line at `info`; at `warning` where we or the provider failed, or where money
   may have moved and nobody knows.
2. What happened on the way is `info` if an operator would ask for it after an incident, else
   `debug`.
3. A provider's own word is shown only if it is a plain token, and no card number.
"""

from typing import Final, Literal, TypeAlias, assert_never

from proxy.normalise import words_of
from proxy.terms import (
    AttemptEnded,
    BreakerMoved,
    CallEnded,
    CodeUnmapped,
    ConfigReloaded,
    ConnectionDiscarded,
    Denial,
    Effect,
    Event,
    FaultOccurred,
    KeyHandled,
    LimitWaited,
    OutcomeContradicted,
    OutcomeSettled,
    OutcomeUnknown,
    Responded,
    RetryDenied,
    RetryScheduled,
    StoreMoved,
    TunnelRefused,
    WebhookCame,
)

from .redact import plain_token

LevelName: TypeAlias = Literal["debug", "info", "warning", "error"]
Member: TypeAlias = str | float | bool | None

RANKS: Final[dict[LevelName, int]] = {"debug": 10, "info": 20, "warning": 30, "error": 40}
BREAKER_STATES: Final = ("closed", "half_open", "open")
MAX_TRACE: Final = 128
_SERVER_ERROR: Final = 500
_OPEN: Final = 2


def headline(event: Event) -> tuple[LevelName, str]:  # noqa: C901, PLR0911, PLR0912 - one case each
    """Give the level and the name of *event*."""
    match event:
        case Responded():
            is_bad = event.status >= _SERVER_ERROR or event.outcome == "unknown"
            return "warning" if is_bad else "info", "responded"
        case AttemptEnded():
            return "debug" if event.reason is None else "info", "attempt_ended"
        case CallEnded():
            return _level_of(event), "call_ended"
        case RetryScheduled():
            return "info", "retry_scheduled"
        case RetryDenied():
            # That a decline is not sent again is no news; that a time-out is not, is.
            is_news = event.denied_by is not Denial.PERMANENT
            return "info" if is_news else "debug", "retry_denied"
        case LimitWaited(is_refused=True):
            return "info", "limit_refused"
        case LimitWaited():
            return "debug", "limit_waited"
        case BreakerMoved():
            return "warning" if event.state == _OPEN else "info", "breaker_moved"
        case KeyHandled():
            return "debug", "key_handled"
        case OutcomeUnknown():
            return "warning", "outcome_unknown"
        case OutcomeSettled():
            return "info", "outcome_settled"
        case OutcomeContradicted():
            return "error", "outcome_contradicted"
        case StoreMoved():
            return "info" if event.is_up else "error", "store_moved"
        case WebhookCame():
            return "info", "webhook_came"
        case ConfigReloaded():
            return "error" if event.message else "info", "config_reloaded"
        case ConnectionDiscarded():
            return "debug", "connection_discarded"
        case TunnelRefused():
            return "warning", "tunnel_refused"
        case CodeUnmapped():
            return "info", "code_unmapped"
        case FaultOccurred():
            return "error", "fault_occurred"
        case _:
            assert_never(event)


def _level_of(event: CallEnded) -> LevelName:
    if not event.call.progress.is_abandoned:
        return "debug"
    # Nobody was told: this line is all there is of a payment that ended late.
    return "warning" if event.outcome.effect is Effect.UNKNOWN else "info"


def members(event: Event) -> dict[str, Member]:  # noqa: C901, PLR0911, PLR0912 - one case each
    """Give what the line of *event* holds; None stands for nothing to say."""
    match event:
        case Responded():
            return _responded(event)
        case CallEnded(call=call, outcome=outcome):
            error_code, word = words_of(outcome, effect=call.effect)
            return {
                "request_id": call.request_id,
                "provider": call.provider,
                "route": call.route,
                "error_code": error_code,
                "outcome": word,
                "delivery": outcome.delivery.name.lower(),
                "attempts": outcome.attempts,
                "duration_ms": _ms(event.duration_s),
            }
        case AttemptEnded():
            return {
                "request_id": event.request_id,
                "provider": event.provider,
                "route": event.route,
                "status": event.status,
                "duration_ms": _ms(event.duration_s),
                "delivery": event.delivery.name.lower(),
                "reason": event.reason,
                "provider_code": plain_token(event.provider_code),
            }
        case RetryScheduled():
            return _retry(event) | {"basis": event.basis, "delay_ms": _ms(event.delay_s)}
        case RetryDenied():
            return _retry(event) | {"denied_by": event.denied_by}
        case LimitWaited():
            waited = _ms(event.wait_s)
            return {"provider": event.provider, "limit": event.limit, "delay_ms": waited}
        case BreakerMoved():
            state = BREAKER_STATES[event.state]
            return {"provider": event.provider, "route": event.route, "state": state}
        case KeyHandled():
            return {
                "request_id": event.request_id,
                "provider": event.provider,
                "result": event.result,
            }
        case OutcomeUnknown():
            return {
                "outcome_id": event.outcome_id,
                "provider": event.provider,
                "route": event.route,
            }
        case OutcomeSettled() | OutcomeContradicted():
            return {
                "outcome_id": event.outcome_id,
                "provider": event.provider,
                "by": event.by,
                "said": event.said,
            }
        case StoreMoved():
            return {
                "store": event.store,
                "state": "up" if event.is_up else "away",
                "reason": event.error,
                "sidecars": event.sidecars,
            }
        case WebhookCame():
            return {"provider": event.provider, "result": event.result}
        case ConfigReloaded():
            return {"result": event.result, "message": event.message}
        case ConnectionDiscarded():
            return {"provider": event.provider, "reason": event.why}
        case TunnelRefused():
            return {"provider": event.provider, "status": event.status}
        case CodeUnmapped():
            return {"provider": event.provider}
        case FaultOccurred():
            request_id = event.request_id or None
            return {"request_id": request_id, "fault": event.fault, "where": event.where}
        case _:
            assert_never(event)


def _responded(event: Responded) -> dict[str, Member]:
    return {
        "request_id": event.request_id,
        "trace_id": plain_token(event.trace_id, MAX_TRACE),
        "provider": event.provider,
        "route": event.route,
        "method": event.method,
        "status": event.status,
        "error_code": event.error_code,
        "outcome": event.outcome,
        "attempts": event.attempts,
        "duration_ms": _ms(event.duration_s),
        "upstream_ms": _ms(event.upstream_s),
        "provider_code": plain_token(event.provider_code),
        "is_whole": None if event.is_whole else False,
    }


def _retry(event: RetryScheduled | RetryDenied) -> dict[str, Member]:
    return {
        "request_id": event.request_id,
        "provider": event.provider,
        "route": event.route,
        "attempt": event.attempt,
        "reason": event.reason,
    }


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
