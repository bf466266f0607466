"""Events to begin from: each test names only what matters to it."""

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.terms import (
    AttemptEnded,
    Basis,
    BreakerMoved,
    CallEnded,
    CodeUnmapped,
    ConfigReloaded,
    ConnectionDiscarded,
    Delivery,
    Denial,
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
    WebhookCame,
)
from tests.support import make

RESPONDED = Responded(
    request_id="req_1",
    provider="acme",
    route="create_payment",
    method="POST",
    status=200,
    error_code="none",
    outcome="none",
    duration_s=0.25,
    upstream_s=0.2,
    attempts=1,
    provider_code=None,
    trace_id="trace-1",
    is_whole=True,
)
ATTEMPT_ENDED = AttemptEnded(
    request_id="req_1",
    provider="acme",
    route="create_payment",
    duration_s=0.2,
    delivery=Delivery.COMPLETE,
    status=200,
    reason=None,
    provider_code=None,
    is_throttled=False,
)


class Make:
    def responded(self, **members: Any) -> Responded:
        return replace(RESPONDED, **members)

    def attempt_ended(self, **members: Any) -> AttemptEnded:
        return replace(ATTEMPT_ENDED, **members)

    def one_of_each(self) -> list[Event]:
        return [
            self.responded(),
            self.attempt_ended(),
            CallEnded(make.call(), make.ok(), 0.25),
            RetryScheduled(
                "req_1", "acme", "create_payment", "service_unavailable", Basis.REFUSED, 1, 0.2
            ),
            RetryDenied("req_1", "acme", "create_payment", "gateway_timeout", Denial.UNSAFE, 1),
            LimitWaited("acme", "account", 0.5, is_refused=False),
            BreakerMoved("acme", "all", 2),
            KeyHandled("req_1", "acme", "new"),
            KeyHandled("req_1", "acme", "replayed"),
            OutcomeUnknown("out_1", "acme", "create_payment"),
            OutcomeSettled("out_1", "acme", "lookup", "succeeded"),
            OutcomeContradicted("out_1", "acme", "webhook", "declined"),
            StoreMoved("ledger", is_up=False),
            StoreMoved("ledger", is_up=True),
            WebhookCame("acme", "settled"),
            ConfigReloaded("done"),
            ConnectionDiscarded("acme", "stale"),
            CodeUnmapped("acme", "E9", 400, "card 4111111111111111", "invalid_request"),
            FaultOccurred("req_1", "KeyError", "listener"),
        ]


@pytest.fixture
def event() -> Make:
    return Make()
