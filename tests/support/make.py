"""Calls and outcomes to begin from: each names only what matters to it."""

from typing import Any

from msgspec.structs import replace

from proxy.terms import (
    Answer,
    Answered,
    Call,
    Delivery,
    Effect,
    ErrorCode,
    Failed,
    Key,
    Kind,
    Progress,
    ProxyError,
    Refusal,
    Refused,
    RouteEffect,
)


def call(**members: Any) -> Call:
    base = Call(
        request_id="req_1",
        provider="acme",
        route="create_payment",
        operation="create_payment",
        method="POST",
        target=b"/payments",
        headers=(),
        body=b"{}",
        effect=RouteEffect.PAYMENT,
        deadline=1030.0,
        progress=Progress(),
    )
    return replace(base, **members)


def key(**members: Any) -> Key:
    base = Key(
        value="key-1",
        is_honoured=True,
        covers_failures=True,
        is_generated=False,
        usable_until=1_000_000.0,
    )
    return replace(base, **members)


def answer(status: int = 200, body: bytes = b"{}", headers: Any = ()) -> Answer:
    return Answer(status=status, reason=b"", headers=tuple(headers), body=body)


def ok(**members: Any) -> Answered:
    base = Answered(
        answer=answer(),
        kind=Kind.OK,
        effect=Effect.SETTLED,
        delivery=Delivery.COMPLETE,
        attempts=1,
    )
    return replace(base, **members)


def broken(status: int = 503, **members: Any) -> Answered:
    base = Answered(
        answer=answer(status),
        kind=Kind.BROKEN,
        error_code=ErrorCode.SERVICE_UNAVAILABLE,
        effect=Effect.UNKNOWN,
        delivery=Delivery.COMPLETE,
        attempts=1,
        is_transient=True,
    )
    return replace(base, **members)


def throttled(**members: Any) -> Answered:
    base = Answered(
        answer=answer(429),
        kind=Kind.THROTTLED,
        error_code=ErrorCode.RATE_LIMITED,
        effect=Effect.NONE,
        delivery=Delivery.COMPLETE,
        attempts=1,
        is_transient=True,
    )
    return replace(base, **members)


def rejected(status: int = 400, **members: Any) -> Answered:
    base = Answered(
        answer=answer(status),
        kind=Kind.REJECTED,
        error_code=ErrorCode.INVALID_REQUEST,
        effect=Effect.NONE,
        delivery=Delivery.COMPLETE,
        attempts=1,
    )
    return replace(base, **members)


def not_sent(reason: ProxyError = ProxyError.CONNECTION_REFUSED, **members: Any) -> Failed:
    return replace(Failed(reason=reason, attempts=1), **members)


def lost(reason: ProxyError = ProxyError.HTTP_RESPONSE_TIMEOUT, **members: Any) -> Failed:
    base = Failed(reason=reason, effect=Effect.UNKNOWN, delivery=Delivery.COMPLETE, attempts=1)
    return replace(base, **members)


def refused(reason: Refusal = Refusal.CIRCUIT_OPEN, **members: Any) -> Refused:
    return replace(Refused(reason=reason), **members)
