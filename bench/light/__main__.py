"""What each way between an application and its provider costs, in one run.

    python -m bench.light [--rounds N] [--seconds S] [--only NAME ...] [--keep]
    python -m bench.light --check

The ways take turns, round by round, so that what else the machine does hits them alike. A ratio is
taken within a round, and the median over the rounds counts. Needs nginx (the provider), wrk, h2load
and taskset; a way that is not installed is left out, and said to be. With `--keep` the results are
written to `bench/results/`; `--check` compares a short run with `bounds.json`.
"""

import argparse
import json
import sys
from contextlib import AsyncExitStack, suppress
from dataclasses import replace
from math import inf
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Final

import trustme
import uvloop

from . import results
from .measure import (
    LOAD_CORE,
    SCENARIOS,
    WAY_CORE,
    LoadError,
    Scenario,
    free_ports,
    latency,
    load,
    process,
    resident_mib,
)
from .results import OURS, RATES, Found, Seen, ratio
from .ways import FLOOR, WAYS, Place, Way, provider

BOUNDS: Final = Path(__file__).parent / "bounds.json"
MAY_BE_WORSE: Final = 1.25
TRIES: Final = 3  # a noisy machine makes one run worse; a slower sidecar makes all of them worse
WARM_UP_S: Final = 1
ENOUGH: Final = 100_000  # requests, before the memory is read


async def compare(
    scenario: Scenario, rounds: int, seconds: int, folder: Path, ways: tuple[Way, ...] = WAYS
) -> Found:
    """Let all ways take turns at one kind of call."""
    found: Found = {}
    ports = free_ports(len(ways) + 2)
    place = Place(folder, 0, ports[-2], ports[-1], scenario.is_tls, scenario.providers,
                  scenario.routes)  # fmt: skip
    async with AsyncExitStack() as stack:
        await _start_provider(stack, place)
        running: list[tuple[Way, str, int]] = []
        for way, port in zip(ways, ports, strict=False):
            command = way.command(replace(place, port=port))
            if command is None:
                print(f"{way.name} is not installed here: left out")
                continue
            pid, ready_s = await stack.enter_async_context(process(port, WAY_CORE, command))
            found[way.name] = Seen(ready_s=ready_s)
            url = f"http://127.0.0.1:{port}{way.prefix}{scenario.path}"
            running.append((way, url, pid))
            with suppress(LoadError):  # of a thousand that come at once a peer may drop one
                await load(url, scenario, pid, WARM_UP_S, folder)
        for _ in range(rounds):
            for way, url, pid in running:
                found[way.name].loads.append(await load(url, scenario, pid, seconds, folder))
        for way, _, _ in running:
            found[way.name].requests = sum(each.requests for each in found[way.name].loads)
        if len(ways) > len(WAYS):
            await _latencies(running, place, found, rounds)
            await _many(running, scenario, found, folder)
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
            for way, url, pid in everyone:
                took = await latency(url, each_s, 2, place.folder, pid or None)
                if took is not None:
                    found[way.name].latencies.setdefault(each_s, []).append(took)


async def _many(
    running: list[tuple[Way, str, int]], scenario: Scenario, found: Found, folder: Path
) -> None:
    """Go on until each has served so many that its memory says something."""
    for way, url, pid in running:
        seen = found[way.name]
        while seen.requests < ENOUGH:
            seen.requests += (await load(url, scenario, pid, 5, folder)).requests


async def _start_provider(stack: AsyncExitStack, place: Place) -> None:
    authority = trustme.CA()
    certificate = place.folder / "provider.pem"
    authority.issue_cert("127.0.0.1").private_key_and_cert_chain_pem.write_to_path(certificate)
    command = provider(place, certificate)
    if command is None:
        sys.exit("nginx is needed: it is the provider")
    await stack.enter_async_context(process(place.provider, LOAD_CORE, command))


async def measure(rounds: int, seconds: int, only: list[str], *, is_kept: bool) -> None:
    """Measure one kind of call after the other."""
    scenarios: dict[str, Found] = {}
    for scenario in SCENARIOS:
        if only and scenario.name not in only:
            continue
        ways = (*WAYS, *FLOOR) if scenario == SCENARIOS[0] else WAYS
        with TemporaryDirectory() as folder:
            found = await compare(scenario, rounds, seconds, Path(folder), ways)
        scenarios[scenario.name] = found
        print(f"\n{scenario.name}\n", *results.table(found), sep="\n")
        if any(seen.latencies for seen in found.values()):
            print("", *results.latency_table(found), sep="\n")
        for name, seen in found.items():
            if seen.loads and scenario == SCENARIOS[0]:
                print(f"{name} was ready in {seen.ready_s:.2f} s")
    if is_kept:
        results.write(scenarios, rounds, seconds)


async def check() -> bool:
    """Tell whether the processor time of a request, beside its peers', is what it was.

    The plain aiohttp proxy is always one of them: of what Python costs beside Python machines
    differ least.
    """
    bounds = json.loads(BOUNDS.read_text())
    ways = tuple(way for way in WAYS if way.name in {*bounds, OURS})
    is_fine = True
    for scenario in SCENARIOS:
        allowed = {peer: each[scenario.name] * MAY_BE_WORSE for peer, each in bounds.items()
                   if scenario.name in each}  # fmt: skip
        seen: list[dict[str, float]] = []
        while allowed and len(seen) < TRIES and not (seen and _holds(seen[-1], allowed)):
            try:
                with TemporaryDirectory() as folder:
                    found = await compare(scenario, 5, 1, Path(folder), ways)
            except LoadError as error:  # a try that says nothing: it counts as one that failed
                print(error)
                seen.append({})
                continue
            told = {peer: ratio(found, OURS, "cpu_us", peer) for peer in allowed}
            seen.append({peer: each for peer, each in told.items() if each is not None})
        for peer, bound in allowed.items():
            said = ", ".join(f"{each[peer]:.2f}" for each in seen if peer in each)
            if said:
                verdict = "PASS" if seen[-1].get(peer, inf) <= bound else "FAIL"
                print(f"{verdict} {scenario.name}: {said} of {peer}'s time, at most {bound:.2f}")
        is_fine &= not allowed or _holds(seen[-1], allowed)
    return is_fine


def _holds(seen: dict[str, float], allowed: dict[str, float]) -> bool:
    return bool(seen) and all(each <= allowed[peer] for peer, each in seen.items())


def main() -> None:
    """Read the arguments, and measure."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--only", nargs="*", default=[])
    parser.add_argument("--keep", action="store_true")
    parser.add_argument("--check", action="store_true")
    given = parser.parse_args()
    if given.check:
        sys.exit(0 if uvloop.run(check()) else 1)
    uvloop.run(measure(given.rounds, given.seconds, given.only, is_kept=given.keep))


if __name__ == "__main__":
    main()
