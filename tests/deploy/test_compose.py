"""The example for Compose: what it mounts is there, and its config works with its stores."""

import asyncio
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.kubernetes import check
from tests.support.postgresql import Server
from tests.support.process import ROOT, process
from tests.support.redis import RedisServer

DEPLOY = ROOT / "deploy"
FILE = yaml.safe_load((DEPLOY / "compose.yaml").read_text())
SERVICES: dict[str, dict[str, Any]] = FILE["services"]
CONFIG = (DEPLOY / "compose" / "paysluice.yaml").read_text()
SECRETS = "/run/secrets"
OURS = ("app", "paysluice")


def test_every_part_is_there() -> None:
    assert SERVICES.keys() == {"app", "paysluice", "postgresql", "redis", "prometheus", "grafana"}
    # An image that says `latest` is another one tomorrow.
    for service in SERVICES.values():
        assert service["image"].rpartition(":")[2] not in {"latest", service["image"]}


def test_what_is_mounted_is_there_or_is_a_volume() -> None:
    for name, service in SERVICES.items():
        for mount in service.get("volumes", ()):
            source = mount.partition(":")[0]
            assert source in FILE["volumes"] or (DEPLOY / source).exists(), (name, source)


def test_every_secret_is_a_file_that_nobody_commits() -> None:
    used = {each for service in SERVICES.values() for each in service.get("secrets", ())}
    assert used == FILE["secrets"].keys()
    for name, secret in FILE["secrets"].items():
        assert secret == {"file": f"./secrets/{name}"}
    assert "deploy/secrets/" in (ROOT / ".gitignore").read_text().splitlines()


@pytest.mark.parametrize("name", OURS)
def test_ours_may_write_nowhere_and_do_nothing_special(name: str) -> None:
    service = SERVICES[name]
    assert service["read_only"] is True
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]


def test_the_application_is_in_the_sidecars_network_and_comes_after_it() -> None:
    assert SERVICES["app"]["network_mode"] == "service:paysluice"
    assert SERVICES["app"]["depends_on"] == {"paysluice": {"condition": "service_healthy"}}
    assert yaml.safe_load(CONFIG)["listen"].startswith("127.0.0.1:")


def test_the_grace_is_longer_than_the_drain() -> None:
    grace = float(SERVICES["paysluice"]["stop_grace_period"].removesuffix("s"))
    drain = yaml.safe_load(CONFIG)["drain"]
    assert grace > sum(float(each.removesuffix("s")) for each in drain.values())


def test_prometheus_scrapes_the_sidecar_by_its_name() -> None:
    scraped = yaml.safe_load((DEPLOY / "prometheus" / "prometheus.yml").read_text())
    (job,) = scraped["scrape_configs"]
    port = yaml.safe_load(CONFIG)["admin"].rpartition(":")[2]
    assert job["static_configs"] == [{"targets": [f"paysluice:{port}"]}]
    assert "metrics" in yaml.safe_load(CONFIG)["admin_open"]


def test_the_config_passes_the_check(tmp_path: Path) -> None:
    keys = dict.fromkeys(FILE["secrets"], "word")
    done = check(CONFIG, tmp_path, keys, {}, mounted=SECRETS)
    assert (done.returncode, done.stdout, done.stderr) == (0, "ok\n", "")


async def test_the_application_pays_through_the_sidecar_and_its_stores(
    tmp_path: Path, postgresql: Server, redis: RedisServer
) -> None:
    (tmp_path / "ledger_key").write_text("0" * 44)
    settings = yaml.safe_load(CONFIG)
    settings["stores"] |= {
        "ledger": await postgresql.fresh(),
        "limits": redis.url,
        "ledger_key": f"${{file:{tmp_path}/ledger_key}}",
    }
    own = {"listen": "127.0.0.1:0", "admin": f"unix:{tmp_path}/admin.sock", "admin_token": None}
    async with process(tmp_path, None, **(settings | own)) as sidecar:
        code = (DEPLOY / "compose" / "app.py").read_text()
        code = code.replace("8080", str(sidecar.port)).replace("EVERY_S = 0.5", "EVERY_S = 0.0")
        application = await asyncio.create_subprocess_exec(
            sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
        )
        assert application.stdout is not None
        lines = [await application.stdout.readline() for _ in range(20)]
        application.kill()
        await application.communicate()
    told = [line.decode().split()[1:] for line in lines]
    # A lost answer of a provider that knows no keys; too fast, and then not; an outage; a decline.
    unusual = [each for number, each in enumerate(told, 1) if number % 5 == 0]
    assert unusual == [
        ["502", "unknown"],
        ["200", "succeeded"],
        ["503", "unknown"],
        ["402", "declined"],
    ]
    assert [each for number, each in enumerate(told, 1) if number % 5] == [
        ["200", "succeeded"]
    ] * 16
