"""Nobody fills Prometheus, neither a caller nor a provider, however strange."""

import asyncio
import re
from random import Random

from prometheus_client import parser

from proxy.observe.families import METHODS
from proxy.route import Router
from proxy.terms import (
    AttemptEnded,
    Delivery,
    ErrorCode,
    ProxyError,
    Refused,
    Responded,
    RetryDenied,
)
from proxy.terms.verdict import Denial
from tests.support.caller import caller, head
from tests.support.process import ROOT
from tests.support.raw import Connected, RawProvider
from tests.support.sidecar import Sidecar, provider, sidecar

REQUESTS, EVENTS = 2_000, 100_000
AT_ONCE = 8
KNOWN = sorted(METHODS)
ERRORS, DELIVERIES, DENIALS = [*ErrorCode], [*Delivery], [*Denial]
REASONS, OUTCOMES = (
    [*ProxyError],
    ["none", "not_sent", "rejected", "declined", "unknown", "succeeded"],
)
PAGE = (ROOT / "docs" / "metrics.md").read_text(encoding="utf-8")
QUIET = {"breaker": {"min_requests": 10_000}, "retry": {"max_attempts": 1}, "profile": "sim"}


def bound() -> int:
    """Give the number that the operator's page states."""
    found = re.search(r"fewer than \*\*([\d,]+)\*\* series", PAGE)
    assert found is not None
    return int(found[1].replace(",", ""))


class Strange:
    """Paths, methods and codes by chance; some of them are right."""

    def __init__(self, seed: int) -> None:
        self.chance = Random(seed)  # noqa: S311 - a seed repeats it

    def word(self, letters: str = "ABCDEFGHIJKLMNOPQRSTUVWXYZ") -> str:
        return "".join(self.chance.choices(letters, k=self.chance.randint(1, 12)))

    def method(self) -> str:
        return self.word() if self.chance.random() < 0.3 else self.chance.choice(KNOWN)

    def path(self) -> str:
        parts = [self.word("abcdefghij/%0123456789-") for _ in range(self.chance.randint(1, 3))]
        known = self.chance.choice(["/acme/payments", "/acme/refunds", "/acme", "", "/_paysluice"])
        return f"{known}/{'/'.join(parts)}" if self.chance.random() < 0.8 else known or "/"

    def status(self) -> int:
        return self.chance.randint(-10, 1_000)


def series(here: Sidecar) -> int:
    families = parser.text_string_to_metric_families(here.metrics())
    return sum(len(family.samples) for family in families)


async def test_strange_requests_and_answers_over_sockets_add_few_series() -> None:
    strange = Strange(1)

    async def anything(connected: Connected) -> None:
        status = strange.chance.randint(200, 599)
        body = f'{{"error": {{"code": "{strange.word()}", "message": "{strange.word()}"}}}}'
        has_none = status in {204, 304}
        length = "" if has_none else f"Content-Length: {len(body)}\r\n"
        text = f"HTTP/1.1 {status} X\r\n{length}\r\n{'' if has_none else body}"
        connected.writer.write(text.encode())
        connected.close()

    async def call(port: int, number: int) -> None:
        for _ in range(REQUESTS // AT_ONCE):
            line = f"{strange.method()} {strange.path()} HTTP/1.1"
            key = f"Idempotency-Key: {number}-{strange.word()}"
            async with caller(port) as here:
                await here.send(head(line, "Content-Length: 0", key, "Connection: close"))
                assert (await here.rest()).startswith(b"HTTP/1.1 ")

    async with (
        RawProvider([anything]) as upstream,
        sidecar({"acme": provider(upstream.port, **QUIET)}) as here,
    ):
        await asyncio.gather(*(call(here.port, number) for number in range(AT_ONCE)))
        assert upstream.requests > REQUESTS / 4
        assert series(here) < bound()


async def test_a_hundred_thousand_paths_methods_and_codes_stay_under_the_stated_bound() -> None:
    strange = Strange(2)
    async with sidecar({"acme": provider(1, **QUIET)}) as here:
        router = Router([each.routes() for each in here.app._providers.values()])
        metrics = here.app._metrics
        for _ in range(EVENTS):
            method, status = strange.method(), strange.status()
            found = router.match(method, strange.path().encode())
            name, route = ("none", "none") if isinstance(found, Refused) else ("acme", found.route)
            code, failure = strange.chance.choice(ERRORS), strange.chance.choice(REASONS)
            outcome = strange.chance.choice(OUTCOMES)
            said, delivery = strange.word(), strange.chance.choice(DELIVERIES)
            responded = Responded(
                request_id="r",
                provider=name,
                route=route,
                method=method,
                status=status,
                error_code=code,
                outcome=outcome,
                duration_s=0.1,
                upstream_s=0.0,
                attempts=1,
                provider_code=said,
                trace_id=None,
                is_whole=True,
            )
            ended = AttemptEnded(
                "r", name, route, 0.1, delivery, status, failure, said, is_throttled=True
            )
            denied = RetryDenied("r", name, route, code, strange.chance.choice(DENIALS), 1)
            for event in (responded, ended, denied):
                metrics.on(event)
        counted = series(here)
        assert counted < bound()
        # So close that the number says something: it is not one that nothing could reach.
        assert counted > bound() / 2
        assert here.metrics().count("\npaysluice_requests_total{") == 5_001
