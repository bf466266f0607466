"""A server of PostgreSQL of our own: started, stopped, killed and started again by its tests."""

import asyncio
import os
import pwd
import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import count
from pathlib import Path
from typing import Any

import asyncpg

PASSWORD = "canary-in-the-url"
READY_WITHIN_S = 40.0
LOOK_EVERY_S = 0.01
# As an operator in a hurry sets it: what the ledger keeps must not depend on that. The machine does
# not fail here, only processes do, so what was written need not be on a disk: some are slow.
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "fsync": "off",
    "synchronous_commit": "off",
    "wal_writer_delay": "10s",
    "shared_buffers": "8MB",
    "max_connections": "60",
    "autovacuum": "off",
    "logging_collector": "off",
}


def binary(name: str) -> str | None:
    """Find a program of the server: Debian's stand apart, by version."""
    apart = sorted(Path("/usr/lib/postgresql").glob("*/bin"), reverse=True)
    return shutil.which(name, path=os.pathsep.join([os.environ["PATH"], *map(str, apart)]))


class Server:
    """A cluster in a folder of its own. It refuses root, and is run as `postgres` then."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.user = "postgres" if os.geteuid() == 0 else pwd.getpwuid(os.geteuid()).pw_name
        self.port = 0
        self._numbers = count(1)
        self._process: subprocess.Popen[bytes] | None = None

    def make(self) -> None:
        word = self.folder / "password"
        word.write_text(PASSWORD)
        if os.geteuid() == 0:
            shutil.chown(self.folder, self.user)
            shutil.chown(word, self.user)
        options = ["--username=paysluice", f"--pwfile={word}", "--auth=scram-sha-256"]
        options += ["--no-sync", "--encoding=UTF8", "--locale=C"]
        self._run("initdb", f"--pgdata={self.folder}/data", *options).check_returncode()
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]

    def start(self) -> None:
        """Start it, and wait until it takes connections."""
        command = [binary("postgres") or "", "-D", f"{self.folder}/data", "-p", str(self.port)]
        command += ["-k", str(self.folder)]
        for name, value in OPTIONS.items():
            command += ["-c", f"{name}={value}"]
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            if self._process is None or self._process.poll() is not None:
                # Killed, its memory is let go by its last child: until then it does not start.
                self._process = self._popen(command)
            # The last line of its file says how far it has come.
            with suppress(OSError, IndexError):
                lines = (self.folder / "data" / "postmaster.pid").read_text().splitlines()
                if int(lines[0]) == self._process.pid and lines[7].strip() == "ready":
                    return
            time.sleep(LOOK_EVERY_S)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """Stop it at once, and in order: whoever is connected is told."""
        self._end(signal.SIGINT)

    def kill(self) -> None:
        """Kill it and all its children: nobody writes what was left to write."""
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        self._process.send_signal(signal.SIGSTOP)
        for child in children:
            with suppress(ProcessLookupError):
                os.kill(int(child), signal.SIGKILL)
        self._end(signal.SIGKILL)

    def freeze(self) -> None:
        """Have it answer nobody, and let nobody go."""
        self._signal_all(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal_all(signal.SIGCONT)

    @property
    def url(self) -> str:
        return f"postgresql://paysluice:{PASSWORD}@127.0.0.1:{self.port}/postgres"

    async def fresh(self) -> str:
        """Give the address of a place where there are no tables."""
        name = f"t{next(self._numbers)}"
        await self.run(f"CREATE SCHEMA {name}")
        return f"{self.url}?search_path={name}"

    async def run(self, statement: str, url: str | None = None) -> list[Any]:
        """Give the first column of what is found."""
        rows = await asyncpg.connect(url or self.url)
        try:
            if ";" in statement:
                return [await rows.execute(statement)]
            return [row[0] for row in await rows.fetch(statement)]
        finally:
            await rows.close()

    async def until(self, condition: str) -> None:
        """Wait until a query says true."""
        async with asyncio.timeout(READY_WITHIN_S):
            while not (await self.run(f"SELECT {condition}"))[0]:  # noqa: ASYNC110 - its, not ours
                await asyncio.sleep(LOOK_EVERY_S)

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        pid = self._process.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        for each in (pid, *map(int, children)):
            with suppress(ProcessLookupError):
                os.kill(each, number)

    def _end(self, number: signal.Signals) -> None:
        if self._process is not None:
            self._process.send_signal(number)
            self._process.wait(READY_WITHIN_S)
            self._process = None

    def _identity(self) -> dict[str, Any]:
        if os.geteuid() != 0:
            return {}
        entry = pwd.getpwnam(self.user)
        return {"user": entry.pw_uid, "group": entry.pw_gid, "extra_groups": []}

    def _run(self, name: str, *arguments: str) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603
            [binary(name) or name, *arguments],
            check=False,
            cwd=self.folder,
            capture_output=True,
            **self._identity(),
        )

    def _popen(self, command: list[str]) -> "subprocess.Popen[bytes]":
        with (self.folder / "log").open("ab") as log:
            return subprocess.Popen(  # noqa: S603
                command,
                cwd=self.folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                **self._identity(),
            )


@contextmanager
def server() -> Iterator[Server]:
    """Give a server that runs, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="paysluice-postgresql-"))
    one = Server(folder)
    try:
        one.make()
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder)
