"""Where a profile says that a fact stands: paths tried in order, header fields after them."""

import json

import pytest

from proxy.extract import Extractor
from proxy.providers import parse
from proxy.terms import Answer, Facts

ACME = """
version: 1
name: acme
title: Acme
fields:
  code: {paths: [PATHS], headers: [Acme-Code], grade: documented, evidence: docs/x.md}
"""


def read(paths: str, body: object, *headers: tuple[bytes, bytes]) -> Facts:
    profile = parse(ACME.replace("PATHS", paths), name="acme")
    raw = json.dumps(body).encode()
    return Extractor(profile).extract(Answer(status=400, reason=b"", headers=headers, body=raw))


@pytest.mark.parametrize(
    ("paths", "body", "code"),
    [
        ("error.code, code", {"error": {"code": "E1"}, "code": "E2"}, "E1"),
        ("error.code, code", {"error": "E1", "code": "E2"}, "E2"),
        ("error.code, code", {"error": {"code": None}, "code": 7}, "7"),
        ("'errors[0].code'", {"errors": [{"code": "E1"}]}, "E1"),
        ("'errors[1].code'", {"errors": [{"code": "E1"}]}, "H1"),
        ("'errors[0].code'", {"errors": {"0": {"code": "E1"}}}, "H1"),
        ("'errors[*].code'", {"errors": [{}, {"code": None}, {"code": "E2"}]}, "E2"),
        ("'fields.*.code'", {"fields": {"amount": {"code": "E3"}, "iban": {"code": "E4"}}}, "E3"),
        ("'fields.*.code'", {"fields": {}}, "H1"),
        ("'error || code'", {"error": "", "code": "E5"}, "E5"),
        ("'keys(code)'", {"code": 7}, "H1"),
        ("code", {"code": ["E1", "E2"]}, "E1"),
        ("code", ["E1"], "H1"),
    ],
)
def test_the_first_path_where_something_stands_counts(paths: str, body: object, code: str) -> None:
    assert read(paths, body, (b"acme-code", b"H1")).code == code
    if code == "H1":
        assert read(paths, body).code is None
