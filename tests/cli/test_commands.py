"""Each command, called as the shell calls it: what it prints, where, and its exit code."""

import os
import runpy
import sys
from pathlib import Path

import pytest

from proxy.cli import main
from proxy.providers import names
from tests.support.command import Capture, told, unroutable_profile, write

ROOT = Path(__file__).parent.parent.parent
SECRET = "sk_live_canary"


# --- usage


@pytest.mark.parametrize(
    "argv",
    [
        [],
        ["nonsense"],
        ["run", "--nonsense"],
        ["explain"],
        ["simulate", "--port", "65536"],
        ["simulate", "--port", "-1"],
        ["simulate", "--port", "x"],
        ["check", "a", "b"],
    ],
)
def test_a_command_that_is_not_one_is_usage(argv: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        main(argv)
    assert left.value.code == 2
    out, err = told(capsys)
    assert out == ""
    assert err.splitlines()[-1].startswith("paysluice")


@pytest.mark.parametrize(
    "command", ["", "run", "check", "explain", "profiles", "health", "simulate", "version"]
)
def test_the_help_of_every_command_ends_in_an_example(command: str, capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        main([*command.split(), "--help"])
    assert left.value.code == 0
    out, err = told(capsys)
    assert f"example: paysluice {command}".rstrip() in out
    assert err == ""


# --- version, profiles


def test_version_names_what_it_runs_on(capsys: Capture) -> None:
    assert main(["version"]) == 0
    out, _ = told(capsys)
    assert out.startswith("paysluice ")
    assert "Python 3." in out
    assert "aiohttp 3." in out
    assert len(out.splitlines()) == 1


def test_profiles_are_listed_one_a_line(capsys: Capture) -> None:
    assert main(["profiles"]) == 0
    assert told(capsys)[0].splitlines() == list(names())
    assert {"generic", "akua", "sim"} <= set(names())


def test_a_profile_is_printed_as_it_stands_in_its_file(capsys: Capture) -> None:
    assert main(["profiles", "akua"]) == 0
    file = ROOT / "proxy" / "providers" / "catalogue" / "akua.yaml"
    assert told(capsys)[0] == file.read_text()


def test_a_profile_that_is_not_bundled_is_no(capsys: Capture) -> None:
    assert main(["profiles", "../akua"]) == 1
    out, err = told(capsys)
    assert out == ""
    assert err.startswith("paysluice: ")
    assert len(err.splitlines()) == 1


# --- check


def test_the_config_that_is_shipped_is_sound(capsys: Capture) -> None:
    assert main(["check", str(ROOT / "config" / "paysluice.yaml")]) == 0
    out, err = told(capsys)
    assert out == "ok\n"
    assert all(line.startswith("warning: ") for line in err.splitlines())


def test_the_quickstart_is_sound(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("PAYSLUICE_CONFIG", raising=False)
    assert main(["check"]) == 0
    assert told(capsys) == ("ok\n", "")


def test_a_config_is_found_through_the_environment(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAYSLUICE_CONFIG", str(tmp_path / "none.yaml"))
    assert main(["check"]) == 1
    assert "none.yaml" in told(capsys)[1]


def test_every_fault_is_a_line_with_its_place_and_none_shows_a_secret(
    tmp_path: Path, capsys: Capture
) -> None:
    file = write(
        tmp_path,
        "  acme:\n"
        "    base_url: ftp://example.com\n"
        "    retry: {max_attempts: -1}\n"
        f"    headers: {{Authorization: '{SECRET}\\x00'}}\n"
        "    retrys: {}\n",
        "listen: nowhere\n",
    )
    assert main(["check", file]) == 1
    out, err = told(capsys)
    assert out == ""
    places = [line.partition(":")[0] for line in err.splitlines()]
    assert {"listen[0]", "providers.acme.base_url", "providers.acme.retry.max_attempts"} <= {
        *places
    }
    assert all("(line " in line for line in err.splitlines())
    assert SECRET not in err


def test_a_profile_with_faults_is_told_with_the_place_that_names_it(
    tmp_path: Path, capsys: Capture
) -> None:
    (tmp_path / "acme.yaml").write_text("name: acme\nnonsense: 1\n")
    url = "    base_url: https://api.example.com\n"
    file = write(
        tmp_path,
        f"  acme:\n    profile: {tmp_path}/acme.yaml\n{url}  other:\n    profile: nosuch\n{url}",
    )
    assert main(["check", file]) == 1
    _, err = told(capsys)
    assert all(line.startswith("providers.") for line in err.splitlines())
    assert "providers.other.profile: nosuch:1: no such profile" in err
    assert "providers.acme.profile: " in err
    assert "Fault(" not in err


def test_a_route_of_a_limit_that_does_not_exist_is_a_fault(tmp_path: Path, capsys: Capture) -> None:
    file = write(
        tmp_path,
        "  acme:\n    base_url: https://api.example.com\n"
        "    rate_limits: [{name: a, rate: 1/s, routes: [nosuch]}]\n",
    )
    assert main(["check", file]) == 1
    assert told(capsys)[1].startswith("providers.acme.rate_limits[0].routes[0]: ")


WARNED = "warning: providers.acme.idempotency"


@pytest.mark.parametrize(
    ("profile", "keys", "is_warned"),
    [
        ("generic", "{}", True),
        ("generic", "{generate: true}", True),
        ("generic", "{trusted: true}", True),
        ("generic", "{trusted: true, generate: true}", True),
        ("generic", "{header: X-Key}", False),
        ("generic", "{mode: off}", False),
        ("sim", "{}", False),
    ],
)
def test_a_key_that_counts_for_nothing_is_warned_of(
    tmp_path: Path, capsys: Capture, profile: str, keys: str, *, is_warned: bool
) -> None:
    file = write(
        tmp_path,
        "  acme:\n    base_url: https://api.example.com\n"
        f"    profile: {profile}\n    idempotency: {keys}\n",
    )
    assert main(["check", file]) == 0
    assert told(capsys)[1].startswith(WARNED) is is_warned


def test_a_warning_is_one_line_with_its_rule_and_no_failure(
    tmp_path: Path, capsys: Capture
) -> None:
    file = write(
        tmp_path,
        f"  acme:\n    base_url: simulator\n    profile: sim\n    headers: {{X-Token: {SECRET}}}\n",
    )
    assert main(["check", file]) == 0
    out, err = told(capsys)
    assert out == "ok\n"
    assert err == (
        "warning: providers.acme.headers.X-Token: holds a secret in plain text: "
        "write ${env:NAME} or ${file:/path} (line 6) [plain-secret]\n"
    )


@pytest.mark.parametrize(
    ("provider", "place", "line"),
    [
        ("    routes: [{name: a, match: GET /a/../b}]\n", "acme.routes[0].match", 5),
        ("    routes: [{name: a, match: 'GET /pay{id}'}]\n", "acme.routes[0].match", 5),
        ("    mount: /_paysluice/a/\n", "acme.mount", 5),
        ("    base_url: https://api.example.com/..;x/y\n", "acme.base_url", 4),
        ("    profile: PROFILE\n", "acme.profile", 5),
    ],
)
def test_what_run_could_not_route_is_a_fault_of_check_and_of_run(
    tmp_path: Path, capsys: Capture, provider: str, place: str, line: int
) -> None:
    own = unroutable_profile(tmp_path)
    url = "" if "base_url" in provider else "    base_url: https://api.example.com\n"
    file = write(tmp_path, f"  acme:\n{url}{provider.replace('PROFILE', own)}")
    assert main(["check", file]) == 1
    out, checked = told(capsys)
    assert out == ""
    assert len(checked.splitlines()) == 1
    assert checked.startswith(f"providers.{place}: ")
    assert checked.endswith(f"(line {line})\n")
    assert main(["run", "--config", file]) == 1
    assert told(capsys) == ("", checked)


def test_a_key_that_the_config_sets_on_every_request_is_a_fault(
    tmp_path: Path, capsys: Capture
) -> None:
    file = write(
        tmp_path,
        "  acme:\n    base_url: https://api.example.com\n"
        "    headers: {X-Key: k}\n    idempotency: {header: x-key}\n",
    )
    assert main(["check", file]) == 1
    _, err = told(capsys)
    assert (
        err == "providers.acme.headers.X-Key: a key belongs to one payment, not to all (line 5)\n"
    )


# --- run, simulate, and the module itself


def test_a_process_that_cannot_start_is_no(tmp_path: Path, capsys: Capture) -> None:
    url = "    base_url: https://api.example.com\n"
    assert main(["run", "--config", write(tmp_path, f"  acme:\n{url}    retrys: 1\n")]) == 1
    assert "providers.acme.retrys" in told(capsys)[1]
    assert main(["run", "--config", write(tmp_path, f"  a:\n{url}    profile: nosuch\n")]) == 1
    assert told(capsys)[1].startswith("providers.a.profile: nosuch:1: no such profile")


def test_a_module_run_is_a_command(capsys: Capture, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "argv", ["paysluice", "version"])
    with pytest.raises(SystemExit) as left:
        runpy.run_module("proxy", run_name="__main__")
    assert left.value.code == 0
    assert told(capsys)[0].startswith("paysluice ")


def test_a_reader_that_has_left_is_no_fault(monkeypatch: pytest.MonkeyPatch) -> None:
    ends = os.pipe()
    os.close(ends[0])
    with os.fdopen(ends[1], "w", buffering=1) as gone:
        monkeypatch.setattr(sys, "stdout", gone)
        assert main(["profiles"]) == 0
        gone.write("nowhere\n")  # it goes to the null device now, and raises nothing


def test_the_certificates_of_the_system_are_where_they_were(
    capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Importing aiohttp hides them for a moment: what the operator set must stand afterwards.
    monkeypatch.setenv("SSL_CERT_FILE", "/etc/ours.pem")
    monkeypatch.delenv("SSL_CERT_DIR", raising=False)
    assert main(["check", str(ROOT / "config" / "paysluice.yaml")]) == 0
    told(capsys)
    assert os.environ["SSL_CERT_FILE"] == "/etc/ours.pem"
    assert "SSL_CERT_DIR" not in os.environ
