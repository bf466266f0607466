"""What we know of each provider: data, each claim with its evidence, and no code per provider."""

from .dealings import Idempotency, NativeErrors, StopField
from .kinds import Claim, Grade
from .licence import DECLINED_STATUSES, REFUSED_STATUSES
from .loader import Fault, ProfileError, load, names, parse, text
from .path import Lookup, compile_path, is_present
from .schema import (
    BodyTest,
    Codes,
    DetailsField,
    Fields,
    Profile,
    Route,
    Rule,
    TextField,
    Then,
    When,
)
from .template import fill

__all__ = [
    "DECLINED_STATUSES",
    "REFUSED_STATUSES",
    "BodyTest",
    "Claim",
    "Codes",
    "DetailsField",
    "Fault",
    "Fields",
    "Grade",
    "Idempotency",
    "Lookup",
    "NativeErrors",
    "Profile",
    "ProfileError",
    "Route",
    "Rule",
    "StopField",
    "TextField",
    "Then",
    "When",
    "compile_path",
    "fill",
    "is_present",
    "load",
    "names",
    "parse",
    "text",
]
