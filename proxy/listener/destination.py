"""A provider, as the listener knows it: everything that `app` decided once."""

from collections.abc import Callable

from msgspec import Struct

from proxy.ledger.keys import KeyRule
from proxy.normalise.settings import ErrorSettings
from proxy.providers import NativeErrors
from proxy.route import Matched
from proxy.terms import Header, Refused, RouteEffect, Service


class Arrivals:
    """Counts the payments that have been judged and not been answered: a reload waits for them."""

    __slots__ = ("paying",)

    def __init__(self) -> None:
        self.paying = 0


class Destination(Struct, frozen=True):
    """Where a matched request goes, and how its answers come back."""

    name: str
    service: Service
    errors: ErrorSettings
    total_s: float
    replay_body_bytes: int
    key_rule: Callable[[Matched, str], KeyRule | None]
    requires_key: bool
    generates_key: bool
    stop: Header | None  # what makes the provider's own SDK stop repeating
    native_errors: NativeErrors | None  # how an error is said in its own shape
    is_paused: Callable[[RouteEffect], bool]  # whether the operator holds back such calls
    arrivals: Arrivals
    peek: Callable[[Matched], Refused | None]  # a look at the breaker, without a permit
