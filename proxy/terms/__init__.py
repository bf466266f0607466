"""The words that every package speaks: call, outcome, event, service, clock.

It imports nothing of ours. Whoever adds a member to a closed union here is shown by mypy each
`match` that no longer closes.
"""

from .call import (
    BodyStream,
    Call,
    Delivery,
    Key,
    Progress,
    RouteEffect,
    StreamEnd,
    effect_of_method,
)
from .clock import Clock, NewId, Roll
from .codes import CODES, ErrorCode, ErrorType
from .effect import Effect, join
from .event import (
    AttemptEnded,
    BreakerMoved,
    CallEnded,
    CodeUnmapped,
    ConnectionDiscarded,
    Emit,
    Event,
    FaultOccurred,
    KeyHandled,
    LimitWaited,
    Responded,
    RetryDenied,
    RetryScheduled,
    TunnelRefused,
)
from .http import Header, Headers
from .outcome import (
    NO_FACTS,
    Answer,
    Answered,
    AnswerStream,
    Detail,
    Ending,
    Facts,
    Failed,
    Kind,
    Outcome,
    ProxyError,
    Refusal,
    Refused,
)
from .sample import Gauges, Sample
from .service import Policy, Service, compose
from .verdict import Again, Basis, Denial, Final, Verdict

__all__ = [
    "CODES",
    "NO_FACTS",
    "Again",
    "Answer",
    "AnswerStream",
    "Answered",
    "AttemptEnded",
    "Basis",
    "BodyStream",
    "BreakerMoved",
    "Call",
    "CallEnded",
    "Clock",
    "CodeUnmapped",
    "ConnectionDiscarded",
    "Delivery",
    "Denial",
    "Detail",
    "Effect",
    "Emit",
    "Ending",
    "ErrorCode",
    "ErrorType",
    "Event",
    "Facts",
    "Failed",
    "FaultOccurred",
    "Final",
    "Gauges",
    "Header",
    "Headers",
    "Key",
    "KeyHandled",
    "Kind",
    "LimitWaited",
    "NewId",
    "Outcome",
    "Policy",
    "Progress",
    "ProxyError",
    "Refusal",
    "Refused",
    "Responded",
    "RetryDenied",
    "RetryScheduled",
    "Roll",
    "RouteEffect",
    "Sample",
    "Service",
    "StreamEnd",
    "TunnelRefused",
    "Verdict",
    "compose",
    "effect_of_method",
    "join",
]
