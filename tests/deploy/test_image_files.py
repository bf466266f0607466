"""What the image is built of: pinned, complete, and no more than it needs."""

import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.support.process import ROOT

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
DOCKERFILE = (ROOT / "Dockerfile").read_text()
HASHES = r"(?:\n +--hash=sha256:[0-9a-f]{64}(?: \\)?$)+"
PIN = re.compile(rf"^([\w.-]+)==([^\s;]+).*\\${HASHES}", re.MULTILINE)


def pins(name: str) -> dict[str, str]:
    text = (ROOT / "requirements" / name).read_text()
    found = {str(canonicalize_name(each[1])): each[2] for each in PIN.finditer(text)}
    assert len(found) == len(re.findall(r"^\S", text, re.MULTILINE)), (
        "a line that is no pin with hashes"
    )
    return found


def test_every_dependency_is_pinned_within_what_the_project_allows() -> None:
    pinned = pins("run.txt")
    for line in PROJECT["project"]["dependencies"]:
        needed = Requirement(line)
        assert needed.specifier.contains(pinned[str(canonicalize_name(needed.name))]), line


def test_what_builds_the_package_is_pinned() -> None:
    pinned = pins("build.txt")
    wanted = (ROOT / "requirements" / "build.in").read_text().split()
    assert wanted == PROJECT["build-system"]["requires"]
    for line in wanted:
        needed = Requirement(line)
        assert needed.specifier.contains(pinned[str(canonicalize_name(needed.name))])


def test_nothing_is_installed_that_is_not_pinned() -> None:
    installs = re.findall(r"pip (?:--python \S+ )?install[^&]*", DOCKERFILE.replace("\\\n", ""))
    assert len(installs) == 3
    for each in installs:
        assert "--require-hashes" in each or ("--no-index" in each and "--no-deps" in each)


def test_the_image_has_the_projects_version() -> None:
    assert f"ARG VERSION={PROJECT['project']['version']}\n" in DOCKERFILE


def test_one_base_is_an_argument_and_the_last_stage_has_none() -> None:
    assert "ARG BASE=python:3.12-slim\n" in DOCKERFILE
    assert re.findall(r"^FROM (\S+)", DOCKERFILE, re.MULTILINE) == ["${BASE}", "scratch"]


def test_a_linter_finds_nothing() -> None:
    program = shutil.which("hadolint", path=str(Path(sys.executable).parent))
    if program is None:
        pytest.skip("needs hadolint: `make deploy-tools` (docs/testing.md)")
    done = subprocess.run(  # noqa: S603
        [program, "Dockerfile"], check=False, cwd=ROOT, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_all_that_is_copied_is_let_into_the_build() -> None:
    let_in = {line[1:] for line in (ROOT / ".dockerignore").read_text().split() if line[0] == "!"}
    copied = re.findall(r"^COPY (?!--from)(.+) \S+$", DOCKERFILE, re.MULTILINE)
    for source in " ".join(copied).split():
        plain = source.replace("ca.pe[m]", "ca.pem").removesuffix("/*.txt")
        assert plain in let_in, source
