"""The manifests are valid, restricted, end in order, and carry configs that `check` passes."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from proxy.settings.models import DrainSettings
from tests.support.kubernetes import (
    KEYS,
    OVERLAYS,
    check,
    config,
    of_kind,
    pods,
    rendered,
    sidecar,
)

VERSIONS = ("1.29", "1.37")  # the first that has native sidecars, and one of today
SECRETS = {"admin_token": "t", "acme": "k", "ledger_key": "0" * 44}
STORES = {"postgresql_password": "p", "redis_password": "p"}
ASKED_OF_APPLICATION_S = 20
# https://kubernetes.io/docs/concepts/security/pod-security-standards/#restricted
RESTRICTED_VOLUMES = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral"} | {
    "persistentVolumeClaim",
    "projected",
    "secret",
}
EVERY_POD = [(overlay, kind) for overlay in OVERLAYS for kind in ("Deployment", "CronJob")]


def pod_of(overlay: str, kind: str) -> dict[str, Any]:
    return dict(pods(overlay))[kind]


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("overlay", OVERLAYS)
def test_every_manifest_is_valid_by_the_published_schemas(overlay: str, version: str) -> None:
    validator = pytest.importorskip("kubernetes_validate", reason="needs `make deploy-tools`")
    for each in rendered(overlay):
        validator.validate(each, version, strict=True)


@pytest.mark.parametrize(("overlay", "kind"), EVERY_POD)
def test_every_pod_is_restricted(overlay: str, kind: str) -> None:
    pod = pod_of(overlay, kind)
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert pod["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert not {"hostNetwork", "hostPID", "hostIPC"} & pod.keys()
    for volume in pod["volumes"]:
        assert (volume.keys() - {"name"}) <= RESTRICTED_VOLUMES
    for container in [*pod["initContainers"], *pod["containers"]]:
        rights = container["securityContext"]
        assert rights["allowPrivilegeEscalation"] is False
        assert rights["capabilities"] == {"drop": ["ALL"]}
        assert rights["readOnlyRootFilesystem"] is True
        assert rights.get("runAsUser") != 0
        assert not [port for port in container.get("ports", ()) if "hostPort" in port]
    (namespace,) = of_kind(overlay, "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"


@pytest.mark.parametrize(("overlay", "kind"), EVERY_POD)
def test_the_sidecar_is_a_native_one_with_every_probe(overlay: str, kind: str) -> None:
    one = sidecar(pod_of(overlay, kind))
    assert one["restartPolicy"] == "Always"
    (port,) = one["ports"]
    assert str(port["containerPort"]) == yaml.safe_load(config(overlay))["admin"].rpartition(":")[2]
    for probe, path in (("startup", "/readyz"), ("liveness", "/healthz"), ("readiness", "/readyz")):
        assert one[f"{probe}Probe"]["httpGet"] == {"path": path, "port": port["name"]}


@pytest.mark.parametrize(("overlay", "kind"), EVERY_POD)
def test_the_grace_is_longer_than_the_drain(overlay: str, kind: str) -> None:
    drain = DrainSettings.model_validate(yaml.safe_load(config(overlay))["drain"])
    grace = pod_of(overlay, kind)["terminationGracePeriodSeconds"]
    assert grace > drain.delay + drain.timeout + ASKED_OF_APPLICATION_S


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_application_and_job_have_the_same_sidecar(overlay: str) -> None:
    application, job = (sidecar(pod) for _, pod in pods(overlay))
    assert application == job


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_keys_are_files_of_a_secret_that_no_manifest_holds(overlay: str) -> None:
    assert of_kind(overlay, "Secret") == []
    for _, pod in pods(overlay):
        one = sidecar(pod)
        mounts = {each["mountPath"]: each for each in one["volumeMounts"]}
        volumes = {each["name"]: each for each in pod["volumes"]}
        assert volumes[mounts[KEYS]["name"]]["secret"]["secretName"] == "paysluice-keys"
        assert mounts[KEYS]["readOnly"] is True
        assert not [each for each in one.get("env", ()) if "valueFrom" in each]
        (map_of_config,) = of_kind(overlay, "ConfigMap")
        named = volumes[mounts["/etc/paysluice"]["name"]]["configMap"]["name"]
        assert named == map_of_config["metadata"]["name"]


def test_a_job_is_done_without_its_sidecar() -> None:
    for overlay in OVERLAYS:
        (job,) = of_kind(overlay, "CronJob")
        assert job["spec"]["concurrencyPolicy"] == "Forbid"
        pod = pod_of(overlay, "CronJob")
        assert pod["restartPolicy"] == "Never"
        # What counts for the end of a job is what stands here, and native sidecars do not.
        assert [each["name"] for each in pod["containers"]] == ["payouts"]


@pytest.mark.parametrize("overlay", ["sqlite", "unix-socket"])
def test_a_ledger_in_a_file_has_one_replica_and_a_volume_that_stays(overlay: str) -> None:
    (shop,) = of_kind(overlay, "Deployment")
    assert shop["spec"]["replicas"] == 1
    assert shop["spec"]["strategy"] == {"type": "Recreate"}
    claims = {
        each["metadata"]["name"]: each["spec"] for each in of_kind(overlay, "PersistentVolumeClaim")
    }
    taken = []
    for _, pod in pods(overlay):
        (volume,) = [each for each in pod["volumes"] if each["name"] == "ledger"]
        claim = volume["persistentVolumeClaim"]["claimName"]
        assert claims[claim]["accessModes"] == ["ReadWriteOncePod"]
        mounts = {each["name"]: each["mountPath"] for each in sidecar(pod)["volumeMounts"]}
        ledger = yaml.safe_load(config(overlay))["stores"]["ledger"]
        assert ledger.startswith(f"sqlite:{mounts['ledger']}/")
        taken.append(claim)
    assert len(set(taken)) == len(taken), "two pods at one file"


@pytest.mark.parametrize(
    ("overlay", "keys", "warned"),
    [
        ("sqlite", SECRETS, ["one-sidecar"]),
        ("unix-socket", SECRETS, ["one-sidecar"]),
        ("shared", SECRETS | STORES, []),
    ],
)
def test_the_config_passes_the_check(
    overlay: str, keys: dict[str, str], warned: list[str], tmp_path: Path
) -> None:
    env = {
        each["name"]: each["value"]
        for each in sidecar(pod_of(overlay, "Deployment")).get("env", ())
    }
    done = check(config(overlay), tmp_path, keys, env)
    assert (done.returncode, done.stdout) == (0, "ok\n"), done.stderr
    assert [line.rpartition("[")[2].rstrip("]") for line in done.stderr.splitlines()] == warned
    for (
        name,
        value,
    ) in keys.items():  # each of them is needed: what the page has people make is what is read
        (tmp_path / name).unlink()
        assert check(config(overlay), tmp_path, {}, env).returncode == 1
        (tmp_path / name).write_text(value)


def test_the_socket_is_shared_by_sidecar_and_application_alone() -> None:
    for _, pod in pods("unix-socket"):
        (listen,) = [
            each["value"] for each in sidecar(pod)["env"] if each["name"] == "PAYSLUICE__LISTEN"
        ]
        (volume,) = [each for each in pod["volumes"] if each["name"] == "socket"]
        assert volume["emptyDir"]["medium"] == "Memory"
        for container in (sidecar(pod), *pod["containers"]):
            (mount,) = [each for each in container["volumeMounts"] if each["name"] == "socket"]
            assert listen.startswith(f"unix:{mount['mountPath']}/")
        (application,) = pod["containers"]
        assert "PAYMENTS_URL" not in {each["name"] for each in application["env"]}
