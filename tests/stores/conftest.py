"""One server of PostgreSQL for all tests of a worker."""

from collections.abc import Iterator

import pytest

from tests.support.postgresql import Server, binary, server


@pytest.fixture(scope="session")
def running() -> Iterator[Server]:
    if binary("initdb") is None or binary("postgres") is None:
        pytest.skip("needs PostgreSQL's server (docs/testing.md)")
    with server() as one:
        yield one


@pytest.fixture
def postgresql(running: Server) -> Server:
    """Give the server as it should be, whatever the test before has done to it."""
    running.start()
    return running
