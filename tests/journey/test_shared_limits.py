"""A whole sidecar whose limits are in Redis: what is told, and done, while that is away."""

import asyncio
import json

from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import RawProvider, answer
from tests.support.redis import RedisServer
from tests.support.sidecar import Sidecar, provider, sidecar

LIMITS = [{"name": "account", "rate": "1000/s", "burst": 5, "max_wait": "5s"}]


async def readiness(proxy: Sidecar) -> tuple[int, object]:
    assert proxy.app.admin_port is not None
    async with caller(proxy.app.admin_port) as one:
        await one.send(head("GET /readyz HTTP/1.1", host="localhost"))
        reply = await one.answer()
        return reply.status, json.loads(reply.body)


async def test_while_they_are_away_the_one_goes_on_with_its_share_and_the_other_refuses(
    redis: RedisServer,
) -> None:
    strict = {"store_failure": {"limits": "refuse"}, "account": "other"}
    async with (
        RawProvider([answer()]) as upstream,
        sidecar(
            {
                "acme": provider(upstream.port, rate_limits=LIMITS),
                "strict": provider(upstream.port, rate_limits=LIMITS, **strict),
            },
            stores={"limits": redis.url},
        ) as proxy,
    ):
        assert (await proxy.ask("GET", "/acme/x")).status == 200
        assert (await proxy.ask("GET", "/strict/x")).status == 200
        assert await readiness(proxy) == (200, {"ready": True, "reason": "ready"})
        assert proxy.app.status()["limits"] == {"store": "up", "sidecars": 1}
        redis.stop()
        assert (await proxy.ask("GET", "/acme/x")).status == 200
        envelope = sound_envelope(await proxy.ask("POST", "/strict/x", body=b"{}"))
        assert (envelope["error_code"], envelope["outcome"]) == ("service_unavailable", "not_sent")
        assert envelope["retryable"] is True
        assert await readiness(proxy) == (200, {"ready": True, "reason": "degraded"})
        assert 'paysluice_store_up{store="limits"} 0.0' in proxy.metrics()
        redis.start()
        async with asyncio.timeout(20.0):
            while not proxy.app._limits.is_up:  # noqa: ASYNC110 - in another process
                await asyncio.sleep(0.02)
        assert (await proxy.ask("GET", "/strict/x")).status == 200
        assert await readiness(proxy) == (200, {"ready": True, "reason": "ready"})
        lines = [json.loads(line) for line in proxy.log.getvalue().splitlines()]
        moved = [line for line in lines if line["event"] == "store_moved"]
        assert [(line["store"], line["state"]) for line in moved] == [
            ("limits", "away"),
            ("limits", "up"),
        ]
