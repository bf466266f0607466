"""What libraries and the event loop would print by themselves, in lines of our own.

Their texts quote what callers and providers sent (standards item 127), so none of them is written:
the name of the logger and the class of the exception is all there is.
"""

import asyncio
import logging
from typing import Any, Final

from .log import JsonLog

_QUIET: Final = ("asyncio", "aiohttp", "concurrent")


class _Told(logging.Handler):
    """Turns a record of a library into a line without its text."""

    def __init__(self, log: JsonLog) -> None:
        super().__init__(logging.WARNING)
        self._log = log

    def emit(self, record: logging.LogRecord) -> None:
        kind = record.exc_info[0] if record.exc_info else None
        fault = None if kind is None else kind.__name__
        self._log.line("warning", "library", where=record.name, fault=fault)


def tame(log: JsonLog, loop: asyncio.AbstractEventLoop) -> None:
    """Take over what libraries log, and what the loop says of an exception that nobody took."""
    for name in _QUIET:
        logger = logging.getLogger(name)
        logger.handlers = [_Told(log)]
        logger.propagate = False

    def unhandled(_: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        fault = context.get("exception")
        name = None if fault is None else type(fault).__name__
        log.line("error", "unhandled", where="loop", fault=name)

    loop.set_exception_handler(unhandled)
