"""Every test runs on the event loop of production."""

import asyncio
import os
import shutil
import warnings
from collections.abc import Callable, Generator, Iterator, Mapping
from typing import TYPE_CHECKING

import pytest
import uvloop

if TYPE_CHECKING:
    from tests.support.postgresql import Server
    from tests.support.redis import RedisServer


class Loop(uvloop.Loop):
    """uvloop's, which tells of what was left open once it is closed.

    A warning that is an error ends the closing of that very transport, and uvloop then waits for it
    for ever, in C, where no time-out reaches it: one failed test stopped the whole run.
    """

    def close(self) -> None:
        with warnings.catch_warnings(record=True, action="always") as left_open:
            super().close()
        for each in left_open:
            warnings.warn_explicit(each.message, each.category, each.filename, each.lineno)


def pytest_asyncio_loop_factories() -> Mapping[str, Callable[[], asyncio.AbstractEventLoop]]:
    return {"uvloop": Loop}


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """With `REQUIRE_ALL`, as in CI, a test that skips itself has failed."""
    report = yield
    if report.skipped and not hasattr(report, "wasxfail") and os.environ.get("REQUIRE_ALL"):
        report.outcome = "failed"
        report.longrepr = f"skipped, and REQUIRE_ALL is set: {report.longrepr}"
    return report


def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """Tell of a failure at once: a run that is cut off has told nothing otherwise."""
    if report.failed and "PYTEST_XDIST_WORKER" not in os.environ:
        print(f"\n{report.nodeid} ({report.when}): {report.longreprtext}", flush=True)  # noqa: T201


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


@pytest.fixture(scope="session")
def redis_running() -> Iterator["RedisServer"]:
    from tests.support.redis import PROGRAM, redis_server  # noqa: PLC0415 - it is copied elsewhere

    if shutil.which(PROGRAM) is None:
        pytest.skip("needs Redis's server (docs/testing.md)")
    with redis_server() as one:
        yield one


@pytest.fixture
def redis(redis_running: "RedisServer") -> "RedisServer":
    """Give the server as it should be: running, and empty."""
    redis_running.stop()
    redis_running.start()
    return redis_running
