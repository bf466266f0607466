"""Who gets which fault: scripts that a request names, and a mix by chance (pure)."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from .bounded import Bounded
from .faults import FAULTS, NONE, Fault

FAULT_HEADER: Final = "Sim-Fault"
SCRIPT_HEADER: Final = "Sim-Script-Id"
MAX_SECONDS: Final = 86_400.0


class UnknownFaultError(ValueError):
    """A script or a mix names a fault that does not exist."""


@dataclass(frozen=True, slots=True)
class Step:
    """A fault with its number."""

    fault: Fault
    seconds: float = 0.0


def parse_script(text: str) -> tuple[Step, ...]:
    """Read a list such as `503, slow=0.5; none`.

    Raises:
        UnknownFaultError: a name is not in the table, or its number is none.
    """
    parts = (part.strip() for part in text.replace(";", ",").split(","))
    return tuple(_parse_step(part) for part in parts if part)


def _parse_step(part: str) -> Step:
    name, has_number, number = part.partition("=")
    if name == "429" and has_number:
        name = "429_retry_after"
    fault = FAULTS.get(name.strip())
    if fault is None:
        raise UnknownFaultError(name.strip())
    if not has_number:
        return Step(fault, fault.seconds or 0.0)
    try:
        seconds = float(number)
    except ValueError:
        raise UnknownFaultError(part) from None
    if fault.seconds is None or not 0 <= seconds <= MAX_SECONDS:
        raise UnknownFaultError(part)
    return Step(fault, seconds)


class Scripts:
    """Where each script stands: the first request gets its first fault, and so on, then none."""

    def __init__(self, keep: int) -> None:
        self._cursors: Bounded[tuple[str, str], int] = Bounded(keep)

    def next(self, identity: str, text: str) -> Step:
        """Give the step of the script *text* for the next request of *identity*.

        A request without an identity gets the first step each time.

        Raises:
            UnknownFaultError: the script names a fault that does not exist.
        """
        steps = parse_script(text)
        cursor = self._cursors.get((identity, text), 0) if identity else 0
        if identity:
            self._cursors.put((identity, text), cursor + 1)
        return steps[cursor] if cursor < len(steps) else Step(NONE)


class Mix:
    """Faults by chance: each name with its share of the requests."""

    def __init__(self, shares: Mapping[str, float]) -> None:
        """Read *shares*.

        Raises:
            UnknownFaultError: a name is not in the table.
            ValueError: the shares are negative or add up to more than one.
        """
        self._shares = [(_parse_step(name), share) for name, share in shares.items()]
        if any(share < 0 for share in shares.values()) or sum(shares.values()) > 1:
            msg = "the shares of a mix are not negative and add up to at most 1"
            raise ValueError(msg)

    def pick(self, chance: float) -> Step:
        """Give the step that *chance*, in [0, 1), falls upon."""
        for step, share in self._shares:
            if chance < share:
                return step
            chance -= share
        return Step(NONE)
