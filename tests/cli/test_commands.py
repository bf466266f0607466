"""Each command, called as the shell calls it: what it prints, where, and its exit code."""

import json
import os
import runpy
import sys
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from proxy.providers import names

ROOT = Path(__file__).parent.parent.parent
SECRET = "sk_live_canary"
ANSWER = b"HTTP/1.1 503 X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"

Capture = pytest.CaptureFixture[str]


def told(capsys: Capture) -> tuple[str, str]:
    captured = capsys.readouterr()
    assert "Traceback" not in captured.err
    return captured.out, captured.err


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
    "command", ["", "run", "check", "explain", "profiles", "simulate", "version"]
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


def write(folder: Path, providers: str, top: str = "listen: 127.0.0.1:0\n") -> str:
    file = folder / "paysluice.yaml"
    file.write_text(f"{top}providers:\n{providers}")
    return str(file)


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


# --- explain


def explain(tmp_path: Path, capsys: Capture, raw: bytes, *argv: str) -> Any:
    file = tmp_path / "answer.http"
    file.write_bytes(raw)
    assert main(["explain", *argv, str(file)]) == 0
    out, err = told(capsys)
    assert err == ""
    return json.loads(out)


def test_an_answer_is_explained_by_what_its_request_may_do(tmp_path: Path, capsys: Capture) -> None:
    read = explain(tmp_path, capsys, ANSWER, "--provider", "generic", "--method", "GET")
    assert read["envelope"]["outcome"] == "rejected"
    assert read["verdict"] == {
        "retry": True,
        "basis": "idempotent",
        "why": "service_unavailable",
    }
    paid = explain(tmp_path, capsys, ANSWER, "--provider", "generic")
    assert paid["envelope"]["outcome"] == "unknown"
    assert paid["envelope"]["provider"]["status"] == 503
    assert paid["verdict"] == {"retry": False, "basis": "none", "why": "unsafe"}


def test_a_success_has_no_envelope(tmp_path: Path, capsys: Capture) -> None:
    told_of = explain(
        tmp_path, capsys, ANSWER.replace(b"503 X", b"200 OK"), "--provider", "generic"
    )
    assert told_of == {
        "envelope": None,
        "verdict": {"retry": False, "basis": "none", "why": "permanent"},
    }


def test_a_key_makes_a_repeat_safe_only_where_it_is_known_to_be_honoured(
    tmp_path: Path, capsys: Capture
) -> None:
    keyed = ("--path", "/payments", "--key", "k-1")
    sim = explain(tmp_path, capsys, ANSWER, "--provider", "sim", *keyed)
    assert sim["verdict"]["basis"] == "idempotency_key"
    generic = explain(tmp_path, capsys, ANSWER, "--provider", "generic", *keyed)
    assert generic["verdict"]["retry"] is False


def test_a_file_that_an_editor_gave_bare_line_feeds_means_the_same(
    tmp_path: Path, capsys: Capture
) -> None:
    saved = ANSWER.replace(b"\r\n", b"\n")
    told_of = explain(tmp_path, capsys, saved, "--provider", "generic")
    assert told_of == explain(tmp_path, capsys, ANSWER, "--provider", "generic")


@pytest.mark.parametrize(
    ("raw", "code", "status"),
    [
        (b"hello", "malformed_response", None),
        (b"hello\r\n\r\n", "malformed_response", None),
        (b"", "bad_gateway", None),
        (ANSWER[:-1], "bad_gateway", 503),
    ],
)
def test_what_is_no_whole_answer_is_explained_as_that(
    tmp_path: Path, capsys: Capture, raw: bytes, code: str, status: int | None
) -> None:
    envelope = explain(tmp_path, capsys, raw, "--provider", "generic")["envelope"]
    assert (envelope["error_code"], envelope["outcome"]) == (code, "unknown")
    assert envelope["provider"]["status"] == status


def test_an_answer_to_head_has_no_body(tmp_path: Path, capsys: Capture) -> None:
    raw = b"HTTP/1.1 404 X\r\nContent-Length: 100\r\n\r\n"
    told_of = explain(tmp_path, capsys, raw, "--provider", "generic", "--method", "HEAD")
    assert told_of["envelope"]["error_code"] == "resource_not_found"


def test_the_settings_of_a_config_are_obeyed(tmp_path: Path, capsys: Capture) -> None:
    file = write(
        tmp_path,
        "  acme:\n    base_url: https://api.example.com\n"
        "    retry: {max_attempts: 1}\n    errors: {include_body: false}\n",
    )
    asked = ("--provider", "acme", "--config", file, "--method", "GET")
    told_of = explain(tmp_path, capsys, ANSWER, *asked)
    assert told_of["verdict"] == {"retry": False, "basis": "none", "why": "attempts"}
    assert told_of["envelope"]["provider"]["body"] is None


def test_what_cannot_be_asked_is_no_in_one_line(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "answer.http"
    file.write_bytes(ANSWER)
    config = write(tmp_path, "  acme:\n    base_url: https://api.example.com\n")
    (tmp_path / "bad.yaml").write_text("listen: nowhere\n")
    for argv in (
        ["--provider", "nosuch", str(file)],
        ["--provider", "generic", str(tmp_path / "none.http")],
        ["--provider", "generic", str(tmp_path)],
        ["--provider", "generic", "--path", "nowhere", str(file)],
        ["--provider", "generic", "--path", "/../x", str(file)],
        ["--provider", "other", "--config", config, str(file)],
        ["--provider", "acme", "--config", str(tmp_path / "bad.yaml"), str(file)],
    ):
        assert main(["explain", *argv]) == 1, argv
        out, err = told(capsys)
        assert out == ""
        assert err.startswith("paysluice: ")
        assert len(err.splitlines()) == 1, err
        assert "Fault(" not in err


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


def test_a_path_of_explain_need_not_be_ascii(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "answer.http"
    file.write_bytes(ANSWER)
    assert main(["explain", "--provider", "generic", "--path", "/caf\xe9", str(file)]) == 1
    assert told(capsys)[1].startswith("paysluice: --path")
