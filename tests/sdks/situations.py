"""What goes wrong before a vendor's SDK, and the sidecar between the SDK and its provider."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from enum import Enum
from typing import Any

from tests.support import raw
from tests.support.raw import RawProvider, Step, answer
from tests.support.sidecar import provider, sidecar

PAGE = b"<html><head><title>502 Bad Gateway</title></head><body>nginx</body></html>"
ONE_FAULT_OPENS = {"min_requests": 1, "open_for": "60s"}


class Situation(Enum):
    """What an application meets."""

    DECLINED = "declined"  # in the provider's own words
    THROTTLED = "throttled"  # the same
    PAGE = "page"  # an edge before the provider answers 502 with HTML
    CIRCUIT = "circuit"  # we answer, and nothing is sent
    LOST = "lost"  # the provider took the payment, and no answer came


@dataclass(frozen=True)
class Spoken:
    """How a provider says no: answers as its reference shows them."""

    declined: Step
    throttled: Step

    def script(self, situation: Situation) -> Step:
        match situation:
            case Situation.DECLINED:
                return self.declined
            case Situation.THROTTLED:
                return self.throttled
            case Situation.PAGE:
                return said(502, PAGE, kind="text/html")
            case Situation.CIRCUIT | Situation.LOST:
                return raw.close


@dataclass(frozen=True)
class Facing:
    """Where an SDK is pointed at, and the provider that counts."""

    url: str
    upstream: RawProvider


def said(status: int, body: Any, kind: str = "application/json") -> Step:
    """Answer with *body*: bytes as they are, the rest as JSON."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    return answer(status, data, [("Content-Type", kind)])


@asynccontextmanager
async def facing(
    profile: str, situation: Situation, spoken: Spoken, **members: Any
) -> AsyncIterator[Facing]:
    """Run a sidecar before a provider, the situation about to happen."""
    async with RawProvider([spoken.script(situation)]) as upstream:
        settings = provider(
            upstream.port,
            profile=profile,
            mount="/",
            errors={"mode": "native"},
            retry={"max_attempts": 1},  # what the provider counts more, the SDK has repeated
            breaker=ONE_FAULT_OPENS if situation is Situation.CIRCUIT else {},
            **members,
        )
        async with sidecar({profile: settings}) as proxy:
            if situation is Situation.CIRCUIT:
                await proxy.ask(target="/opens-the-circuit")
                upstream.seen.clear()
            yield Facing(f"http://127.0.0.1:{proxy.port}", upstream)
