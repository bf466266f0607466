"""What was found: as a table, as a picture, and as numbers for the next comparison."""

import json
import platform
import re
import statistics
import subprocess
import sys
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from html import escape
from importlib.metadata import version
from pathlib import Path
from typing import Final

from .measure import Latency, Load

PEER: Final = "Envoy"
OURS: Final = "Paysluice"
RATES: Final = (1000, 3000)
FOLDER: Final = Path(__file__).parent.parent / "results"
_COMMANDS: Final = {
    "nginx": ["nginx", "-v"],
    "HAProxy": ["haproxy", "-v"],
    "Envoy": ["envoy", "--version"],
    "wrk": ["wrk", "-v"],
}


@dataclass
class Seen:
    """What was seen of one way in one scenario, round by round."""

    loads: list[Load] = field(default_factory=list)
    latencies: dict[int, list[Latency]] = field(default_factory=dict)
    ready_s: float = 0.0
    resident_mib: float = 0.0
    requests: int = 0

    @property
    def cpu_us(self) -> float:
        """Processor time of a request."""
        return statistics.median(load.cpu_us for load in self.loads)

    @property
    def per_second(self) -> float:
        """Requests a second on one core."""
        return statistics.median(load.per_second for load in self.loads)

    def latency(self, each_s: int) -> Latency | None:
        """Give what callers waited at that rate; None where it was not borne."""
        took = self.latencies.get(each_s)
        if not took:
            return None
        return Latency(*(statistics.median(getattr(each, part) for each in took)
                         for part in ("p50", "p90", "p99", "cpu_us")))  # fmt: skip


Found = dict[str, Seen]


def ratio(found: Found, name: str, what: str, peer: str = PEER) -> float | None:
    """Give the median, over the rounds, of the ratio to the peer within a round."""
    if peer not in found or not found[name].loads:
        return None
    pairs = zip(found[name].loads, found[peer].loads, strict=True)
    return statistics.median(float(getattr(one, what) / getattr(two, what)) for one, two in pairs)


def table(found: Found) -> list[str]:
    """Give the rows of one scenario."""
    lines = [
        "| way | CPU of a request, µs | of Envoy's | requests/s on one core | of Envoy's | MiB |",
        "|---|---|---|---|---|---|",
    ]
    for name, seen in found.items():
        if seen.loads:
            cpu, rate = ratio(found, name, "cpu_us"), ratio(found, name, "per_second")
            lines.append(
                f"| {name} | {seen.cpu_us:.1f} | {_of(cpu)} | {seen.per_second:,.0f} | {_of(rate)}"
                f" | {seen.resident_mib:.1f} |"
            )
    return lines


def latency_table(found: Found) -> list[str]:
    """Give what each way adds to what callers wait without one, in microseconds."""
    lines = [
        "| way | at | CPU of a request, µs | p50 added, µs | p90 | p99 |",
        "|---|---|---|---|---|---|",
    ]
    for each_s in RATES:
        straight = found["direct"].latency(each_s) if "direct" in found else None
        for name, seen in found.items():
            took = seen.latency(each_s)
            if name == "direct" or straight is None:
                continue
            said = "not borne | | | "
            if took is not None:
                added = (getattr(took, p) - getattr(straight, p) for p in ("p50", "p90", "p99"))
                waits = " | ".join(f"{milli * 1000:.0f}" for milli in added)
                said = f"{took.cpu_us:.1f} | {waits}"
            lines.append(f"| {name} | {each_s:,}/s | {said} |")
    return lines


def about() -> list[str]:
    """Say what was measured, and where."""
    model = platform.processor() or platform.machine()
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            model = line.partition(":")[2].strip()
            break
    kernel = platform.release().partition("-")[0]
    said = [f"{datetime.now(UTC):%d %B %Y}", f"{platform.system()} {kernel}", model]
    said.append(f"Python {platform.python_version()}")
    said += [f"{name} {version(name)}" for name in ("aiohttp", "uvloop", "paysluice")]
    return [*said, *(f"{name} {_version(command)}" for name, command in _COMMANDS.items())]


def _version(command: list[str]) -> str:
    path = f"{Path(sys.executable).parent}:/usr/sbin:/usr/bin:/bin:/usr/local/bin"
    try:
        done = subprocess.run(command, check=False, capture_output=True, text=True,
                              env={"PATH": path})  # fmt: skip
    except OSError:
        return "(absent)"
    found = re.search(r"\d+\.\d+(?:\.\d+)?", f"{done.stdout}{done.stderr}")
    return found[0] if found is not None else "?"


def write(scenarios: dict[str, Found], rounds: int, seconds: int) -> None:
    """Keep what was found in `bench/results/`."""
    FOLDER.mkdir(exist_ok=True)
    ready = [f"{name} {seen.ready_s:.2f} s" for name, seen in scenarios["GET"].items()
             if seen.loads]  # fmt: skip
    requests = scenarios["GET"][OURS].requests
    lines = [
        "# Beside its peers",
        "",
        (
            f"`make bench-light`: {'; '.join(about())}. Medians of {rounds} rounds of {seconds} s, "
            "in which the ways take turns, each alone on one core; ratios are taken within a round."
        ),
        "",
        f"Ready after: {', '.join(ready)}. Memory of GET: after {requests:,} requests.",
    ]
    for name, found in scenarios.items():
        lines += ["", f"## {name}", "", *table(found)]
        if any(seen.latencies for seen in found.values()):
            lines += ["", *latency_table(found)]
    (FOLDER / "light.md").write_text("\n".join(lines) + "\n")
    (FOLDER / "light.svg").write_text(picture(scenarios))
    numbers = {name: {way: asdict(seen) for way, seen in found.items()}
               for name, found in scenarios.items()}  # fmt: skip
    (FOLDER / "light.json").write_text(json.dumps({"about": about(), "found": numbers}, indent=1))


_BAR: Final = 14
_LEFT: Final = 190
_WIDTH: Final = 760
_COLOURS: Final = {"nginx": "#5b8c5a", "HAProxy": "#7aa0c4", "Envoy": "#ac6199",
                   "aiohttp": "#c9a227", "Paysluice": "#1f4e79"}  # fmt: skip


def picture(scenarios: dict[str, Found]) -> str:
    """Draw the processor time of a request: a bar for each way."""
    longest = max(seen.cpu_us for found in scenarios.values()
                  for seen in found.values() if seen.loads)  # fmt: skip
    scale = (_WIDTH - _LEFT - 90) / longest
    parts, y = [], 40
    for scenario, found in scenarios.items():
        y += 8
        parts.append(f'<text x="8" y="{y + _BAR}" font-weight="bold">{escape(scenario)}</text>')
        for name, seen in found.items():
            if not seen.loads:
                continue
            width = seen.cpu_us * scale
            parts.append(
                f'<text x="{_LEFT - 6}" y="{y + _BAR - 3}" text-anchor="end">{name}</text>'
                f'<rect x="{_LEFT}" y="{y}" width="{width:.1f}" height="{_BAR - 3}"'
                f' fill="{_COLOURS.get(name, "#888")}"/>'
                f'<text x="{_LEFT + width + 6:.1f}" y="{y + _BAR - 3}">{seen.cpu_us:.0f}</text>'
            )
            y += _BAR
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{y + 20}"'
        f' viewBox="0 0 {_WIDTH} {y + 20}" font-family="system-ui, sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>'
        f'<text x="8" y="22" font-size="14">Processor time of a request, µs</text>'
        f"{''.join(parts)}</svg>\n"
    )


def _of(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}"
