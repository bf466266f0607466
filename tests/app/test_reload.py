"""The config is read again: what comes goes by it, what is under way does not, and state stays."""

import asyncio
import json
import signal
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.caller import caller, head, sound_envelope
from tests.support.process import SIM, process
from tests.support.raw import Connected, RawProvider, Step, answer, close
from tests.support.sidecar import Sidecar, provider, sidecar

ONCE = {"retry": {"max_attempts": 1}}
PAID = {"Idempotency-Key": "k1"}


async def post(proxy: Sidecar, path: str, body: bytes = b"") -> tuple[int, Any]:
    assert proxy.app.admin_port is not None
    async with caller(proxy.app.admin_port) as one:
        fields = ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        await one.send(head(f"POST {path} HTTP/1.1", *fields, host="localhost") + body)
        reply = await one.answer()
        return reply.status, json.loads(reply.body)


async def reload(proxy: Sidecar, query: str = "") -> tuple[int, Any]:
    return await post(proxy, f"/reload{query}")


def after(gate: asyncio.Event, then: Step) -> Step:
    async def step(connected: Connected) -> None:
        await gate.wait()
        await then(connected)

    return step


async def test_what_comes_goes_by_the_new_config_and_what_is_under_way_by_the_old() -> None:
    gate = asyncio.Event()
    native = {"errors": {"mode": "passthrough"}}
    async with (
        RawProvider([after(gate, answer(500, b"old"))]) as old,
        RawProvider([answer(200, b"[]"), answer(500, b"new")]) as new,
        sidecar({"acme": provider(old.port, **ONCE), "gone": provider(old.port)}) as proxy,
    ):
        under_way = asyncio.create_task(proxy.ask("GET", "/acme/x"))
        await old.arrived.wait()
        proxy.write(
            {
                "acme": {**provider(new.port), **ONCE, **native, "mount": "/pay/"},
                "more": provider(new.port),
            }
        )
        assert await reload(proxy) == (200, {"reloaded": True})
        assert (await proxy.ask("GET", "/more/x")).status == 200
        assert (await proxy.ask("GET", "/pay/x")).body == b"new"
        assert (await proxy.ask("GET", "/acme/x")).status == 404
        assert (await proxy.ask("GET", "/gone/x")).status == 404
        gate.set()
        envelope = sound_envelope(await under_way)  # its provider answers in envelopes
        assert envelope["provider"]["status"] == 500
        assert 'paysluice_config_reloads_total{result="done"} 1.0' in proxy.metrics()
        providers: Any = proxy.app.status()["providers"]
        assert set(providers) == {"acme", "more"}


async def test_an_operators_pause_stays_until_the_config_says_something_else() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        await post(proxy, "/providers/acme/pause", b'{"paused": "payments", "by": "ann"}')
        proxy.write({"acme": provider(upstream.port, timeouts={"attempt": "3s"})})
        await reload(proxy)
        assert (await proxy.ask(body=b"{}")).status == 503
        proxy.write({"acme": provider(upstream.port, paused="all")})
        await reload(proxy)
        assert (await proxy.ask("GET")).status == 503
        await post(proxy, "/providers/acme/pause", b'{"paused": "none", "by": "ann"}')
        await reload(proxy)
        assert (await proxy.ask("GET")).status == 200


async def test_circuit_and_tokens_stay_as_they_are() -> None:
    limits = [{"name": "account", "rate": "1/1h", "burst": 3, "max_wait": "0s"}]
    breaker = {"min_requests": 2, "open_for": "1h"}
    async with (
        RawProvider([answer(500)]) as failing,
        RawProvider([answer()]) as upstream,
        sidecar(
            {
                "acme": provider(failing.port, breaker=breaker, **ONCE),
                "paced": provider(upstream.port, rate_limits=limits),
            }
        ) as proxy,
    ):
        for _ in range(2):
            await proxy.ask("GET", "/acme/x")
            assert (await proxy.ask("GET", "/paced/x")).status == 200
        proxy.write(
            {
                "acme": provider(upstream.port, breaker={**breaker, "window": "40s"}, **ONCE),
                "paced": provider(upstream.port, rate_limits=[{**limits[0], "max_wait": "1ms"}]),
            }
        )
        assert (await reload(proxy))[0] == 200
        assert (await proxy.ask("GET", "/acme/x")).json["error_code"] == "circuit_open"
        statuses = [(await proxy.ask("GET", "/paced/x")).status for _ in range(2)]
        assert statuses == [200, 429]
        # A limit that was made wider is not held back by what it was.
        proxy.write(
            {"paced": provider(upstream.port, rate_limits=[{**limits[0], "rate": "1000/s"}])}
        )
        await reload(proxy)
        await asyncio.sleep(0.01)
        assert (await proxy.ask("GET", "/paced/x")).status in {200, 429}
        await asyncio.sleep(0.01)
        assert (await proxy.ask("GET", "/paced/x")).status == 200


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"providers": {"acme": {"base_url": "nonsense"}}}, "providers.acme.base_url"),
        ({"providers": {"acme": {"base_url": "simulator", "profile": "none"}}}, "profile"),
        ({"listen": "127.0.0.1:1"}, "listen: takes effect with a restart"),
        (
            {"providers": {"acme": {"base_url": "simulator", "listen": "127.0.0.1:1"}}},
            "providers.*.listen: takes effect with a restart",
        ),
        (
            {
                "providers": {
                    "acme": {"base_url": "https://x.example", "tls": {"ca": "/dev/null"}},
                }
            },
            "providers.acme.tls",
        ),
    ],
)
async def test_with_a_fault_the_old_config_goes_on(change: dict[str, Any], told: str) -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        proxy.write(**{"providers": {"acme": provider(upstream.port)}, **change})
        status, said = await reload(proxy)
        assert status == 409
        assert told in said["message"]
        assert (await proxy.ask("GET")).status == 200
        assert 'paysluice_config_reloads_total{result="refused"} 1.0' in proxy.metrics()
        assert told in proxy.log.getvalue()


async def test_a_provider_with_unknown_payments_moves_only_by_force() -> None:
    async with (
        RawProvider([close]) as upstream,
        RawProvider([answer()]) as other,
        sidecar({"acme": provider(upstream.port, **ONCE)}) as proxy,
    ):
        assert (await proxy.ask(headers=PAID, body=b"{}")).json["outcome"] == "unknown"
        proxy.write({"acme": provider(other.port, **ONCE)})
        status, said = await reload(proxy)
        assert (status, "providers.acme" in said["message"]) == (409, True)
        assert (await reload(proxy, "?force=1"))[0] == 200
        assert (await proxy.ask("GET")).status == 200


@pytest.mark.parametrize(
    "change",
    [
        {"tenant_headers": ["X-Shop"]},
        {"idempotency": {"mode": "off"}},
        {"idempotency": {"header": "X-Key"}},
        {"idempotency": {"trusted": True}},
        {"profile": "square"},
    ],
)
async def test_whose_keys_are_guarded_changes_only_by_force(change: dict[str, Any]) -> None:
    async with (
        RawProvider([close]) as upstream,
        sidecar({"acme": provider(upstream.port, **ONCE)}) as proxy,
    ):
        await proxy.ask(headers=PAID, body=b"{}")
        proxy.write({"acme": provider(upstream.port, **ONCE, **change)})
        assert (await reload(proxy))[0] == 409


async def test_what_became_unknown_while_the_store_was_asked_is_not_forgotten() -> None:
    async with (
        RawProvider([close]) as upstream,
        sidecar({"acme": provider(upstream.port, **ONCE)}) as proxy,
    ):
        assert proxy.app._ledger is not None
        unknowns, store = proxy.app._ledger.unknowns, proxy.app._ledger.keeper.store
        may_answer, ask = asyncio.Event(), store.unknowns

        async def slow() -> Any:
            found = await ask()
            await may_answer.wait()
            return found

        store.unknowns = slow  # type: ignore[method-assign]
        looking = asyncio.create_task(unknowns.refresh())
        await asyncio.sleep(0)
        lost = await proxy.ask(headers=PAID, body=b"{}")
        may_answer.set()
        await looking
        assert set(unknowns.entries) == {lost.json["outcome_id"]}


async def test_a_provider_that_is_being_paid_moves_only_by_force() -> None:
    gate = asyncio.Event()
    async with (
        RawProvider([after(gate, answer())]) as upstream,
        RawProvider([answer()]) as other,
        sidecar({"acme": provider(upstream.port, **ONCE)}) as proxy,
    ):
        paying = asyncio.create_task(proxy.ask(headers=PAID, body=b"{}"))
        await upstream.arrived.wait()
        proxy.write({"acme": provider(other.port, **ONCE)})
        assert (await reload(proxy))[0] == 409
        gate.set()
        assert (await paying).status == 200
        assert (await reload(proxy))[0] == 200


async def test_so_does_one_that_is_about_to_be_paid() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        RawProvider([answer()]) as other,
        sidecar({"acme": provider(upstream.port, **ONCE)}) as proxy,
        caller(proxy.port) as one,
    ):
        await one.send(head("POST /acme/payments HTTP/1.1", "Content-Length: 2") + b"{")
        async with asyncio.timeout(5):
            while not proxy.app._providers["acme"].is_paying:  # noqa: ASYNC110 - another's to tell
                await asyncio.sleep(0)
        proxy.write({"acme": provider(other.port, **ONCE)})
        assert (await reload(proxy))[0] == 409
        await one.send(b"}")
        assert (await one.answer()).status == 200
        assert (await reload(proxy))[0] == 200
        assert (upstream.requests, other.requests) == (1, 0)


async def test_while_the_ledger_cannot_be_asked_no_provider_moves() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        RawProvider([answer()]) as other,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        assert proxy.app._ledger is not None
        proxy.app._ledger.keeper.is_up = False
        proxy.app._ledger.unknowns.refresh = _nothing  # type: ignore[method-assign]
        proxy.write({"acme": provider(other.port)})
        assert (await reload(proxy))[0] == 409
        assert (await reload(proxy, "?force=1"))[0] == 200


async def _nothing() -> None:
    pass


async def test_a_provider_that_goes_and_comes_back_is_paused_as_it_was() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        await post(proxy, "/providers/acme/pause", b'{"paused": "all", "by": "ann"}')
        proxy.write({"other": provider(upstream.port)})
        assert (await reload(proxy))[0] == 200
        proxy.write({"acme": provider(upstream.port)})
        assert (await reload(proxy))[0] == 200
        assert (await proxy.ask("GET")).json["error_code"] == "paused"


async def test_no_request_is_dropped_while_it_is_read_again_and_again() -> None:
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        is_over = False

        async def ask() -> set[int]:
            seen = set()
            while not is_over:
                seen.add((await proxy.ask("GET")).status)
            return seen

        asking = [asyncio.create_task(ask()) for _ in range(8)]
        for number in range(5):
            proxy.write({"acme": provider(upstream.port, timeouts={"attempt": f"{number + 1}s"})})
            assert (await reload(proxy))[0] == 200
        is_over = True
        assert set().union(*await asyncio.gather(*asking)) == {200}


async def test_a_reload_that_no_page_of_another_origin_can_send() -> None:
    async with sidecar({"acme": {"base_url": "simulator"}}) as proxy:
        assert proxy.app.admin_port is not None
        async with caller(proxy.app.admin_port) as one:
            await one.send(head("POST /reload HTTP/1.1", "Content-Length: 0", host="localhost"))
            assert (await one.answer()).status == 400


async def test_sighup_reads_it_again(tmp_path: Path) -> None:
    async with process(tmp_path) as one:
        file = tmp_path / "paysluice.yaml"
        config = yaml.safe_load(file.read_text())
        file.write_text(yaml.safe_dump({**config, "providers": {"other": SIM["sim"]}}))
        one.signal(signal.SIGHUP)
        assert (await one.line("config_reloaded"))["result"] == "done"
        async with caller(one.port) as here:
            await here.send(head("GET /other/payments?reference=x HTTP/1.1"))
            assert (await here.answer()).status == 200
