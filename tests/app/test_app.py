"""A whole sidecar: where it listens, what keeps it from starting, and how it ends."""

import asyncio
import socket
import stat
from pathlib import Path

import pytest

from proxy.app import App, StartError
from proxy.settings import ConfigError
from proxy.system import NewIds, SystemClock, roll
from tests.support.caller import caller, head, sound_envelope
from tests.support.log import lines
from tests.support.raw import RawProvider, answer, hang
from tests.support.sidecar import provider, read_reply, sidecar


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
        assert lines(proxy, "drain_cut_off")[0]["calls"] == 1


async def test_an_app_that_never_started_can_be_ended() -> None:
    async with sidecar({"sim": {"base_url": "simulator"}}) as proxy:
        never = App(
            proxy.app.settings,
            version="test",
            clock=SystemClock(),
            roll=roll,
            new_id=NewIds(),
            stdout=proxy.log,
        )
        await never.drain()
        await never.close()
