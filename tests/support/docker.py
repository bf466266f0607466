"""Docker as this machine has it: its own daemon, or one that is started for the tests and ended.

The image's base is pulled. Where no registry is reached it is made of Debian's packages.
"""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from tests.support.process import ROOT

IMAGE = "paysluice-image-test"
BASE = os.environ.get("BASE", "python:3.12-slim")
OWN_BASE = "paysluice-image-test-base"
OWN_PACKAGES = "python3,python3-venv,ca-certificates"
READY_WITHIN_S = 60.0
BUILT_WITHIN_S = 580.0
LOOK_EVERY_S = 0.1
# How pip finds its index here, handed to the build.
PIP = ("PIP_INDEX_URL", "PIP_EXTRA_INDEX_URL", "PIP_TRUSTED_HOST", "PIP_DEFAULT_TIMEOUT")
CONTEXT = (".dockerignore", "Dockerfile", "LICENSE", "README.md", "pyproject.toml")
CONTEXT_FOLDERS = ("proxy", "requirements", "scripts")


class Docker:
    """A daemon, asked through Docker's own client."""

    def __init__(self, host: str | None = None) -> None:
        self._env = dict(os.environ) | ({"DOCKER_HOST": host} if host else {})

    def ask(self, *arguments: str, given: str = "", within_s: float = 60.0) -> str:
        """Give what a command prints; it must not fail."""
        done = self.run(*arguments, given=given, within_s=within_s)
        assert done.returncode == 0, f"docker {arguments[0]}: {done.stdout}{done.stderr}"
        return done.stdout

    def run(
        self, *arguments: str, given: str = "", within_s: float = 60.0
    ) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(  # noqa: S603
            [shutil.which("docker") or "docker", *arguments],
            check=False,
            env=self._env,
            input=given,
            capture_output=True,
            text=True,
            timeout=within_s,
        )

    def popen(self, *arguments: str) -> "subprocess.Popen[str]":
        return subprocess.Popen(  # noqa: S603
            [shutil.which("docker") or "docker", *arguments],
            env=self._env,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    @property
    def is_up(self) -> bool:
        return self.run("version", "--format", "{{.Server.Version}}").returncode == 0

    def until(self, container: str, template: str, wanted: str) -> None:
        """Wait until `inspect` says *wanted* of a container."""
        until, said = time.monotonic() + READY_WITHIN_S, ""
        while time.monotonic() < until:
            said = self.ask("inspect", "--format", template, container).strip()
            if said == wanted:
                return
            time.sleep(LOOK_EVERY_S)
        msg = f"{template} is {said}: {self.ask('logs', container)}"
        raise AssertionError(msg)

    @contextmanager
    def container(self, *arguments: str) -> Iterator[str]:
        """Run a container in the background, and leave nothing of it."""
        name = self.ask("run", "--detach", *arguments).strip()
        try:
            yield name
        finally:
            self.run("rm", "--force", "--volumes", name)


@contextmanager
def docker() -> Iterator[Docker]:
    """Give the daemon that runs, or one of our own; skip where there can be none."""
    if shutil.which("docker") is None:
        pytest.skip("needs Docker's client (docs/testing.md)")
    there = Docker()
    if there.is_up:
        yield there
        return
    program = shutil.which("dockerd", path=f"{os.environ['PATH']}:/usr/sbin:/usr/local/sbin")
    if program is None or os.geteuid() != 0:
        pytest.skip("no Docker daemon answers, and none can be started: needs dockerd, and root")
    folder = Path(tempfile.mkdtemp(prefix="paysluice-docker-"))
    own = Docker(f"unix://{folder}/docker.sock")
    command = [program, "--host", f"unix://{folder}/docker.sock", "--bridge", "none"]
    command += ["--iptables=false", "--data-root", f"{folder}/data", "--exec-root"]
    command += [f"{folder}/exec", "--pidfile", f"{folder}/pid"]
    with (folder / "log").open("wb") as log:
        daemon = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=log, stderr=log)  # noqa: S603
    try:
        until = time.monotonic() + READY_WITHIN_S
        while not own.is_up:
            if daemon.poll() is not None or time.monotonic() > until:
                last = (folder / "log").read_text().strip().splitlines()[-1:]
                pytest.skip(f"no Docker daemon can run here: {''.join(last)[-300:]}")
            time.sleep(LOOK_EVERY_S)
        yield own
    finally:
        daemon.send_signal(signal.SIGTERM)
        with suppress(subprocess.TimeoutExpired):
            daemon.wait(READY_WITHIN_S)
        _unmount(folder)
        shutil.rmtree(folder)


def _unmount(folder: Path) -> None:
    """Undo what a daemon leaves mounted in its folder when it ends."""
    mounts = [line.split()[1] for line in Path("/proc/self/mounts").read_text().splitlines()]
    for mount in reversed([each for each in mounts if Path(each).is_relative_to(folder)]):
        subprocess.run([shutil.which("umount") or "umount", mount], check=False)  # noqa: S603


def base(daemon: Docker, folder: Path) -> str:
    """Give the name of a base: the one that the Dockerfile names, or one of our own."""
    for name in (BASE, OWN_BASE):
        if daemon.run("image", "inspect", name).returncode == 0:
            return name
    with suppress(subprocess.TimeoutExpired):
        if daemon.run("pull", "--quiet", BASE, within_s=300.0).returncode == 0:
            return BASE
    if shutil.which("mmdebstrap") is None:
        pytest.skip(f"{BASE} cannot be pulled, and there is no mmdebstrap to make a base with")
    made = subprocess.run(  # noqa: S603
        [
            shutil.which("mmdebstrap") or "mmdebstrap",
            "--variant=minbase",
            f"--include={OWN_PACKAGES}",
            "bookworm",
            f"{folder}/base.tar",
        ],
        check=False,
        capture_output=True,
        text=True,
    )
    if made.returncode:
        pytest.skip(f"no base can be made: {made.stderr.strip()[-300:]}")
    daemon.ask("import", f"{folder}/base.tar", OWN_BASE)
    return OWN_BASE


def build(daemon: Docker, folder: Path) -> str:
    """Build the image without BuildKit, and give its name."""
    context = folder / "context"
    context.mkdir()
    for name in CONTEXT:
        shutil.copy(ROOT / name, context)
    for name in CONTEXT_FOLDERS:
        shutil.copytree(ROOT / name, context / name)
    given = {name: os.environ[name] for name in PIP if os.environ.get(name)}
    authority = os.environ.get("PIP_CERT", "")
    if authority:
        shutil.copy(authority, context / "ca.pem")
        given["PIP_CERT"] = "/src/ca.pem"
    arguments = [f"--build-arg={name}={value}" for name, value in given.items()]
    arguments.append(f"--build-arg=BASE={base(daemon, folder)}")
    # The host's network: that is where an index on this machine is reached.
    command = ["build", "--quiet", "--network", "host", "--tag", IMAGE, *arguments, str(context)]
    daemon.ask(*command, within_s=BUILT_WITHIN_S)
    return IMAGE
