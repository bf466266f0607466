"""Every test runs on the event loop of production."""

import asyncio
import os
from collections.abc import Callable, Generator, Mapping

import pytest
import uvloop


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": uvloop.new_event_loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `REQUIRE_ALL`, as in CI, a test that skips itself has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and REQUIRE_ALL is set: {report.longrepr}"
    return report
