"""What is wrong with a configuration, and where it stands: in the file, or in the environment."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, TypeAlias

Loc: TypeAlias = tuple[str | int, ...]

# Whatever else was written as a key may be a secret in the wrong place, or a card number: it is not
# repeated.
_PRINTABLE: Final = re.compile(
    r"(?!.*(?:[0-9][_.\-]*){12})(?!.*_(?:live|test|prod|sandbox)_)(?!whsec_|eyJ)"
    r"[A-Za-z0-9_.\-]{1,40}"
)


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that is wrong, or unwise: where, and why. It never holds a setting's value."""

    path: str  # "providers.spotflow.rate_limits[0].rate"; "" where the file as a whole is meant
    message: str
    line: int | None = None  # from 1; None where it does not come from the file
    variable: str | None = None  # the environment variable that it comes from

    def __str__(self) -> str:
        """Give the fault in one line."""
        told = f"{self.path}: {self.message}" if self.path else self.message
        if self.variable is not None:
            return f"{told} (from ${self.variable})"
        return told if self.line is None else f"{told} (line {self.line})"


class ConfigError(Exception):
    """A configuration that cannot be used, with everything that is wrong with it."""

    def __init__(self, faults: Iterable[Fault]) -> None:
        self.faults: tuple[Fault, ...] = tuple(faults)
        super().__init__("\n".join(str(fault) for fault in self.faults))


@dataclass(frozen=True, slots=True)
class Origins:
    """Where each value was written. It says nothing of the values, so all origins are equal."""

    lines: Mapping[Loc, int] = field(default_factory=dict, compare=False, repr=False)
    variables: Mapping[Loc, str] = field(default_factory=dict, compare=False, repr=False)

    def variable(self, loc: Loc) -> str | None:
        """Give the environment variable that holds *loc*, or a value around it."""
        for length in range(len(loc), 0, -1):
            if (name := self.variables.get(loc[:length])) is not None:
                return name
        return None

    def fault(self, loc: Loc, message: str) -> Fault:
        """Give a fault at *loc*: at its own line, else at the line of what it stands in."""
        path = render(loc)
        if (name := self.variable(loc)) is not None:
            return Fault(path, message, variable=name)
        for length in range(len(loc), 0, -1):
            around = loc[:length]
            if (line := self.lines.get(around)) is not None:
                return Fault(path, message, line=line)
            for held, name in self.variables.items():  # the environment alone gives this mapping
                if held[:length] == around:
                    return Fault(path, message, variable=name)
        return Fault(path, message)


def render(loc: Loc) -> str:
    """Write *loc* as people do: `providers.sim.routes[0].name`."""
    path = ""
    for step in loc:
        if isinstance(step, int):
            path += f"[{step}]"
        else:
            name = step if _PRINTABLE.fullmatch(step) else "?"
            path += f".{name}" if path else name
    return path


def in_order(faults: Iterable[Fault]) -> tuple[Fault, ...]:
    """Give *faults* once each, from the top of the file down, the environment's after them."""
    return tuple(
        sorted(
            dict.fromkeys(faults),
            key=lambda fault: (fault.line is None, fault.line or 0, fault.path, fault.message),
        )
    )
