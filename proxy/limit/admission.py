"""Whether a call may go out to its provider."""

from enum import Enum, auto
from typing import Final


class Admission(Enum):
    """What somebody is told who asks to go out."""

    OUT = auto()  # with its tokens, and a place in flight
    NOT_YET = auto()
    AWAY = auto()  # nobody can be asked for its tokens, and it may not go without


OUT: Final = Admission.OUT  # each look into an enumeration costs as much as a token
