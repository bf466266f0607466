"""Recorded answers of providers, each with what it means: `tests/providers/cases/*.jsonl`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from proxy.providers import Profile
from proxy.terms import Answer, Answered, Effect, Kind, RouteEffect
from proxy.terms.http import IDEMPOTENT_METHODS, SAFE_METHODS

CASES = Path(__file__).parent.parent / "providers" / "cases"


@dataclass(frozen=True, slots=True)
class Case:
    """One answer as it was on the wire, and its meaning (see `docs/providers.md`)."""

    provider: str
    name: str
    method: str
    path: str
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source: str
    meaning: Mapping[str, Any]

    def __str__(self) -> str:
        return f"{self.provider}/{self.name}"

    @property
    def answer(self) -> Answer:
        headers = tuple((n.encode("latin-1"), v.encode("latin-1")) for n, v in self.headers)
        return Answer(status=self.status, reason=b"", headers=headers, body=self.body)


def case_providers() -> list[str]:
    """Every provider (or family of odd answers) that has cases."""
    return sorted({file.stem.removeprefix("extra_") for file in CASES.glob("*.jsonl")})


def load_cases(provider: str) -> list[Case]:
    """The cases of one provider: the recorded ones, then those of our own (`extra_…`)."""
    return [
        _read(json.loads(line))
        for name in (f"{provider}.jsonl", f"extra_{provider}.jsonl")
        if (CASES / name).exists()
        for line in (CASES / name).read_text(encoding="utf-8").splitlines()
        if line.strip()
    ]


def _read(line: dict[str, Any]) -> Case:
    encoding = line.get("body_encoding") or "utf-8"
    errors = "surrogatepass" if encoding.startswith("utf") else "strict"
    return Case(
        provider=line["provider"],
        name=line["case"],
        method=line["method"],
        path=line["path"],
        status=line["status"],
        headers=tuple(line["headers"].items()),
        body=line["body"].encode(encoding, errors),
        source=line["source"],
        meaning=line["meaning"],
    )


def route_of(profile: Profile, method: str, path: str) -> tuple[str, RouteEffect]:
    """The operation of a call and what it does, as `route` finds them."""
    bare = urlsplit(path).path
    paths = [bare] + [bare.removeprefix(p) for p in profile.prefixes if bare.startswith(p)]
    for route in profile.routes:
        if route.method == method and any(_fits(route.template, p) for p in paths):
            return route.name, route.effect
    if method in SAFE_METHODS:
        return "", RouteEffect.READ
    return "", RouteEffect.IDEMPOTENT if method in IDEMPOTENT_METHODS else RouteEffect.PAYMENT


def _fits(template: str, path: str) -> bool:
    wanted, given = template.split("/"), path.split("/")
    return len(wanted) == len(given) and all(
        w == g or (w.startswith("{") and g) for w, g in zip(wanted, given, strict=True)
    )


def outcome_of(answered: Answered) -> str | None:
    """The envelope's word for what became of the payment (contract section 4)."""
    if answered.kind is Kind.OK:
        return None
    match answered.effect:
        case Effect.NONE:
            return "rejected"
        case Effect.UNKNOWN:
            return "unknown"
        case Effect.SETTLED:
            return "declined" if answered.kind is Kind.DECLINED else "succeeded"
