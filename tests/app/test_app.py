"""A whole sidecar: its switches, what a caller may ask of it, and what its operator sees."""

import asyncio
import json
import re
import socket
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from proxy.app import App, StartError
from proxy.settings import ConfigError
from proxy.system import SystemClock, new_id, roll
from tests.support import raw
from tests.support.caller import caller, head, sound_envelope
from tests.support.raw import RawProvider, answer, hang
from tests.support.sidecar import Sidecar, provider, read_reply, sidecar

DEBUG = {"level": "debug", "format": "json"}


def lines(proxy: Sidecar, event: str) -> list[dict[str, Any]]:
    told = [json.loads(line) for line in proxy.log.getvalue().splitlines()]
    return [line for line in told if line["event"] == event]


async def until(is_so: Callable[[], bool]) -> None:
    async with asyncio.timeout(5.0):
        while not is_so():  # noqa: ASYNC110 - what is waited for is a line of the log
            await asyncio.sleep(0)


async def admin(proxy: Sidecar, path: str) -> tuple[int, bytes]:
    assert proxy.app.admin_port is not None
    async with caller(proxy.app.admin_port) as one:
        await one.send(head(f"GET {path} HTTP/1.1"))
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


async def test_a_payment_that_hangs_is_504_unknown_and_its_late_answer_is_recorded() -> None:
    go = asyncio.Event()

    async def late(connected: raw.Connected) -> None:
        await go.wait()
        await answer(201)(connected)

    async with (
        RawProvider([late]) as upstream,
        sidecar({"acme": provider(upstream.port)}, log=DEBUG) as proxy,
    ):
        reply = await proxy.ask("POST", "/acme/x", {"Paysluice-Timeout": "50ms"}, b"{}")
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (504, "gateway_timeout")
        assert (envelope["outcome"], envelope["attempts"]) == ("unknown", 1)
        assert envelope["retryable"] is False
        assert lines(proxy, "attempt_ended") == []
        go.set()
        await until(lambda: bool(lines(proxy, "call_ended")))
        ended = lines(proxy, "attempt_ended")[0]
        assert (ended["status"], ended["request_id"]) == (201, envelope["request_id"])
        assert upstream.requests == 1


async def test_a_read_whose_deadline_comes_is_given_up() -> None:
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port)}, log=DEBUG) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": "30ms"})
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["outcome"]) == (504, "rejected")
        assert envelope["retryable"] is True
        await until(lambda: proxy.app.status()["journeys"] == 0)


async def test_a_callers_timeout_cannot_lengthen_ours() -> None:
    timeouts = {"total": "30ms", "attempt": "30ms"}
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port, timeouts=timeouts)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Timeout": "8s"})
        assert reply.status == 504


async def test_a_caller_can_turn_retries_off() -> None:
    async with (
        RawProvider([answer(503)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Paysluice-Retry": "off"})
        assert (sound_envelope(reply)["attempts"], upstream.requests) == (1, 1)
        await proxy.ask("GET", "/acme/x", {"Paysluice-Retry": "on"})
        assert upstream.requests == 4


SAD = b'{"code": "no_money", "message": "Insufficient funds"}'


async def test_passthrough_keeps_the_providers_words_and_our_headers_still_tell() -> None:
    fields = [("Content-Type", "application/json"), ("X-Trace", "t-1")]
    async with (
        RawProvider([answer(402, SAD, fields)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("POST", "/acme/x", {"Paysluice-Errors": "passthrough"}, b"{}")
        assert (reply.status, reply.body) == (402, SAD)
        assert reply.header("X-Trace") == "t-1"
        assert reply.header("Paysluice-Error-Code") == "insufficient_funds"
        assert reply.header("Paysluice-Outcome") == "declined"
        assert reply.header("Paysluice-Retryable") == "false"
        # What we say ourselves is an envelope whatever was asked for.
        own = await proxy.ask("GET", "/acme/../x", {"Paysluice-Errors": "passthrough"})
        assert sound_envelope(own)["error_code"] == "malformed_request"


async def test_a_caller_can_ask_for_problem_json() -> None:
    async with (
        RawProvider([answer(404)]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask("GET", "/acme/x", {"Accept": "application/problem+json"})
        envelope = sound_envelope(reply, media_type="application/problem+json")
        assert {"type", "title", "status", "detail", "instance"} <= set(envelope)
        assert envelope["status"] == reply.status == 404
        assert (await proxy.ask("GET", "/acme/x")).header("Content-Type") == "application/json"


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


async def test_a_unix_socket_serves_with_its_mode(tmp_path: Path) -> None:
    path = tmp_path / "p.sock"
    left_over = socket.socket(socket.AF_UNIX)
    left_over.bind(str(path))
    left_over.close()
    async with (
        RawProvider([answer()]) as upstream,
        sidecar(
            {"acme": provider(upstream.port)},
            listen=[f"unix:{path}", "127.0.0.1:0"],
            admin=f"unix:{tmp_path}/a.sock",
            socket_mode="0600",
        ) as proxy,
    ):
        for each in (path, tmp_path / "a.sock"):
            assert stat.S_IMODE(each.stat().st_mode) == 0o600
        reader, writer = await asyncio.open_unix_connection(str(path))
        writer.write(head("GET /acme/x HTTP/1.1", "Connection: close"))
        assert read_reply(await reader.read()).status == 200
        writer.close()
        assert (await proxy.ask("GET", "/acme/x")).status == 200
        assert proxy.app.admin_port is None


async def test_an_address_in_use_is_told_and_leaves_nothing_open() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(StartError, match=str(port)):
            async with sidecar({"sim": {"base_url": "simulator"}}, listen=f"127.0.0.1:{port}"):
                raise AssertionError  # pragma: no cover


async def test_a_certificate_that_cannot_be_read_is_told(tmp_path: Path) -> None:
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    acme = {"base_url": "https://api.example.com", "tls": {"ca": str(empty)}}
    with pytest.raises(StartError, match=r"cannot start: providers\.acme\.tls: "):
        async with sidecar({"acme": acme}):
            raise AssertionError  # pragma: no cover


async def test_a_profile_that_is_not_there_is_told() -> None:
    acme = {"base_url": "https://api.example.com", "profile": "nosuch"}
    with pytest.raises(ConfigError, match=r"providers\.acme\.profile: "):
        async with sidecar({"acme": acme}):
            raise AssertionError  # pragma: no cover


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


async def test_what_the_end_cuts_off_is_counted_and_its_caller_is_told() -> None:
    drain = {"delay": "0ms", "timeout": "20ms"}
    async with (
        RawProvider([hang]) as upstream,
        sidecar({"acme": provider(upstream.port)}, drain=drain) as proxy,
        caller(proxy.port) as one,
    ):
        await one.send(head("POST /acme/x HTTP/1.1"))
        await upstream.arrived.wait()
        await proxy.app.drain()
        assert sound_envelope(await one.answer())["outcome"] == "unknown"
        assert lines(proxy, "drain_cut_off")[0]["attempts"] == 1


async def test_an_app_that_never_started_can_be_ended() -> None:
    async with sidecar({"sim": {"base_url": "simulator"}}) as proxy:
        never = App(
            proxy.app.settings,
            version="test",
            clock=SystemClock(),
            roll=roll,
            new_id=new_id,
            stdout=proxy.log,
        )
        await never.drain()
        await never.close()
