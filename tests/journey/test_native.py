"""An application that keeps its vendor's SDK: errors in the provider's own shape, over the wire."""

from pathlib import Path

import pytest

from tests.support import raw
from tests.support.raw import Step, answer
from tests.support.world import world

PROFILE = """
version: 1
name: vendor
title: Vendor
sources: {docs: https://docs.vendor.example}
fields:
  code: {paths: error.code, grade: assumed, evidence: docs}
  message: {paths: error.message, grade: assumed, evidence: docs}
stop: {header: Vendor-Should-Retry, value: 'false', grade: assumed, evidence: docs}
native_errors:
  body: {error: {type: api_error, code: '{error_code}', message: '{message}'}}
  within: error
  by_type: {declined: {type: card_error}}
  grade: assumed
  evidence: docs
"""


@pytest.mark.parametrize(
    ("step", "status", "code"),
    [
        (answer(402, b'{"error": {"code": "lost_card"}}'), 402, "lost_card"),
        (answer(404, b'{"error": {"code": "nothing"}}'), 404, "nothing"),
        (answer(502, b"<html>"), 502, "bad_gateway"),
        (raw.close, 502, "bad_gateway"),
    ],
    ids=["decline", "own_status", "page", "closed"],
)
@pytest.mark.parametrize("asked_by", ["config", "caller"])
async def test_an_sdk_finds_its_own_members_and_ours_beside_them(
    tmp_path: Path, step: Step, status: int, code: str, asked_by: str
) -> None:
    profile = tmp_path / "vendor.yaml"
    profile.write_text(PROFILE)
    acme = {"profile": str(profile)}
    headers = {"Paysluice-Errors": "native"} if asked_by == "caller" else {}
    if asked_by == "config":
        acme["errors"] = {"mode": "native"}  # type: ignore[assignment]
    async with world(step, acme=acme) as here:
        reply = await here.proxy.ask(headers=headers, body=b"{}")
        assert (reply.status, reply.json["error"]["code"]) == (status, code)
        assert reply.json["paysluice"]["error_code"] == reply.header("Paysluice-Error-Code")
        assert reply.header("Vendor-Should-Retry") == "false"
        assert reply.header("Content-Type") == "application/json"


async def test_without_a_template_it_is_the_envelope() -> None:
    async with world(raw.close, acme={"errors": {"mode": "native"}}) as here:
        assert (await here.proxy.ask(body=b"{}")).json["error_code"] == "bad_gateway"
