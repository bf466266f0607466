"""The manifests as a cluster would get them, put together by kubectl itself."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.support.process import ROOT, environ

OVERLAYS = ("sqlite", "shared", "unix-socket")
KEYS = "/run/secrets/paysluice"
SIDECAR = "paysluice"


@cache
def rendered(overlay: str) -> tuple[dict[str, Any], ...]:
    beside = str(Path(sys.executable).parent)
    program = shutil.which("kubectl", path=f"{beside}{os.pathsep}{os.environ['PATH']}")
    if program is None:
        pytest.skip("needs kubectl: `make deploy-tools` (docs/testing.md)")
    done = subprocess.run(  # noqa: S603
        [program, "kustomize", f"deploy/kubernetes/overlays/{overlay}"],
        check=False,
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    return tuple(yaml.safe_load_all(done.stdout))


def of_kind(overlay: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in rendered(overlay) if each["kind"] == kind]


def pods(overlay: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """Give the kind of each workload, and the spec of its pods."""
    for each in of_kind(overlay, "Deployment"):
        yield "Deployment", each["spec"]["template"]["spec"]
    for each in of_kind(overlay, "CronJob"):
        yield "CronJob", each["spec"]["jobTemplate"]["spec"]["template"]["spec"]


def sidecar(pod: dict[str, Any]) -> dict[str, Any]:
    (one,) = [each for each in pod["initContainers"] if each["name"] == SIDECAR]
    found: dict[str, Any] = one
    return found


def config(overlay: str) -> str:
    (found,) = of_kind(overlay, "ConfigMap")
    text: str = found["data"]["paysluice.yaml"]
    return text


def check(
    text: str, folder: Path, keys: dict[str, str], env: dict[str, str], mounted: str = KEYS
) -> "subprocess.CompletedProcess[str]":
    """Run `paysluice check` on a config, with the secrets of *keys* where they are *mounted*."""
    for name, value in keys.items():
        (folder / name).write_text(f"{value}\n")
    file = folder / "paysluice.yaml"
    file.write_text(text.replace(mounted, str(folder)))
    return subprocess.run(  # noqa: S603
        [sys.executable, "-m", "proxy", "check", str(file)],
        check=False,
        cwd=ROOT,
        env=environ(env),
        capture_output=True,
        text=True,
    )
