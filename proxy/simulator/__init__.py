"""A payment provider that misbehaves on request and counts what it charged."""

from .faults import FAULTS, Fault
from .journal import Seen
from .payments import Order, Record
from .script import UnknownFaultError
from .server import Simulator

__all__ = ["FAULTS", "Fault", "Order", "Record", "Seen", "Simulator", "UnknownFaultError"]
