"""What each way between an application and its provider costs, in one run.

    python -m bench.light [--rounds N] [--seconds S] [--only NAME ...]

The ways take turns, round by round, so that what else the machine does hits them alike. A ratio is
taken within a round, and the median over the rounds counts. Needs nginx (the provider), wrk, h2load
and taskset; a way that is not installed is left out, and said to be.
"""

import argparse
import statistics
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, field, replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import trustme
import uvloop

from .measure import (
    LOAD_CORE,
    SCENARIOS,
    WAY_CORE,
    Latency,
    Load,
    Scenario,
    free_ports,
    latency,
    load,
    process,
    resident_mib,
)
from .ways import WAYS, Place, Way, provider

PEER: Final = "Envoy"
RATES: Final = (1000, 3000)
WARM_UP_S: Final = 1


@dataclass
class Seen:
    """What was seen of one way in one scenario, round by round."""

    loads: list[Load] = field(default_factory=list)
    latencies: dict[int, list[Latency]] = field(default_factory=dict)
    ready_s: float = 0.0
    resident_mib: float = 0.0


Found = dict[str, Seen]


async def compare(scenario: Scenario, rounds: int, seconds: int, folder: Path) -> Found:
    """Let all ways take turns at one kind of call."""
    found: Found = {}
    ports = free_ports(len(WAYS) + 2)
    place = Place(folder, 0, ports[-2], ports[-1], scenario.is_tls, scenario.providers,
                  scenario.routes)  # fmt: skip
    async with AsyncExitStack() as stack:
        await _start_provider(stack, place)
        running: list[tuple[Way, str, int]] = []
        for way, port in zip(WAYS, ports, strict=False):
            command = way.command(replace(place, port=port))
            if command is None:
                print(f"{way.name} is not installed here: left out")
                continue
            pid, ready_s = await stack.enter_async_context(process(port, WAY_CORE, command))
            found[way.name] = Seen(ready_s=ready_s)
            url = f"http://127.0.0.1:{port}{way.prefix}{scenario.path}"
            running.append((way, url, pid))
            await load(url, scenario, pid, WARM_UP_S, folder)
        for _ in range(rounds):
            for way, url, pid in running:
                found[way.name].loads.append(await load(url, scenario, pid, seconds, folder))
        if scenario == SCENARIOS[0]:
            await _latencies(running, place, found, rounds)
        for way, _, pid in running:
            found[way.name].resident_mib = resident_mib(pid)
    return found


async def _latencies(
    running: list[tuple[Way, str, int]], place: Place, found: Found, rounds: int
) -> None:
    direct = Way("direct", lambda _: None)
    found[direct.name] = Seen()
    everyone = [(direct, f"http://127.0.0.1:{place.provider}{SCENARIOS[0].path}", 0), *running]
    for each_s in RATES:
        for _ in range(rounds):
            for way, url, _ in everyone:
                took = await latency(url, each_s, 2, place.folder)
                if took is not None:
                    found[way.name].latencies.setdefault(each_s, []).append(took)


async def _start_provider(stack: AsyncExitStack, place: Place) -> None:
    authority = trustme.CA()
    certificate = place.folder / "provider.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    command = provider(place, certificate)
    if command is None:
        sys.exit("nginx is needed: it is the provider")
    await stack.enter_async_context(process(place.provider, LOAD_CORE, command))


def show(scenario: Scenario, found: Found) -> None:
    """Print what was seen, beside what it is of Envoy's."""
    print(f"\n{scenario.name}")
    for name, seen in found.items():
        if not seen.loads:
            continue
        cpu = statistics.median(each.cpu_us for each in seen.loads)
        per_second = statistics.median(each.per_second for each in seen.loads)
        print(
            f"  {name:10} {cpu:7.1f} us CPU ({_of_peer(found, name, 'cpu_us'):.2f})"
            f" {per_second:8.0f}/s ({_of_peer(found, name, 'per_second'):.2f})"
            f" {seen.resident_mib:6.1f} MiB, ready in {seen.ready_s:.2f} s"
        )
    for each_s in RATES:
        for name, seen in found.items():
            took = seen.latencies.get(each_s)
            if took:
                p50, p90, p99 = (
                    statistics.median(getattr(each, part) for each in took)
                    for part in ("p50", "p90", "p99")
                )
                print(f"  {each_s}/s {name:10} p50 {p50:.2f} p90 {p90:.2f} p99 {p99:.2f} ms")


def _of_peer(found: Found, name: str, what: str) -> float:
    """Give the median, over the rounds, of the ratio to the peer."""
    if PEER not in found:
        return float("nan")
    pairs = zip(found[name].loads, found[PEER].loads, strict=True)
    ratios = [float(getattr(one, what) / getattr(peer, what)) for one, peer in pairs]
    return statistics.median(ratios)


async def measure(rounds: int, seconds: int, only: list[str]) -> None:
    """Measure one kind of call after the other."""
    for scenario in SCENARIOS:
        if only and scenario.name not in only:
            continue
        with TemporaryDirectory() as folder:
            show(scenario, await compare(scenario, rounds, seconds, Path(folder)))


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    given = parser.parse_args()
    uvloop.run(measure(given.rounds, given.seconds, given.only))


if __name__ == "__main__":
    main()
