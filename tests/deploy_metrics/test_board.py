"""The board is whole, and each of its queries finds something in a real Prometheus."""

import asyncio
import math
import re
import time
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.deploy_metrics.board import BOARD, PANELS, ROWS, VARIABLES, Query, queries
from tests.deploy_metrics.faults import PROVIDERS, TRACE, Faulty, faulty
from tests.deploy_metrics.rules import NAMES, RULES, asked_for, told
from tests.support.process import ROOT
from tests.support.prometheus import DEPLOY, Prometheus, prometheus, promtool

PROVISIONING = ROOT / "deploy" / "grafana" / "provisioning"
SOURCES, BOARDS = PROVISIONING / "datasources", PROVISIONING / "dashboards"
WITHIN_S = 20.0
EVERY = "|".join(PROVIDERS)
UNITS = {"reqps", "percentunit", "none", "short", "s"}
TOPICS = ["us or them", "money at risk", "Retries", "Circuit", "Limits", "Time", "Stores, webhooks"]


def covers(panel: dict[str, Any]) -> set[tuple[int, int]]:
    at = panel["gridPos"]
    return {
        (x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])
    }


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_panel_says_what_it_shows_in_which_unit(panel: dict[str, Any]) -> None:
    assert len(panel["description"]) > 15
    assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
    assert panel["datasource"]["uid"] == "${datasource}"
    for target in panel["targets"]:
        assert target["datasource"]["uid"] == "${datasource}"
        assert target["legendFormat"]


def test_panels_have_numbers_of_their_own_and_do_not_lie_on_each_other() -> None:
    everything = [*ROWS, *PANELS]
    assert len({each["id"] for each in everything}) == len(everything)
    taken = [place for each in everything for place in covers(each)]
    assert len(set(taken)) == len(taken)
    assert max(x for x, _ in taken) < 24


def test_there_is_a_row_for_each_question() -> None:
    titles = [row["title"] for row in ROWS]
    assert len(titles) == len(TOPICS)
    for title, topic in zip(titles, TOPICS, strict=True):
        assert topic in title


def test_queries_name_what_is_told_and_variables_that_there_are() -> None:
    for query in queries():
        assert asked_for(query.expression) <= told(), query
        left = re.findall(r"\$\{?\w+", query.filled(**dict.fromkeys(VARIABLES, "x")))
        assert left == [], query


def test_what_a_provider_does_can_be_looked_at_alone() -> None:
    for query in queries():
        if re.search(r"by \(provider|\{\{provider\}\}", query.expression):
            assert 'provider=~"$provider"' in query.expression, query


def test_every_metric_is_on_the_board() -> None:
    shown = " ".join([query.expression for query in queries()] + [str(rule) for rule in RULES])
    for name in NAMES:
        assert name in shown, name


def test_the_source_of_the_numbers_knows_how_often_they_come() -> None:
    (source,) = yaml.safe_load((SOURCES / "prometheus.yaml").read_text())["datasources"]
    often = yaml.safe_load((DEPLOY / "prometheus.yml").read_text())["global"]["scrape_interval"]
    assert (source["type"], source["jsonData"]["timeInterval"]) == ("prometheus", often)


def test_the_board_is_provided_from_a_folder() -> None:
    (provided,) = yaml.safe_load((BOARDS / "paysluice.yaml").read_text())["providers"]
    assert (provided["type"], provided["options"]) == (
        "file",
        {"path": "/var/lib/grafana/dashboards"},
    )
    assert provided["options"]["path"] in (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")


async def without_data(server: Prometheus, asked: list[Query], **variables: str) -> list[Query]:
    """Give those of *asked* for which there is nothing, or nothing that is a number."""
    found = []
    for query in asked:
        values = await server.values(query.filled(**variables))
        if all(math.isnan(value) for value in values):
            found.append(query)
    return found


async def until_all_have_data(server: Prometheus, here: Faulty) -> list[Query]:
    """Have everything go wrong, again and again; give what finds nothing all the same."""
    until, missing = time.monotonic() + WITHIN_S, list(queries())
    while missing and time.monotonic() < until:
        await here.round()
        missing = await without_data(server, missing, provider=EVERY, across="max")
    return missing


async def rules_settle(server: Prometheus) -> list[dict[str, Any]]:
    """Give all rules, once each of them has been evaluated."""
    async with asyncio.timeout(WITHIN_S):
        while True:
            groups = (await server.ask("rules"))["groups"]
            rules = [rule for group in groups for rule in group["rules"]]
            if rules and all(rule["health"] != "unknown" for rule in rules):
                return rules
            await asyncio.sleep(0.05)


async def traces(server: Prometheus) -> set[str]:
    """Give the traces that a person can go to from the durations of requests."""
    query = "paysluice_request_duration_seconds_bucket"
    now = time.time()
    found = await server.ask(
        "query_exemplars", query=query, start=str(now - 3600), end=str(now + 60)
    )
    return {one["labels"]["trace_id"] for each in found for one in each["exemplars"]}


@pytest.mark.usefixtures("programs")
async def test_each_query_finds_something_after_faults(tmp_path: Path) -> None:
    async with faulty(tmp_path) as here, prometheus(tmp_path, here.admin) as server:
        missing = await until_all_have_data(server, here)
        assert missing == [], [f"{each.panel} ({each.ref}): {each.expression}" for each in missing]
        # Grafana sends `.*` for all providers, and one name for one; or adds ledgers up.
        for variables in ({"provider": ".*", "across": "sum"}, {"provider": "doubtful"}):
            some = [each for each in queries() if "money" in each.panel.lower()]
            filled = {"across": "max"} | variables
            assert await without_data(server, some, **filled) == []
        names = await server.ask("label/provider/values", **{"match[]": "paysluice_requests_total"})
        assert VARIABLES["provider"]["query"]["query"] == (
            "label_values(paysluice_requests_total, provider)"
        )
        assert set(names) == set(PROVIDERS)
        for rule in await rules_settle(server):
            assert rule["health"] == "ok", rule
        for rule in RULES:
            if "record" in rule:
                assert await server.values(rule["record"]), rule
        assert await traces(server) == {TRACE}
        scrape = await here.get(here.admin, "/metrics")
        done = promtool("check", "metrics", given=scrape.body)
        assert (done.returncode, done.stdout + done.stderr) == (0, b"")


def test_the_board_stands_alone() -> None:
    assert (BOARD["uid"], BOARD["title"]) == ("paysluice", "Paysluice")
    assert {"datasource", "provider", "across"} == set(VARIABLES)
    assert VARIABLES["provider"]["includeAll"]
