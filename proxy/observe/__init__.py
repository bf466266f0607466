"""What operators see: events become metrics, log lines and a list of the last errors."""

from .emit import Sink, fan_out
from .errors import LastErrors
from .history import History, Slot
from .libraries import tame
from .lines import LevelName
from .log import JsonLog, TextLog
from .metrics import Metrics
from .output import Output
from .policy import ObservePolicy
from .redact import redact
from .unmapped import UnmappedCodes

__all__ = [
    "History",
    "JsonLog",
    "LastErrors",
    "LevelName",
    "Metrics",
    "ObservePolicy",
    "Output",
    "Sink",
    "Slot",
    "TextLog",
    "UnmappedCodes",
    "fan_out",
    "redact",
    "tame",
]
