"""A real Chromium, driven over its DevTools protocol: Debian's `chromium`."""

import asyncio
import json
import os
import shutil
from base64 import b64decode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiohttp
import pytest

TIMEOUT_S = 20.0
LOOK_EVERY_S = 0.02


class Tab:
    """One page, and what it complained of."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self._socket = socket
        self._last_id = 0
        self.complaints: list[str] = []

    async def begin(self) -> None:
        for domain in ("Page", "Runtime", "Log", "Network"):
            await self.do(f"{domain}.enable")

    async def do(self, method: str, **members: Any) -> dict[str, Any]:
        """Send a command; give its result. What is told meanwhile is kept where it is bad."""
        self._last_id += 1
        await self._socket.send_json({"id": self._last_id, "method": method, "params": members})
        async with asyncio.timeout(TIMEOUT_S):
            while True:
                told = json.loads(await self._socket.receive_str())
                if told.get("id") == self._last_id:
                    assert "error" not in told, told
                    return dict(told["result"])
                self._note(told)

    async def open(self, url: str) -> None:
        await self.do("Page.navigate", url=url)
        await self.wait_for("document.readyState === 'complete'")

    async def ask(self, script: str) -> Any:
        """Evaluate *script* in the page, its own scripts switched off or not."""
        said = await self.do("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in said, said["exceptionDetails"]
        return said["result"].get("value")

    async def wait_for(self, script: str) -> None:
        async with asyncio.timeout(TIMEOUT_S):
            while not await self._is(script):  # noqa: ASYNC110 - another process
                await asyncio.sleep(LOOK_EVERY_S)

    async def press(self, key: str) -> None:
        code = {"Tab": 9, "Enter": 13, " ": 32}[key]
        members = {"key": key, "windowsVirtualKeyCode": code, "text": "\r" if code == 13 else ""}
        await self.do("Input.dispatchKeyEvent", type="keyDown", **members)
        await self.do("Input.dispatchKeyEvent", type="keyUp", **members)

    async def type(self, text: str) -> None:
        await self.do("Input.insertText", text=text)

    async def shoot(self, file: Path, scheme: str, width: int, height: int) -> None:
        """Take a picture of the page in a colour scheme."""
        feature = {"name": "prefers-color-scheme", "value": scheme}
        await self.do("Emulation.setEmulatedMedia", features=[feature])
        size = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": False}
        await self.do("Emulation.setDeviceMetricsOverride", **size)
        shot = await self.do("Page.captureScreenshot", format="png")
        file.write_bytes(b64decode(shot["data"]))  # noqa: ASYNC240

    async def _is(self, script: str) -> bool:
        with suppress(AssertionError):  # between two pages there is none
            return bool(await self.ask(script))
        return False

    def _note(self, told: dict[str, Any]) -> None:
        if told.get("method") == "Log.entryAdded":
            entry = told["params"]["entry"]
            self.complaints.append(f"{entry['level']}: {entry['text']}")
        elif told.get("method") == "Runtime.exceptionThrown":
            self.complaints.append(str(told["params"]["exceptionDetails"]))


@asynccontextmanager
async def browser(folder: Path) -> AsyncIterator[Tab]:
    """Run a Chromium until the block ends."""
    program = shutil.which("chromium")
    if program is None:
        pytest.skip("Debian's chromium is not installed")
    flags = ["--headless=new", "--disable-gpu", "--no-first-run", "--disable-background-networking"]
    flags.append("--hide-scrollbars")
    if os.geteuid() == 0:
        flags.append("--no-sandbox")  # it has none for root
    child = await asyncio.create_subprocess_exec(
        program, *flags, "--remote-debugging-port=0", f"--user-data-dir={folder}", "about:blank",
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        port = await _port(folder / "DevToolsActivePort")
        async with aiohttp.ClientSession() as session:
            async with session.get(f"http://127.0.0.1:{port}/json/list") as answer:
                pages = [each for each in await answer.json() if each["type"] == "page"]
            address = pages[0]["webSocketDebuggerUrl"]
            async with session.ws_connect(address, max_msg_size=2**26) as socket:
                tab = Tab(socket)
                await tab.begin()
                yield tab
    finally:
        child.terminate()
        await child.wait()


async def _port(file: Path) -> int:
    async with asyncio.timeout(TIMEOUT_S):
        while True:
            with suppress(OSError, ValueError):
                return int(file.read_text().splitlines()[0])  # noqa: ASYNC240
            await asyncio.sleep(LOOK_EVERY_S)
