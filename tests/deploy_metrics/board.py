"""The board as Grafana reads it: its panels, and its queries with their variables filled in."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tests.support.process import ROOT

FILE = ROOT / "deploy" / "grafana" / "paysluice.json"
BOARD: dict[str, Any] = json.loads(FILE.read_text(encoding="utf-8"))
PANELS: list[dict[str, Any]] = [each for each in BOARD["panels"] if each["type"] != "row"]
ROWS: list[dict[str, Any]] = [each for each in BOARD["panels"] if each["type"] == "row"]
VARIABLES: dict[str, dict[str, Any]] = {each["name"]: each for each in BOARD["templating"]["list"]}
# Grafana's own. The interval holds more than the two scrapes that a rate needs.
BUILT_IN = {"__rate_interval": "5s", "__range": "30s"}


@dataclass(frozen=True)
class Query:
    """One query of a panel."""

    panel: str
    ref: str
    expression: str  # as it stands on the board

    def filled(self, **variables: str) -> str:
        """Give it as Grafana would send it."""
        text = self.expression
        # The longest first: `$provider` is no beginning of `$provider_name`.
        for name, value in sorted((BUILT_IN | variables).items(), key=lambda each: -len(each[0])):
            text = text.replace(f"${{{name}}}", value).replace(f"${name}", value)
        return text


def queries() -> Iterator[Query]:
    for panel in PANELS:
        for target in panel["targets"]:
            yield Query(panel["title"], target["refId"], target["expr"])
    for note in BOARD["annotations"]["list"]:
        yield Query(note["name"], "annotation", note["expr"])
