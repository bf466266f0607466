"""Each alert fires where it should, is silent where it comes close, and has its page."""

import re

import pytest
import yaml

from proxy.terms import ErrorCode, ErrorType
from tests.deploy_metrics.rules import ALERTS, RULES, asked_for, told
from tests.support.process import ROOT
from tests.support.prometheus import DEPLOY, promtool

RUNBOOK = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")
TESTS = ("rules_test.yml", "rules_slow_test.yml")
CASES = [case for file in TESTS for case in yaml.safe_load((DEPLOY / file).read_text())["tests"]]
OUTAGES = {ErrorType.TIMEOUT, ErrorType.UNAVAILABLE, ErrorType.INTERNAL_ERROR}
# Of those types, what a caller has to mend, or an operator wanted; and two that let nobody in.
MENDED_BY_CALLERS = {ErrorCode.REQUEST_TIMEOUT, ErrorCode.TOO_EARLY, ErrorCode.PAUSED}
LET_NOBODY_IN = {ErrorCode.UNAUTHORIZED_REQUEST, ErrorCode.ACCOUNT_DISABLED}


@pytest.mark.usefixtures("programs")
@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "config", "prometheus.yml"),
        ("check", "rules", "rules.yml"),
        ("test", "rules", *TESTS),
    ],
    ids=" ".join,
)
def test_promtool_is_content(arguments: tuple[str, ...]) -> None:
    done = promtool(*arguments)
    assert done.returncode == 0, (done.stdout + done.stderr).decode()


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_has_a_case_that_fires_and_one_of_its_own_that_does_not(alert: str) -> None:
    tried = [
        (bool(each["exp_alerts"]), "promql_expr_test" in case)
        for case in CASES
        for each in case["alert_rule_test"]
        if each["alertname"] == alert
    ]
    assert (True, False) in tried
    assert (False, False) in tried
    # and the sidecar without traffic, where nothing fires
    assert (False, True) in tried


@pytest.mark.parametrize("alert", ALERTS)
def test_an_alert_says_how_urgent_it_is_and_leads_to_its_part_of_the_runbook(alert: str) -> None:
    rule = ALERTS[alert]
    assert rule["labels"]["severity"] in {"page", "ticket"}
    notes = rule["annotations"]
    assert set(notes) == {"summary", "description", "runbook"}
    assert notes["runbook"] == f"docs/alerts.md#{alert.lower()}"
    part = RUNBOOK.partition(f"\n### {alert}\n")[2].partition("\n### ")[0]
    assert f"**{rule['labels']['severity']}**" in part
    assert "*Means:*" in part
    assert "*Do:*" in part


def test_the_runbook_has_no_alert_that_does_not_exist() -> None:
    assert re.findall(r"^### (\w+)$", RUNBOOK, re.MULTILINE) == list(ALERTS)


def test_rules_ask_for_nothing_that_is_never_told() -> None:
    for rule in RULES:
        assert asked_for(rule["expr"]) <= told(), rule


def test_every_ratio_takes_the_same_error_codes_for_an_outage() -> None:
    counted = {code for code in ErrorCode if code.type in OUTAGES} - MENDED_BY_CALLERS
    asked = [
        match
        for rule in RULES
        if rule.get("record", "").startswith("provider:paysluice_errors:")
        for match in re.findall(r'error_code=~"([^"]+)"', rule["expr"])
    ]
    assert len(asked) == 11
    assert {frozenset(each.split("|")) for each in asked} == {frozenset(counted | LET_NOBODY_IN)}
    for code in MENDED_BY_CALLERS:
        assert f"`{code}`" in RUNBOOK
