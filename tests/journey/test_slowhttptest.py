"""Slow attacks by a tool made for them: the sidecar cuts off each, and other callers go on."""

import asyncio
import shutil
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.caller import Caller, caller, head
from tests.support.process import Process, process

TCP = Path("/proc/net/tcp")
ESTABLISHED = "01"
CALLERS = {"header_timeout": "1s", "body_timeout": "1s", "idle_timeout": "2s"}
# A stream holds a place of its provider until it is cut off: here there are enough for all.
PLENTY = {"connections": {"max": 400}, "concurrency": {"max": 400}}
PROVIDERS = {"sim": {"profile": "sim", "base_url": "simulator", **PLENTY}}
ATTACK_S = 20  # the tool would let go only then
CUT_OFF_WITHIN_S = 8.0
LOOK_EVERY_S = 0.05
ASK_EVERY_S = 0.02
SLOWEST_S = 2.0

pytestmark = pytest.mark.skipif(
    shutil.which("slowhttptest") is None or not TCP.exists(),
    reason="needs slowhttptest on Linux (docs/testing.md)",
)


@dataclass(frozen=True)
class Attack:
    """What the tool is told, and what the log says of a connection that was cut off."""

    options: str
    path: str
    connections: int
    logged: tuple[str, Any]

    def cut_off(self, one: Process) -> int:
        member, value = self.logged
        return sum(line.get(member) == value for line in one.lines)


TIMED_OUT = ("error_code", "request_timeout")
ATTACKS = {
    "heads": Attack("-H", "payments", 200, TIMED_OUT),
    "kept bodies": Attack("-B -s 8192", "payments", 200, TIMED_OUT),
    "streamed bodies": Attack("-B -s 4194304", "payments", 200, TIMED_OUT),
    # Each has the kernel hold up to 4 MB until it is cut off: so they are fewer.
    "readers": Attack(
        "-X -w 512 -y 1024 -n 1 -z 32", "_sim/bytes/8000000", 60, ("is_whole", False)
    ),
}


@asynccontextmanager
async def slowhttptest(attack: Attack, port: int) -> AsyncIterator[None]:
    tool = await asyncio.create_subprocess_exec(
        "slowhttptest",
        *attack.options.split(),
        *f"-c {attack.connections} -r 200 -i 1 -l {ATTACK_S}".split(),
        *("-u", f"http://127.0.0.1:{port}/sim/{attack.path}"),
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.DEVNULL,
    )
    try:
        yield
    finally:
        if tool.returncode is None:
            tool.kill()
        await tool.wait()


def established(port: int) -> int:
    """Count the connections to *port* that the sidecar has not closed."""
    rows = [line.split() for line in TCP.read_text().splitlines()[1:]]
    return sum(row[1].endswith(f":{port:04X}") and row[3] == ESTABLISHED for row in rows)


async def watch(one: Process, attack: Attack) -> tuple[int, int]:
    """Wait until all were cut off, if they are; give how many were, and how many are left."""
    until = time.monotonic() + CUT_OFF_WITHIN_S
    while True:
        cut, left = attack.cut_off(one), established(one.port) - 1  # the caller that is no attack
        if (cut >= attack.connections and left <= 0) or time.monotonic() > until:
            return cut, left
        await asyncio.sleep(LOOK_EVERY_S)


async def ask(here: Caller, done: asyncio.Event) -> list[float]:
    """Call again and again; give how long each call took."""
    took = []
    while not done.is_set():
        began = time.monotonic()
        await here.send(head("GET /sim/_sim/bytes/2 HTTP/1.1"))
        assert (await here.answer()).status == 200
        took.append(time.monotonic() - began)
        await asyncio.sleep(ASK_EVERY_S)
    return took


@pytest.mark.parametrize("attack", ATTACKS.values(), ids=ATTACKS)
async def test_a_slow_attack_is_cut_off_and_others_are_served(
    attack: Attack, tmp_path: Path
) -> None:
    async with process(tmp_path, callers=CALLERS, providers=PROVIDERS) as one:
        logged = asyncio.create_task(one.line("stopped"))
        done = asyncio.Event()
        async with caller(one.port) as here, slowhttptest(attack, one.port):
            asking = asyncio.create_task(ask(here, done))
            cut, left = await watch(one, attack)
            done.set()
            took = await asking
        one.signal()
        await logged
    assert cut >= attack.connections
    assert left <= 0
    assert max(took) < SLOWEST_S
