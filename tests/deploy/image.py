"""The image, built and run by Docker's own daemon: `make image-test`, not part of `make test`."""

import io
import json
import subprocess
import tarfile
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.support.docker import Docker, build, docker
from tests.support.process import ROOT

pytestmark = pytest.mark.timeout(600)

MAX_BYTES = 160_000_000
# As the sidecar is meant to run: no right and no place to write, and no network but its own.
HARDENED = ("--read-only", "--cap-drop", "ALL", "--user", "65532", "--network", "none")
HARDENED += ("--security-opt", "no-new-privileges", "--memory", "256m")
LEDGER = ("--mount", "type=volume,target=/var/lib/paysluice")
CONFIG = """
listen: 127.0.0.1:8080
stores: {ledger: "sqlite:/var/lib/paysluice/ledger.db"}
providers:
  acme: {profile: sim, base_url: "http://127.0.0.1:8081", idempotency: {mode: emulate}}
"""
PYTHON = ("--entrypoint", "/opt/paysluice/bin/python")
READ_CHARGES = """
import urllib.request
print(urllib.request.urlopen("http://127.0.0.1:8081/_sim/charges").read().decode())
"""
WRITE = """
import errno, sys
try:
    open(sys.argv[1], "w")
except OSError as error:
    print(errno.errorcode[error.errno])
else:
    print("written")
"""
LIST = """
from importlib.metadata import distributions
for each in distributions():
    print(f"{each.name}=={each.version}".lower().replace("_", "-"))
"""
# What nobody should find who gets into it.
TOOLS = {"sh", "bash", "dash", "busybox", "apt", "apt-get", "dpkg", "perl", "curl", "wget"}
COMPILERS = {"gcc", "cc", "c++", "g++", "ld", "as", "make", "rustc", "cargo"}
INSTALLERS = {"pip", "pip3", "ensurepip", "setuptools", "easy_install", "python-wheels"}


@pytest.fixture(scope="module")
def daemon() -> Iterator[Docker]:
    with docker() as one:
        yield one


@pytest.fixture(scope="module")
def image(daemon: Docker, tmp_path_factory: pytest.TempPathFactory) -> str:
    return build(daemon, tmp_path_factory.mktemp("image"))


@pytest.fixture
def mounted(tmp_path: Path) -> str:
    file = tmp_path / "paysluice.yaml"
    file.write_text(CONFIG)
    tmp_path.chmod(0o755)
    return f"type=bind,source={file},target=/etc/paysluice/paysluice.yaml,readonly"


def inspected(daemon: Docker, image: str) -> dict[str, Any]:
    one: dict[str, Any] = json.loads(daemon.ask("image", "inspect", image))[0]
    return one


def test_it_shows_its_version(daemon: Docker, image: str) -> None:
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert daemon.ask("run", "--rm", *HARDENED, image, "version").startswith(f"paysluice {version}")


def test_it_says_what_it_is_and_how_it_is_run(daemon: Docker, image: str) -> None:
    told = inspected(daemon, image)
    config = told["Config"]
    labels = {name.rpartition(".")[2]: value for name, value in config["Labels"].items()}
    version = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
    assert labels["version"] == version
    assert {"title", "description", "revision", "created", "licenses", "name"} <= labels.keys()
    assert config["User"] == "65532:65532"
    assert config["Entrypoint"] == ["/opt/paysluice/bin/paysluice"]
    assert config["Cmd"] == ["run"]
    assert config["Healthcheck"]["Test"] == ["CMD", "/opt/paysluice/bin/paysluice", "health"]
    assert config["StopSignal"] == "SIGTERM"
    print(f"\nthe image has {told['Size'] / 1e6:.0f} MB")  # noqa: T201
    assert told["Size"] <= MAX_BYTES


def test_it_holds_no_shell_no_compiler_and_nothing_that_installs(
    daemon: Docker, image: str, tmp_path: Path
) -> None:
    daemon.ask("save", "--output", str(tmp_path / "image.tar"), image)
    found: list[tarfile.TarInfo] = []
    with tarfile.open(tmp_path / "image.tar") as whole:
        for each in whole.getmembers():
            layer = whole.extractfile(each) if each.isfile() else None
            if layer is not None:
                held = io.BytesIO(layer.read())
                if tarfile.is_tarfile(held):
                    held.seek(0)
                    with tarfile.open(fileobj=held) as files:
                        found += files.getmembers()
    names = {Path(each.name).name for each in found}
    assert "paysluice" in names
    assert not names & INSTALLERS
    programs = {Path(each.name).name for each in found if not each.isdir()}
    assert not programs & (TOOLS | COMPILERS)
    assert [each.name for each in found if each.isfile() and each.mode & 0o6000] == []
    writable = [each.name for each in found if each.mode & 0o002 and not each.issym()]
    assert [name.strip("./") for name in writable] == ["tmp"]


def test_it_holds_the_pinned_packages_and_no_other(daemon: Docker, image: str) -> None:
    told = daemon.ask("run", "--rm", *HARDENED, *PYTHON, image, "-c", LIST).splitlines()
    installed = {each for each in told if not each.startswith("paysluice==")}
    assert len(installed) == len(told) - 1
    text = (ROOT / "requirements" / "run.txt").read_text()
    pinned = {line.split()[0].lower() for line in text.splitlines() if line[0] not in " #"}
    assert installed <= pinned
    # What is pinned for older Pythons and other systems alone is not there.
    missing = {each.partition("==")[0] for each in pinned - installed}
    assert missing <= {"async-timeout"}


@pytest.mark.parametrize(
    "place",
    ["/x", "/etc/paysluice/x", "/var/lib/paysluice/x", "/run/paysluice/x", "/opt/paysluice/x"],
)
def test_it_refuses_to_write(daemon: Docker, image: str, place: str) -> None:
    command = ("run", "--rm", *HARDENED, *PYTHON, image, "-c", WRITE, place)
    assert daemon.ask(*command).strip() == "EROFS"


def test_its_ledger_is_the_one_place_that_it_may_write_to(daemon: Docker, image: str) -> None:
    for place, told in (("/var/lib/paysluice/x", "written"), ("/run/paysluice/x", "EROFS")):
        command = ("run", "--rm", *HARDENED, *LEDGER, *PYTHON, image, "-c", WRITE, place)
        assert daemon.ask(*command).strip() == told


def test_without_a_config_it_says_so_and_does_not_simulate(daemon: Docker, image: str) -> None:
    done = daemon.run("run", "--rm", *HARDENED, image)
    assert done.returncode == 1
    assert "/etc/paysluice/paysluice.yaml" in done.stderr


def test_a_term_under_load_loses_no_payment(daemon: Docker, image: str, mounted: str) -> None:
    provider = ("--network", "none", "--read-only", "--no-healthcheck", image, "simulate")
    with daemon.container(*provider) as sim:
        beside = [*HARDENED[:-4], "--security-opt", "no-new-privileges"]
        beside[beside.index("none")] = f"container:{sim}"
        run = (*beside, "--health-interval", "1s", *LEDGER, "--mount", mounted, image)
        with daemon.container(*run) as sidecar:
            began = time.monotonic()
            daemon.until(sidecar, "{{.State.Health.Status}}", "healthy")
            print(f"\nhealthy after {time.monotonic() - began:.1f} s")  # noqa: T201
            network = ("run", "--rm", "--interactive", "--network", f"container:{sim}")
            caller = daemon.popen(*network, *PYTHON, image, "-")
            assert caller.stdin is not None
            assert caller.stdout is not None
            caller.stdin.write((ROOT / "tests" / "deploy" / "load.py").read_text())
            caller.stdin.close()
            assert caller.stdout.readline() == "under load\n"
            daemon.ask("kill", "--signal", "TERM", sidecar)
            began = time.monotonic()
            told = json.loads(_rest(caller))
            assert daemon.ask("wait", sidecar).strip() == "0"
            print(f"ended {time.monotonic() - began:.1f} s after TERM")  # noqa: T201
            log = [json.loads(line)["event"] for line in daemon.ask("logs", sidecar).splitlines()]
        charged = json.loads(daemon.ask(*network, *PYTHON, image, "-", given=READ_CHARGES))
    assert told["lost"] == []
    assert sorted(each["reference"] for each in charged["charges"]) == sorted(told["paid"])
    print(f"{len(told['paid'])} payments, none lost, none twice")  # noqa: T201
    assert log[-1] == "stopped"
    assert "drain_cut_off" not in log


def _rest(caller: "subprocess.Popen[str]") -> str:
    assert caller.stdout is not None
    told = caller.stdout.read()
    assert caller.stderr is not None
    assert caller.wait(60) == 0, caller.stderr.read()
    caller.stdout.close()
    caller.stderr.close()
    return told
