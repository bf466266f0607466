"""`paysluice outcomes` against a sidecar that runs."""

import asyncio
import csv
import io
import json
from pathlib import Path

import pytest

from proxy.cli import main
from tests.support.command import Capture, told
from tests.support.payments import till

CARD = "4111 1111 1111 1111"
RESOLVE = ["resolve", "x", "--as", "declined", "--note", "n"]


async def run(*argv: str) -> int:
    return await asyncio.to_thread(main, ["outcomes", *argv])


async def test_an_operator_finds_shows_settles_and_exports(tmp_path: Path, capsys: Capture) -> None:
    async with till(tmp_path) as here:
        admin = ("--admin", f"http://127.0.0.1:{here.proxy.app.admin_port}")
        assert await run(*admin) == 0
        assert told(capsys)[0] == ""
        lost = [await here.pay(key, "charge_then_drop") for key in ("order-1", "order-2")]
        first, second = [each.json["outcome_id"] for each in lost]
        assert await run("list", *admin) == 0
        head, *rows = told(capsys)[0].splitlines()
        assert head.split()[:4] == ["id", "age", "provider", "route"]
        assert [row.split()[0] for row in rows] == [first, second]
        assert await run("list", "--reference", "none", *admin) == 0
        assert told(capsys)[0] == ""
        assert await run("export", "--csv", *admin) == 0
        table = list(csv.DictReader(io.StringIO(told(capsys)[0])))
        assert [row["id"] for row in table] == [first, second]
        assert table[0]["outcome"] == "unknown"
        assert await run("resolve", first, "--as", "succeeded", "--note", "seen", *admin) == 0
        assert told(capsys)[0] == "settled\n"
        assert await run("resolve", first, "--as", "declined", "--note", CARD, *admin) == 1
        assert "recorded already" in told(capsys)[1]
        assert await run("resolve", second, "--as", "not_processed", "--note", "x", *admin) == 1
        assert "under way" in told(capsys)[1]
        assert await run("show", first, *admin) == 0
        shown = json.loads(told(capsys)[0])
        assert shown["outcome"] == "succeeded"
        assert [(each["said"], each["note"]) for each in shown["evidence"]] == [
            ("succeeded", "seen"),
            ("declined", "[card]"),
        ]
        assert await run("list", "--settled", *admin) == 0
        assert [row.split()[0] for row in told(capsys)[0].splitlines()[1:]] == [second, first]
        assert await run("show", "nobody", *admin) == 1
        assert "No outcome is followed" in told(capsys)[1]
        metrics = here.proxy.metrics()
        assert 'paysluice_outcomes_unknown{provider="acme"} 1.0' in metrics
        assert (
            'paysluice_outcomes_settled_total{as="succeeded",by="person",provider="acme"} 1.0'
            in metrics
        )
        assert 'paysluice_outcomes_contradicted_total{provider="acme"} 1.0' in metrics


@pytest.mark.parametrize(
    ("admin", "reason"),
    [
        ("http://127.0.0.1:1", "does not answer"),
        ("unix:/none", "does not answer"),
        ("https://x:1", "--admin is"),
        ("http://x:y", "--admin is"),
        ("nonsense", "--admin is"),
    ],
)
def test_where_nobody_answers_that_is_one_line(admin: str, reason: str, capsys: Capture) -> None:
    for words in (
        ["list"],
        ["show", "x"],
        ["export"],
        ["resolve", "x", "--as", "declined", "--note", "n"],
    ):
        assert main(["outcomes", *words, "--admin", admin]) == 1
        out, err = told(capsys)
        assert (out, len(err.splitlines())) == ("", 1)
        assert reason in err


@pytest.mark.parametrize(
    "words", [["nonsense"], ["show"], ["resolve", "x"], ["resolve", "x", "--as", "maybe"]]
)
def test_what_is_no_command_is_usage(words: list[str], capsys: Capture) -> None:
    with pytest.raises(SystemExit) as left:
        main(["outcomes", *words])
    assert left.value.code == 2
    assert told(capsys)[1]


async def test_the_token_is_asked_for_and_taken_from_the_environment(
    tmp_path: Path, capsys: Capture, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with till(tmp_path, admin={"admin": "0.0.0.0:0", "admin_token": "open sesame"}) as here:
        admin = ("--admin", f"http://127.0.0.1:{here.proxy.app.admin_port}")
        assert await run(*admin) == 1
        assert "admin token" in told(capsys)[1]
        assert await run(*admin, "--token", "open sesame") == 0
        monkeypatch.setenv("PAYSLUICE_ADMIN_TOKEN", "open sesame")
        assert await run(*admin) == 0
