"""A Prometheus of our own, and its promtool: Debian's package `prometheus` has both."""

import asyncio
import json
import shutil
import socket
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import yaml

from tests.support.caller import caller, head
from tests.support.process import ROOT

DEPLOY = ROOT / "deploy" / "prometheus"
PROGRAMS = ("prometheus", "promtool")
READY_WITHIN_S = 20.0
LOOK_EVERY_S = 0.05
SCRAPE_EVERY = "250ms"


def is_missing() -> bool:
    return any(shutil.which(program) is None for program in PROGRAMS)


def promtool(*arguments: str, given: bytes = b"") -> subprocess.CompletedProcess[bytes]:
    """Run promtool where the rules lie; what it found stands in both of its outputs."""
    return subprocess.run(  # noqa: S603
        [shutil.which("promtool") or "promtool", *arguments],
        input=given,
        cwd=DEPLOY,
        capture_output=True,
        check=False,
        timeout=60,
    )


def free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])


def config_for(folder: Path, target: int) -> dict[str, Any]:
    """Give the config and the rules that we ship, in a hurry, with one target on loopback."""
    rules = yaml.safe_load((DEPLOY / "rules.yml").read_text())
    for group in rules["groups"]:
        group.pop("interval", None)
    (folder / "rules.yml").write_text(yaml.safe_dump(rules))
    config: dict[str, Any] = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())
    config["global"] = {"scrape_interval": SCRAPE_EVERY, "evaluation_interval": SCRAPE_EVERY}
    assert config["rule_files"] == ["rules.yml"]
    (job,) = config["scrape_configs"]
    job["static_configs"] = [{"targets": [f"127.0.0.1:{target}"]}]
    return config


@dataclass
class Prometheus:
    """A server that runs, asked over its HTTP API."""

    port: int

    async def ask(self, path: str, **query: str) -> Any:
        """Give the `data` of an answer."""
        async with caller(self.port) as here:
            await here.send(head(f"GET /api/v1/{path}?{urlencode(query)} HTTP/1.1"))
            answered = json.loads((await here.answer()).body)
        assert answered["status"] == "success", answered
        return answered["data"]

    async def values(self, expression: str) -> list[float]:
        """Give what *expression* comes to now, of each series."""
        found = (await self.ask("query", query=expression))["result"]
        return [float(each["value"][1]) for each in found]

    async def is_ready(self) -> bool:
        with suppress(OSError):
            async with caller(self.port) as here:
                await here.send(head("GET /-/ready HTTP/1.1"))
                return (await here.answer()).status == 200
        return False


@asynccontextmanager
async def prometheus(folder: Path, target: int) -> AsyncIterator[Prometheus]:
    """Run a server with our rules, which scrapes *target*, until the block ends."""
    file = folder / "prometheus.yml"
    file.write_text(yaml.safe_dump(config_for(folder, target)))
    one = Prometheus(free_port())
    with (folder / "prometheus.log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(
            shutil.which("prometheus") or "prometheus",
            f"--config.file={file}",
            f"--storage.tsdb.path={folder / 'data'}",
            f"--web.listen-address=127.0.0.1:{one.port}",
            "--log.level=warn",
            "--enable-feature=exemplar-storage",
            stdin=asyncio.subprocess.DEVNULL,
            stdout=log,
            stderr=log,
        )
    try:
        async with asyncio.timeout(READY_WITHIN_S):
            while not await one.is_ready():
                assert process.returncode is None, (folder / "prometheus.log").read_text()
                await asyncio.sleep(LOOK_EVERY_S)
        yield one
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
