"""A Redis of our own: started, stopped, frozen and started again by its tests, on one port."""

import shutil
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

READY_WITHIN_S = 20.0
LOOK_EVERY_S = 0.01
PROGRAM = "redis-server"


class RedisServer:
    """Keeps nothing when it ends, as a cache does that somebody restarts."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        return f"redis://127.0.0.1:{self.port}/0"

    def start(self, *options: str) -> None:
        """Start it, and wait until it answers."""
        if self._process is not None:
            return
        command = [shutil.which(PROGRAM) or PROGRAM, "--port", str(self.port), "--save", ""]
        command += ["--appendonly", "no", "--bind", "127.0.0.1", "--dir", str(self.folder)]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*command, *options], stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        until = time.monotonic() + READY_WITHIN_S
        while time.monotonic() < until:
            if self._answers():
                return
            time.sleep(LOOK_EVERY_S)
        raise AssertionError((self.folder / "log").read_text())

    def stop(self) -> None:
        """End it at once; all that it kept is gone."""
        if self._process is not None:
            self._process.send_signal(signal.SIGKILL)
            self._process.wait(READY_WITHIN_S)
            self._process = None

    def freeze(self) -> None:
        """Have it answer nobody, and let nobody go."""
        assert self._process is not None
        self._process.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGCONT)

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1.0) as there:
                there.sendall(b"PING\r\n")
                # One with a password says so instead, and one with TLS hangs up.
                return there.recv(64)[:4] in {b"+PON", b"-NOA", b""}
        except ConnectionResetError:
            return True
        except OSError:
            return False


@contextmanager
def redis_server() -> Iterator[RedisServer]:
    """Give a server that runs, and leave nothing of it."""
    folder = Path(tempfile.mkdtemp(prefix="paysluice-redis-"))
    one = RedisServer(folder)
    try:
        one.start()
        yield one
    finally:
        one.stop()
        shutil.rmtree(folder)
