"""From a provider's settings to what goes over the wire."""

import os
from pathlib import Path

from proxy.app.provider import configured_headers
from proxy.settings import ProviderSettings, load
from tests.support.clock import FakeClock
from tests.support.raw import RawProvider, answer
from tests.support.sidecar import provider, sidecar


def settings_with(folder: Path, headers: str) -> ProviderSettings:
    file = folder / "paysluice.yaml"
    file.write_text(
        "listen: 127.0.0.1:0\nproviders:\n  acme:\n"
        f"    base_url: https://api.example.com\n    headers: {headers}\n"
    )
    return load(str(file), {"KEY": "sk_live_1"}).providers["acme"]


def test_the_very_same_fields_come_back_until_a_secret_changes(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    clock = FakeClock()
    headers = f"{{Authorization: 'Bearer ${{file:{secret}}}', X-Key: '${{env:KEY}}'}}"
    current = configured_headers(settings_with(tmp_path, headers), clock)
    first = current()
    assert first == ((b"Authorization", b"Bearer one"), (b"X-Key", b"sk_live_1"))
    assert current() is first
    secret.write_text("two\n")
    clock.now += 1.5
    assert current() == ((b"Authorization", b"Bearer two"), (b"X-Key", b"sk_live_1"))


def test_a_rotation_that_goes_wrong_keeps_the_secret_that_worked(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    clock = FakeClock()
    headers = f"{{Authorization: '${{file:{secret}}}'}}"
    current = configured_headers(settings_with(tmp_path, headers), clock)
    for broken in ("", "a\x00b"):
        secret.write_text(broken)
        clock.now += 1.5
        assert current() == ((b"Authorization", b"one"),)
    secret.unlink()
    clock.now += 1.5
    assert current() == ((b"Authorization", b"one"),)


async def test_configured_fields_are_set_on_every_request_in_place_of_the_callers(
    tmp_path: Path,
) -> None:
    secret = tmp_path / "secret"
    secret.write_text("sk_live_1\n")
    headers = {"Authorization": f"Bearer ${{file:{secret}}}", "X-Static": "yes"}
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port, headers=headers)}) as proxy,
    ):
        asked = {"authorization": "Bearer of-the-caller", "X-Other": "kept"}
        reply = await proxy.ask("GET", "/acme/x", headers=asked)
        assert reply.status == 200
        seen = upstream.seen[0]
        assert seen.values(b"authorization") == [b"Bearer sk_live_1"]
        assert (seen.values(b"x-static"), seen.values(b"x-other")) == ([b"yes"], [b"kept"])
        assert "sk_live_1" not in proxy.log.getvalue()
        assert b"sk_live_1" not in reply.body


async def test_a_secret_that_the_provider_says_back_is_not_in_the_log() -> None:
    secret = "blue_heron_5521"  # of no shape: it is known by its text alone
    refused = answer(
        400, b'{"code": "%s"}' % secret.encode(), [("Content-Type", "application/json")]
    )
    async with (
        RawProvider([refused]) as upstream,
        sidecar({"acme": provider(upstream.port, headers={"X-Key": secret})}) as proxy,
    ):
        reply = await proxy.ask("POST", "/acme/x")
        assert reply.status == 400
        assert secret not in proxy.log.getvalue()
        assert "[secret]" in proxy.log.getvalue()


async def test_a_rotated_secret_takes_effect_without_a_restart(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("one\n")
    headers = {"Authorization": f"Bearer ${{file:{secret}}}"}
    async with (
        RawProvider([answer()]) as upstream,
        sidecar({"acme": provider(upstream.port, headers=headers)}) as proxy,
    ):
        secret.write_text("two\n")  # it was not looked at yet: the next request looks
        os.utime(secret, (1, 1))
        await proxy.ask("GET", "/acme/x")
        assert upstream.seen[0].values(b"authorization") == [b"Bearer two"]
