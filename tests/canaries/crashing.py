"""A sidecar with a bug: run by test_crash.py in a process of its own, never imported.

Whatever is asked of `bug` is raised where the process, a thread or the collector meets it.
"""

import asyncio
import sys
import threading

import proxy.cli.run
from proxy.cli import main

BUG = sys.argv.pop(1)
TEXT = sys.argv.pop(1)


class Left:
    def __del__(self) -> None:
        raise RuntimeError(TEXT)


def fail() -> None:
    try:
        _ = {}[TEXT]
    except KeyError as error:
        raise RuntimeError(TEXT) from error


async def serve(*_: object) -> int:
    """Stand where the sidecar would serve."""
    match BUG:
        case "process":
            fail()
        case "thread":
            thread = threading.Thread(target=fail)
            thread.start()
            thread.join()
        case "collector":
            Left()
        case "task":
            group = asyncio.ensure_future(asyncio.to_thread(fail))
            await asyncio.gather(group)
    return 0


proxy.cli.run._serve = serve
sys.exit(main())
