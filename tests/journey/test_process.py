"""The process as its operator knows it: start, memory, signals, faults and exit codes."""

import asyncio
import json
import signal
import socket
import statistics
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from tests.support.caller import caller, head, sound_envelope
from tests.support.process import ROOT, SIM, Process, environ, process, seconds_to_ready, spawn
from tests.support.raw import RawProvider, answer, hang

LONGEST_START_S = 2.0  # 1.0 on a machine of its own
MOST_AT_REST_KIB = 60 * 1024
SECRET = "sk_live_4242"


async def run(arguments: list[str], **env: str) -> tuple[int, str, str]:
    """Run a command to its end; give its exit code and what it wrote."""
    ended = await spawn(arguments, environ(env))
    out, err = await ended.communicate()
    assert ended.returncode is not None
    assert b"Traceback" not in err
    return ended.returncode, out.decode(), err.decode()


async def ask_health(one: Process) -> bytes:
    async with caller(one.port) as here:
        await here.send(head("GET /sim/payments?reference=x HTTP/1.1"))
        return (await here.answer()).body


async def refuses_callers(port: int) -> None:
    """Wait until nobody listens there any more."""
    async with asyncio.timeout(5.0):
        with suppress(ConnectionError):
            while True:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.close()
                await asyncio.sleep(0.005)


async def test_it_is_ready_after_a_second_or_two_of_work() -> None:
    with TemporaryDirectory() as folder:  # short: the path of a socket has an end
        times = [await seconds_to_ready(Path(folder)) for _ in range(3)]
    assert statistics.median(work_s for _, work_s in times) < LONGEST_START_S, times


async def test_at_rest_it_takes_less_than_60_mib(tmp_path: Path) -> None:
    async with process(tmp_path) as one:
        await ask_health(one)
        assert one.rss_kib() < MOST_AT_REST_KIB


async def test_sigterm_lets_a_request_under_way_come_to_its_end(tmp_path: Path) -> None:
    go = asyncio.Event()

    async def late(connected: object) -> None:
        await go.wait()
        await answer(201)(connected)  # type: ignore[arg-type]

    async with RawProvider([late]) as upstream:
        acme = {"base_url": f"http://127.0.0.1:{upstream.port}"}
        async with process(tmp_path, providers={"acme": acme}) as one:
            async with caller(one.port) as here:
                await here.send(head("POST /acme/payments HTTP/1.1"))
                await upstream.arrived.wait()
                one.signal()
                await one.line("draining")
                await refuses_callers(one.port)
                go.set()
                reply = await here.answer()
                assert (reply.status, reply.header("Connection")) == (201, "close")
            assert await one.ended() == 0
            await one.line("stopped")


async def test_a_download_under_way_is_read_to_its_end_after_sigterm(tmp_path: Path) -> None:
    size = 8 * 1024 * 1024
    async with process(tmp_path) as one, caller(one.port) as here:
        await here.send(head(f"GET /sim/_sim/bytes/{size} HTTP/1.1"))
        await here.reader.readuntil(b"\r\n\r\n")
        one.signal()
        await one.line("draining")
        await asyncio.sleep(0.05)
        assert len(await here.reader.readexactly(size)) == size
        assert await one.ended() == 0


async def test_what_is_cut_off_by_the_end_of_the_drain_is_told_as_unknown(tmp_path: Path) -> None:
    drain = {"delay": "0ms", "timeout": "50ms"}
    async with RawProvider([hang]) as upstream:
        acme = {"base_url": f"http://127.0.0.1:{upstream.port}"}
        async with process(tmp_path, providers={"acme": acme}, drain=drain) as one:
            async with caller(one.port) as here:
                await here.send(head("POST /acme/payments HTTP/1.1"))
                await upstream.arrived.wait()
                one.signal()
                assert sound_envelope(await here.answer())["outcome"] == "unknown"
            assert await one.ended() == 0
            assert (await one.line("drain_cut_off"))["calls"] == 1


@pytest.mark.parametrize("second", [signal.SIGTERM, signal.SIGINT])
async def test_a_second_signal_ends_it_at_once(tmp_path: Path, second: signal.Signals) -> None:
    async with RawProvider([hang]) as upstream:
        acme = {"base_url": f"http://127.0.0.1:{upstream.port}"}
        drain = {"delay": "10s", "timeout": "30s"}
        settings = {"providers": {"acme": acme}, "drain": drain}
        async with process(tmp_path, **settings) as one, caller(one.port) as here:
            await here.send(head("POST /acme/payments HTTP/1.1"))
            await upstream.arrived.wait()
            one.signal()
            await one.line("draining")
            one.signal(second)
            async with asyncio.timeout(2.0):
                assert await one.process.wait() == 0


async def test_a_bad_config_is_one_line_for_each_fault_and_no_secret(tmp_path: Path) -> None:
    file = tmp_path / "bad.yaml"
    file.write_text(
        "listen: nowhere\n"
        "providers:\n"
        "  acme:\n"
        "    base_url: ftp://api.example.com\n"
        "    retrys: {}\n"
        f"    headers: {{Authorization: '{SECRET}'}}\n"
    )
    code, out, err = await run(["run", "--config", str(file)])
    assert (code, out) == (1, "")
    places = [line.partition(":")[0] for line in err.splitlines()]
    assert places == ["listen[0]", "providers.acme.base_url", "providers.acme.retrys"]
    assert SECRET not in err


async def test_a_port_in_use_is_one_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        file = tmp_path / "paysluice.yaml"
        port = taken.getsockname()[1]
        config = {"listen": f"127.0.0.1:{port}", "admin": "127.0.0.1:0", "providers": SIM}
        file.write_text(yaml.safe_dump(config))
        code, out, err = await run(["run", "--config", str(file)])
        assert (code, out) == (1, "")
        assert len(err.splitlines()) == 1
        assert err.startswith("paysluice: cannot start: ")
        assert str(port) in err


async def test_a_missing_config_is_one_line(tmp_path: Path) -> None:
    code, _, err = await run(["run", "--config", str(tmp_path / "none.yaml")])
    assert code == 1
    assert len(err.splitlines()) == 1
    assert "none.yaml" in err


@pytest.mark.item(40)
async def test_without_aiohttps_c_parser_it_refuses_to_start(tmp_path: Path) -> None:
    file = tmp_path / "paysluice.yaml"
    file.write_text(yaml.safe_dump({"listen": "127.0.0.1:0", "providers": SIM}))
    code, _, err = await run(["run", "--config", str(file)], AIOHTTP_NO_EXTENSIONS="1")
    assert (code, len(err.splitlines())) == (1, 1)
    assert "C parser" in err


async def test_without_a_config_the_quickstart_serves_and_prints_its_three_lines() -> None:
    ports = {"PAYSLUICE__LISTEN": "127.0.0.1:0", "PAYSLUICE__ADMIN": "127.0.0.1:0"}
    one = Process(await spawn(["run"], environ(ports)))
    started = await one.line("started")
    one.port = int(started["address"].rpartition(":")[2])
    assert json.loads(await ask_health(one))
    one.signal(signal.SIGINT)
    one.signal(signal.SIGTERM)
    _, err = await one.process.communicate()
    assert one.process.returncode == 0
    lines = err.decode().splitlines()
    assert len(lines) == 3
    assert all(line.startswith(f"curl -si http://127.0.0.1:{one.port}/sim/") for line in lines)


async def test_simulate_serves_the_simulated_provider_alone() -> None:
    alone = await spawn(["simulate", "--port", "0"], environ())
    assert alone.stdout is not None
    url = (await alone.stdout.readline()).decode().strip()
    async with caller(int(url.rpartition(":")[2])) as here:
        await here.send(head("GET /_sim/charges HTTP/1.1"))
        assert (await here.answer()).status == 200
    alone.send_signal(signal.SIGTERM)
    assert await alone.wait() == 0
    await alone.communicate()


async def test_explain_reads_standard_input() -> None:
    asked = await asyncio.create_subprocess_exec(
        sys.executable,
        *["-m", "proxy", "explain", "--provider", "generic", "--method", "GET", "-"],
        cwd=ROOT,
        env=environ(),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    out, _ = await asked.communicate(b"HTTP/1.1 503 X\r\nContent-Length: 0\r\n\r\n")
    assert asked.returncode == 0
    assert json.loads(out)["verdict"] == {
        "retry": True,
        "basis": "idempotent",
        "why": "service_unavailable",
    }


async def test_a_reader_of_our_output_that_leaves_is_no_fault() -> None:
    one = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m proxy profiles akua | head -c 1",
        cwd=ROOT,
        env=environ(),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    _, err = await one.communicate()
    assert (one.returncode, err) == (0, b"")
