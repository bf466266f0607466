"""SDKs in a process of their own: Node's, and one that cannot stand beside our own packages."""

import asyncio
import json
import os
import shutil
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
INSTALLED = Path(sys.prefix)
PAYPAL = INSTALLED / "paypal-sdk"
NODE = INSTALLED / "node-sdks"
TIMEOUT_S = 30.0


async def run_paypal(*urls: str) -> list[str]:
    if not PAYPAL.exists():
        pytest.skip("needs PayPal's SDK: make sdks")
    return await _run(sys.executable, f"{HERE}/paypal_server.py", str(PAYPAL), *urls)


async def run_node(script: str, *arguments: str, authority: str = "") -> list[str]:
    if shutil.which("node") is None or not NODE.exists():
        pytest.skip("needs node and its SDKs: make sdks")
    return await _run("node", f"{HERE}/{script}", str(NODE), *arguments, authority=authority)


async def _run(*command: str, authority: str = "") -> list[str]:
    one = await asyncio.create_subprocess_exec(
        *command,
        stdout=asyncio.subprocess.PIPE,
        env=os.environ | {"NODE_EXTRA_CA_CERTS": authority},
    )
    try:
        async with asyncio.timeout(TIMEOUT_S):
            output, _ = await one.communicate()
    finally:
        if one.returncode is None:
            one.kill()
            await one.wait()
    found: list[str] = json.loads(output)
    return found
