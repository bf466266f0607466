"""What the members of a profile are made of: checked texts, statuses, and claims."""

import re
from enum import StrEnum
from typing import Annotated, Final

from pydantic import AfterValidator, BeforeValidator, Field

from proxy.terms.units import Model

from .path import compile_path

_RANGE: Final = re.compile(r"([1-5])xx|([1-5]\d\d)(?:-([1-5]\d\d))?")


class Grade(StrEnum):
    """How a claim is known. Only `DOCUMENTED` may license a repeat or free a key."""

    DOCUMENTED = "documented"  # the provider says so: its pages, its reference, its own client
    OBSERVED = "observed"  # seen in recorded answers
    ASSUMED = "assumed"  # inferred; nobody said so


def as_tuple(value: object) -> object:
    """Let a single value stand for a list of one."""
    return (value,) if isinstance(value, str | int | float) else value


def _parse_statuses(value: object) -> object:
    members = as_tuple(value)
    if not isinstance(members, list | tuple):
        return value
    statuses: set[int] = set()
    for member in members:
        found = _RANGE.fullmatch(str(member))
        if found is None:
            msg = "a status is 403, 5xx or 500-504, or a list of them"
            raise ValueError(msg)
        family, low, high = found.groups()
        if family:
            statuses.update(range(int(family) * 100, int(family) * 100 + 100))
        else:
            statuses.update(range(int(low), int(high or low) + 1))
    return frozenset(statuses)


def _check_regex(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        msg = f"is not a regular expression: {error}"
        raise ValueError(msg) from None
    return pattern


def _check_path(path: str) -> str:
    compile_path(path)
    return path


HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9!#$%&'*+.^_`|~-]{1,100}$")]
Name = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]*$", max_length=64)]
Path = Annotated[str, Field(min_length=1, max_length=300), AfterValidator(_check_path)]
Paths = Annotated[tuple[Path, ...], BeforeValidator(as_tuple)]
Regex = Annotated[str, Field(min_length=1, max_length=500), AfterValidator(_check_regex)]
Texts = Annotated[tuple[str, ...], BeforeValidator(as_tuple)]
Names = Annotated[tuple[Name, ...], BeforeValidator(as_tuple)]
Methods = Annotated[
    tuple[Annotated[str, Field(pattern=r"^[A-Z]+$")], ...], BeforeValidator(as_tuple)
]
Statuses = Annotated[frozenset[int], BeforeValidator(_parse_statuses), Field(min_length=1)]
Source = Annotated[str, Field(pattern=r"^(https?://|docs/)\S+$")]
Scalar = str | int | float | bool | None


class Claim(Model):
    """Something said of a provider: how it is known, and where that stands.

    An `evidence` is a key of the profile's `sources`, a URL, or a page of ours under `docs/`.
    """

    grade: Grade
    evidence: Annotated[tuple[str, ...], BeforeValidator(as_tuple), Field(min_length=1)]

    @property
    def is_documented(self) -> bool:
        """Whether the provider itself says so."""
        return self.grade is Grade.DOCUMENTED
