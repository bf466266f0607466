"""What a library would print: told without its text."""

import asyncio
import io
import json
import logging
from collections.abc import Iterator

import pytest

from proxy.observe import JsonLog, tame
from tests.support.clock import FakeClock

CANARY = "4111 1111 1111 1111"
NAMES = ("asyncio", "aiohttp")


@pytest.fixture
def loggers() -> Iterator[None]:
    """Give the loggers back as they were."""
    kept = [(logging.getLogger(name), logging.getLogger(name).handlers) for name in NAMES]
    yield
    for logger, handlers in kept:
        logger.handlers, logger.propagate = handlers, True


@pytest.mark.usefixtures("loggers")
async def test_neither_a_library_nor_the_loop_says_more_than_class_and_place(
    capsys: pytest.CaptureFixture[str],
) -> None:
    written, loop = io.StringIO(), asyncio.get_running_loop()
    tame(JsonLog(written, "info", FakeClock()), loop)
    logging.getLogger("aiohttp.server").error("bad line %s", CANARY)
    fault = LookupError(CANARY)
    logging.getLogger("asyncio").error("oops %s", CANARY, exc_info=fault)
    loop.call_exception_handler({"message": CANARY, "exception": fault})
    loop.call_exception_handler({"message": CANARY})
    loop.set_exception_handler(None)
    lines = [json.loads(line) for line in written.getvalue().splitlines()]
    assert [(line["event"], line.get("where"), line.get("fault")) for line in lines] == [
        ("library", "aiohttp.server", None),
        ("library", "asyncio", "LookupError"),
        ("unhandled", "loop", "LookupError"),
        ("unhandled", "loop", None),
    ]
    assert CANARY not in written.getvalue()
    assert capsys.readouterr() == ("", "")
