"""What the operator of a whole sidecar switches and sees: pauses, status, metrics, config."""

import asyncio
import json
import re
from pathlib import Path

import pytest

from tests.support import raw
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import RawProvider, answer
from tests.support.sidecar import Sidecar, provider, sidecar


async def admin(proxy: Sidecar, path: str) -> tuple[int, bytes]:
    assert proxy.app.admin_port is not None
    async with caller(proxy.app.admin_port) as one:
        await one.send(head(f"GET {path} HTTP/1.1", host="localhost"))
        reply = await one.answer()
        return reply.status, reply.body


@pytest.mark.parametrize(
    ("paused", "statuses"),
    [("none", (200, 200)), ("payments", (200, 503)), ("all", (503, 503))],
)
async def test_an_operators_pause_holds_back_what_it_names(
    paused: str, statuses: tuple[int, int]
) -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port, paused=paused)}) as proxy,
    ):
        read = await proxy.ask("GET", "/acme/x")
        paid = await proxy.ask("POST", "/acme/x", body=b"{}")
        assert (read.status, paid.status) == statuses
        assert upstream.requests == statuses.count(200)
        if paid.status == 503:
            envelope = sound_envelope(paid)
            assert (envelope["error_code"], envelope["outcome"]) == ("paused", "not_sent")
            assert envelope["retryable"] is True
            assert "error=destination_unavailable" in str(paid.header("Proxy-Status"))


async def say(proxy: Sidecar, path: str, body: bytes, media_type: str = "application/json") -> int:
    assert proxy.app.admin_port is not None
    async with caller(proxy.app.admin_port) as one:
        fields = [f"Content-Type: {media_type}", f"Content-Length: {len(body)}"]
        await one.send(head(f"POST {path} HTTP/1.1", *fields, host="localhost") + body)
        return (await one.answer()).status


async def test_an_operator_pauses_a_running_provider_and_lets_it_go_again() -> None:
    limits = [{"name": "account", "rate": "1/1s", "burst": 1, "max_wait": "10s"}]
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port, rate_limits=limits)}) as proxy,
    ):
        path, words = "/providers/acme/pause", b'{"paused": "payments", "by": "ann: a test"}'
        assert (await proxy.ask("POST", "/acme/x", body=b"{}")).status == 200
        waiting = asyncio.create_task(proxy.ask("POST", "/acme/x", body=b"{}"))
        await asyncio.sleep(0.1)
        assert await say(proxy, path, words) == 200
        assert (await waiting).status == 503  # it waited for its token, and was held back
        assert (await proxy.ask("POST", "/acme/x", body=b"{}")).status == 503
        assert (await proxy.ask("GET", "/acme/x")).status == 200
        status = json.loads((await admin(proxy, "/status"))[1])
        assert status["providers"]["acme"]["paused"] == "payments"
        lines = [json.loads(line) for line in proxy.log.getvalue().splitlines()]
        (line,) = [line for line in lines if line["event"] == "provider_paused"]
        assert (line["provider"], line["state"]) == ("acme", "payments")
        assert line["message"] == "ann: a test"
        assert await say(proxy, path, b'{"paused": "none", "by": "ann"}') == 200
        assert (await proxy.ask("POST", "/acme/x", body=b"{}")).status == 200


@pytest.mark.parametrize(
    ("path", "body", "media_type", "status"),
    [
        ("/providers/other/pause", b'{"paused": "all", "by": "ann"}', "application/json", 404),
        ("/providers/acme", b'{"paused": "all", "by": "ann"}', "application/json", 404),
        ("/providers/acme/pause", b'{"paused": "all", "by": "ann"}', "text/plain", 400),
        ("/providers/acme/pause", b'{"paused": "some", "by": "ann"}', "application/json", 400),
        ("/providers/acme/pause", b'{"paused": ["all"], "by": "ann"}', "application/json", 400),
        ("/providers/acme/pause", b'{"paused": "all"}', "application/json", 400),
        ("/providers/acme/pause", b'{"paused": "all", "by": " "}', "application/json", 400),
        ("/providers/acme/pause", b"[" * 5000, "application/json", 400),
    ],
)
async def test_a_switch_that_is_not_understood_changes_nothing(
    path: str, body: bytes, media_type: str, status: int
) -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        assert await say(proxy, path, body, media_type) == status
        assert (await proxy.ask("POST", "/acme/x", body=b"{}")).status == 200


async def test_status_tells_an_operator_what_goes_on() -> None:
    limits = [{"name": "account", "rate": "1000/s", "burst": 10}]
    async with (
        RawProvider([answer(404, b'{"message": "no such card 4111111111111111"}')]) as upstream,
        sidecar({"acme": provider(upstream.port, rate_limits=limits)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x")
        status, body = await admin(proxy, "/status")
        told = json.loads(body)
        assert (status, told["state"], told["journeys"]) == (200, "ready", 0)
        acme = told["providers"]["acme"]
        assert acme["breaker"] == {"all": "closed"} or set(acme["breaker"].values()) == {"closed"}
        assert acme["connections"] == {"idle": 1, "busy": 0}
        assert set(acme["limits"]) >= {"account"}
        assert acme["in_flight"] == 0
        assert acme["last_errors"][0]["request_id"] == reply.header("Paysluice-Request-Id")
        assert b"4111111111111111" not in body


SERIES = [
    "paysluice_requests_total",
    "paysluice_request_duration_seconds_bucket",
    "paysluice_upstream_responses_total",
    "paysluice_provider_codes_total",
    "paysluice_upstream_duration_seconds_bucket",
    "paysluice_overhead_seconds_bucket",
    "paysluice_attempt_failures_total",
    "paysluice_retries_total",
    "paysluice_retries_denied_total",
    "paysluice_rate_limited_total",
    "paysluice_rate_limit_wait_seconds_bucket",
    "paysluice_breaker_state",
    "paysluice_retry_budget_remaining",
    "paysluice_limit_fill",
    "paysluice_queue_length",
    "paysluice_connections_discarded_total",
    "paysluice_draining",
    "paysluice_unmapped_codes_total",
    "paysluice_in_flight",
    "paysluice_upstream_connections",
    "paysluice_build_info",
]


async def test_after_some_traffic_the_metrics_of_the_contract_are_there() -> None:
    limits = [{"name": "account", "rate": "1/1h", "burst": 7, "max_wait": "1ms"}]
    odd = answer(422, b'{"error": {"code": "very_odd_code", "message": "no"}}')
    steps = [answer(), answer(503), answer(), odd, raw.close, answer(503), answer(429)]
    async with (
        RawProvider(steps) as upstream,
        sidecar({"acme": provider(upstream.port, rate_limits=limits)}) as proxy,
    ):
        told = [await proxy.ask("GET", "/acme/x") for _ in range(3)]
        told += [await proxy.ask("POST", "/acme/x", body=b"{}") for _ in range(6)]
        status, text = await admin(proxy, "/metrics")
        assert status == 200
        present = {re.split(r"[ {]", line)[0] for line in text.decode().splitlines()}
        assert [name for name in SERIES if name not in present] == []
        assert b"4111111111111111" not in text
        counted = re.findall(rb"^paysluice_requests_total\{.*\} ([\d.]+)$", text, re.MULTILINE)
        assert sum(float(count) for count in counted) == len(told)


async def test_a_request_that_nobody_can_read_is_counted_too() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        await proxy.send(b"nonsense\r\n\r\n")
        await proxy.send(head("PROPFIND /acme/x HTTP/1.1", "Connection: close"))
        _, text = await admin(proxy, "/metrics")
        assert text.count(b'method="_OTHER"') >= 2
        assert b"PROPFIND" not in text


async def test_readiness_says_starting_ready_and_draining() -> None:
    async with sidecar({"sim": {"base_url": "simulator"}}) as proxy:
        assert (await admin(proxy, "/readyz"))[0] == 200
        proxy.app.state = "draining"
        status, body = await admin(proxy, "/readyz")
        assert (status, json.loads(body)["reason"]) == (503, "draining")
        assert (await admin(proxy, "/healthz"))[0] == 200
        _, metrics = await admin(proxy, "/metrics")
        assert b"paysluice_draining 1.0" in metrics
        reply = await proxy.ask("GET", "/nobody")
        assert reply.header("Connection") == "close"


async def test_the_effective_config_hides_its_secrets(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sk_live_canary\n")
    acme = {"base_url": "https://a.example.com", "headers": {"X-Key": f"${{file:{secret}}}"}}
    async with sidecar({"acme": acme}) as proxy:
        status, body = await admin(proxy, "/config")
        assert (status, b"sk_live_canary" in body) == (200, False)
        assert json.loads(body)["providers"]["acme"]["headers"] == {"X-Key": "***"}
