"""The rules as Prometheus reads them, and the names that they may ask for."""

import re
from typing import Any

import yaml

from proxy.observe import families
from proxy.observe.families import GAUGES, PREFIX, Family
from tests.support.prometheus import DEPLOY

GROUPS = yaml.safe_load((DEPLOY / "rules.yml").read_text())["groups"]
RULES: list[dict[str, Any]] = [rule for group in GROUPS for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
NAMES = {
    f"{PREFIX}{family.name}"
    for family in (*vars(families).values(), *GAUGES.values())
    if isinstance(family, Family)
}


def told() -> set[str]:
    """All that Prometheus may hold of us: histograms' parts, and what is recorded."""
    parts = {f"{name}_{part}" for name in NAMES for part in ("bucket", "count", "sum")}
    return NAMES | parts | {rule["record"] for rule in RULES if "record" in rule}


def asked_for(expression: str) -> set[str]:
    """Give the names of ours that stand in *expression*, labels' values left out."""
    return set(re.findall(r"\b(?:\w+:)?paysluice[\w:]+", re.sub(r'"[^"]*"', "", expression)))
