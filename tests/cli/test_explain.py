"""`paysluice explain`: what an answer means, and what its request may do."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from tests.support.command import Capture, told, unroutable_profile, write

ANSWER = b"HTTP/1.1 503 X\r\nContent-Type: application/json\r\nContent-Length: 2\r\n\r\n{}"


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


def test_a_key_is_placed_as_the_listener_places_it(tmp_path: Path, capsys: Capture) -> None:
    claim = "documented, evidence: 'https://x.example'}"
    (tmp_path / "own.yaml").write_text(
        "{version: 1, name: own, title: Own, idempotency: "
        f"{{place: body, name: key, key_stores: all, grade: {claim}}}"
    )
    asked = ("--provider", str(tmp_path / "own.yaml"))
    assert explain(tmp_path, capsys, ANSWER, *asked)["verdict"]["retry"] is False
    keyed = explain(tmp_path, capsys, ANSWER, *asked, "--key", "k-1")
    assert keyed["verdict"]["basis"] == "idempotency_key"


def test_a_key_that_the_config_generates_or_asks_for_is_explained(
    tmp_path: Path, capsys: Capture
) -> None:
    acme = (
        "  acme: {base_url: 'https://api.example.com', profile: sim, idempotency: {KEYS: true}}\n"
    )
    asked = ("--provider", "acme", "--config", write(tmp_path, acme.replace("KEYS", "generate")))
    told_of = explain(tmp_path, capsys, ANSWER, *asked, "--path", "/payments")
    assert told_of["verdict"]["basis"] == "idempotency_key"
    assert told_of["envelope"]["retryable"] is False  # the caller's repeat gets another key
    write(tmp_path, acme.replace("KEYS", "require_key"))
    assert main(["explain", *asked, str(tmp_path / "answer.http")]) == 1
    assert told(capsys) == ("", "paysluice: --key: the config requires one\n")


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
    own = unroutable_profile(tmp_path)
    (tmp_path / "own").mkdir()
    routed = write(
        tmp_path / "own", f"  acme: {{base_url: 'https://api.example.com', profile: {own}}}\n"
    )
    for argv in (
        ["--provider", "nosuch", str(file)],
        ["--provider", "No Such!", str(file)],
        ["--provider", own, str(file)],
        ["--provider", "acme", "--config", routed, str(file)],
        ["--provider", "sim", "--key", "", str(file)],
        ["--provider", "sim", "--key", "k" * 256, str(file)],
        ["--provider", "sim", "--key", "caf\xe9", str(file)],
        ["--provider", "generic", "--key", "a\nb", str(file)],
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


def test_a_path_of_explain_need_not_be_ascii(tmp_path: Path, capsys: Capture) -> None:
    file = tmp_path / "answer.http"
    file.write_bytes(ANSWER)
    assert main(["explain", "--provider", "generic", "--path", "/caf\xe9", str(file)]) == 1
    assert told(capsys)[1].startswith("paysluice: --path")
