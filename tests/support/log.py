"""The log of a sidecar that runs."""

import json
from typing import Any

from tests.support.sidecar import Sidecar


def lines(proxy: Sidecar, event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in proxy.log.getvalue().splitlines()]
    return [line for line in told if line["event"] == event]
