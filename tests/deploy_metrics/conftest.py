"""What Debian's package `prometheus` brings, or the reason why not."""

import pytest

from tests.support.prometheus import is_missing


@pytest.fixture
def programs() -> None:
    if is_missing():
        pytest.skip("needs Prometheus and promtool (docs/testing.md)")
