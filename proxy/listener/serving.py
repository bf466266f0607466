"""What is known of a request while it is served."""

from dataclasses import dataclass
from typing import Final

from proxy.terms import Call, Headers, RouteEffect, Span

from .destination import Destination
from .respond import DEFAULT_SHAPE, Shape

NOBODY: Final = "none"  # the label of a request that found no provider


@dataclass(slots=True)
class Serving:
    """What is known of the request being served; written as it becomes known."""

    request_id: str
    started: float
    headers: Headers = ()
    provider: str = NOBODY
    route: str = "other"
    effect: RouteEffect = RouteEffect.PAYMENT
    destination: Destination | None = None  # as it was when the request came
    shape: Shape = DEFAULT_SHAPE
    call: Call | None = None
    span: Span | None = None
    has_begun_answer: bool = False

    def waited_by(self, now: float) -> float:
        """Give the seconds spent waiting for somebody else."""
        return 0.0 if self.call is None else self.call.progress.waited_by(now)
