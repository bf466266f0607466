"""A scripted service: a list of outcomes, given in order, and the calls it was given."""

from collections.abc import Callable, Iterable

from proxy.terms import Call, Outcome

Step = Outcome | Callable[[Call], Outcome]


class Script:
    def __init__(self, *steps: Step) -> None:
        self._steps: Iterable[Step] = iter(steps)
        self.calls: list[Call] = []

    async def __call__(self, call: Call) -> Outcome:
        self.calls.append(call)
        step = next(iter(self._steps))
        return step(call) if callable(step) else step
