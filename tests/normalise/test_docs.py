"""The page of errors says what the code does."""

from pathlib import Path

from proxy.normalise import FAILURES, MESSAGES, REFUSALS, OutcomeWord
from proxy.terms import ErrorCode

PAGE = (Path(__file__).parents[2] / "docs" / "errors.md").read_text()
ROWS = [
    [cell.strip() for cell in line.strip("|").split("|")]
    for line in PAGE.splitlines()
    if line.startswith("| ")
]


def test_every_code_stands_on_the_page_with_its_status_type_and_meaning() -> None:
    told = {row[0]: row[1:4] for row in ROWS if len(row) == 5}
    told.pop("error_code")
    assert told == {
        f"`{code}`": [str(code.status), code.type.value, MESSAGES[code]] for code in ErrorCode
    }


def test_every_code_says_what_the_caller_does() -> None:
    assert all(row[4] for row in ROWS if len(row) == 5)


def test_every_failure_and_refusal_stands_on_the_page() -> None:
    told = [row for row in ROWS if len(row) == 4][1:]
    reports = (*REFUSALS.values(), *FAILURES.values())
    rows = [
        [report.message, f"`{report.code}`", str(report.status), f"`{report.error}`"]
        for report in reports
    ]
    assert sorted(told) == sorted({tuple(row): row for row in rows}.values())


def test_every_outcome_word_is_explained() -> None:
    told = {row[0] for row in ROWS if len(row) == 2}
    assert told >= {f"`{word}`" for word in OutcomeWord}
