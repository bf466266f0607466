"""`paysluice profiles test`: whether a profile takes recorded answers for what they are."""

import json
from pathlib import Path
from typing import Any

import pytest

from proxy.cli import main
from tests.support.command import Capture, told

PROFILE = """
version: 1
name: acme
title: Acme
sources: {docs: https://docs.acme.example}
fields:
  code: {paths: code, grade: assumed, evidence: docs}
codes: {table: {E1: expired_card}, grade: assumed, evidence: docs}
"""
CASE: dict[str, Any] = {
    "provider": "acme",
    "case": "expired",
    "method": "POST",
    "path": "/payments",
    "status": 402,
    "headers": {},
    "body": '{"code": "E1", "message": "Too old"}',
    "meaning": {"is_error": True, "error_code": "expired_card", "outcome": "declined"},
}


def prove(tmp_path: Path, *cases: str, profile: str = PROFILE) -> int:
    (tmp_path / "acme.yaml").write_text(profile)
    (tmp_path / "cases.jsonl").write_text("\n".join(cases))
    return main(["profiles", "test", str(tmp_path / "acme.yaml"), str(tmp_path / "cases.jsonl")])


def case(**members: Any) -> str:
    return json.dumps(CASE | members)


def test_a_profile_that_is_right_is_told_so(tmp_path: Path, capsys: Capture) -> None:
    assert prove(tmp_path, case(), "", case(case="again")) == 0
    assert told(capsys)[0] == "2 of 2 cases right\n"


@pytest.mark.parametrize(
    ("member", "wanted", "miss"),
    [
        ("error_code", "lost_card", "error_code is 'expired_card', not 'lost_card'"),
        ("is_error", False, "is_error is True, not False"),
        ("fields", ["x"], "fields is [], not ['x']"),
        ("trace_id", "t", "trace_id is None, not 't'"),
        ("message_contains", "young", "the message is 'Too old', without 'young'"),
    ],
)
def test_what_came_out_differently_is_told_by_case(
    tmp_path: Path, capsys: Capture, member: str, wanted: object, miss: str
) -> None:
    assert prove(tmp_path, case(), case(case="odd", meaning={member: wanted})) == 1
    assert told(capsys)[0] == f"acme/odd (402): {miss}\n1 of 2 cases right\n"


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("{", "cases.jsonl:1: is no case: JSONDecodeError"),
        ("[]", "cases.jsonl:1: is no case: TypeError"),
        ('{"provider": "x"}', "cases.jsonl:1: is no case: KeyError 'case'"),
        (case(status="four"), "cases.jsonl:1: is no case: ValueError"),
        (case(body_encoding="none"), "cases.jsonl:1: is no case: LookupError"),
        (case(path="/../x"), "is no path"),
    ],
)
def test_a_file_that_holds_no_cases_is_refused_with_its_line(
    tmp_path: Path, capsys: Capture, line: str, fault: str
) -> None:
    assert prove(tmp_path, line) == 1
    assert fault in told(capsys)[1]


def test_no_case_at_all_proves_nothing(tmp_path: Path, capsys: Capture) -> None:
    assert prove(tmp_path) == 1
    assert told(capsys)[0] == "0 of 0 cases right\n"


def test_a_profile_that_cannot_be_used_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert prove(tmp_path, case(), profile="version: 2") == 1
    assert "acme.yaml:1: version" in told(capsys)[1]


def test_a_file_that_is_not_there_or_no_text_is_told(tmp_path: Path, capsys: Capture) -> None:
    assert main(["profiles", "test", "akua", str(tmp_path / "none")]) == 1
    assert "No such file" in told(capsys)[1]
    (tmp_path / "odd").write_bytes(b"\xff\xfe")
    assert main(["profiles", "test", "akua", str(tmp_path / "odd")]) == 1
    assert "is not UTF-8" in told(capsys)[1]


@pytest.mark.parametrize("words", [["test"], ["test", "a"], ["a", "b"], ["test", "a", "b", "c"]])
def test_what_is_no_use_of_it_is_2(words: list[str]) -> None:
    with pytest.raises(SystemExit) as left:
        main(["profiles", *words])
    assert left.value.code == 2
