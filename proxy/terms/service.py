"""The one shape: a service takes a call and gives its outcome; a policy wraps a service."""

from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Protocol, TypeAlias

from .call import Call
from .outcome import Outcome

Service: TypeAlias = Callable[[Call], Coroutine[Any, Any, Outcome]]


class Policy(Protocol):
    """Wraps a service. Calls *inner* never, once, or many times; raises nothing it expects."""

    async def __call__(self, call: Call, inner: Service, /) -> Outcome:
        """Give the outcome of *call*."""


def compose(policies: Sequence[Policy], terminal: Service) -> Service:
    """Nest *policies* around *terminal*; the first listed sees the call first."""
    service = terminal
    for policy in reversed(policies):
        service = _bind(policy, service)
    return service


def _bind(policy: Policy, inner: Service) -> Service:
    return lambda call: policy(call, inner)
