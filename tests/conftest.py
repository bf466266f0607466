"""Every test runs on the event loop of production."""

import asyncio
import os
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
import uvloop

if TYPE_CHECKING:
    from tests.support.postgresql import Server


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


@pytest.fixture(scope="session")
def running() -> Iterator["Server"]:
    from tests.support.postgresql import binary, server  # noqa: PLC0415 - it is copied elsewhere

    if binary("initdb") is None or binary("postgres") is None:
        pytest.skip("needs PostgreSQL's server (docs/testing.md)")
    with server() as one:
        yield one


@pytest.fixture
def postgresql(running: "Server") -> "Server":
    """Give the server as it should be, whatever the test before has done to it."""
    running.start()
    return running
