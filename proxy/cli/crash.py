"""What is said of a bug that ends the process, or a thread: where it is, and never its text.

The text of an exception quotes what it is about: a body, a header field, a row of the ledger. The
class and the lines of code it came through hold none of that, and are what a report needs.
"""

import sys
import threading
import traceback
from types import TracebackType


def hide_texts() -> None:
    """Have Python tell of what nobody took without the texts of exceptions."""
    sys.excepthook = _ended
    threading.excepthook = lambda told: _ended(told.exc_type, told.exc_value, told.exc_traceback)
    sys.unraisablehook = lambda told: _ended(told.exc_type, told.exc_value, told.exc_traceback)


def _ended(
    kind: type[BaseException], fault: BaseException | None, trace: TracebackType | None
) -> None:
    if issubclass(kind, KeyboardInterrupt):
        return
    told = [f"paysluice: a fault of ours: {kind.__name__} (its text is withheld)\n"]
    told += traceback.format_tb(trace)
    seen = {id(fault)}
    while fault is not None and (fault := fault.__cause__ or fault.__context__) is not None:
        if id(fault) in seen:
            break
        seen.add(id(fault))
        told += [f"behind it: {type(fault).__name__}\n", *traceback.format_tb(fault.__traceback__)]
    sys.stderr.write("".join(told))
