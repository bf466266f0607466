"""Recorded answers of providers, each with what it means: `tests/providers/cases/*.jsonl`."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from proxy.normalise import needs_envelope, word_for
from proxy.providers import Profile
from proxy.route import Matched, ProviderRoutes, Router, parse_rules
from proxy.terms import Answer, Answered, RouteEffect

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
    """The operation of a call and what it does."""
    routes = ProviderRoutes(
        name=profile.name,
        mount=b"/",
        operations=parse_rules(profile.routes),
        prefixes=tuple(prefix.encode("ascii") for prefix in profile.prefixes),
    )
    matched = Router([routes]).match(method, path.encode())
    assert isinstance(matched, Matched), path
    return matched.operation, matched.effect


def outcome_of(answered: Answered) -> str | None:
    """The envelope's word for what became of the payment (contract section 4)."""
    if not needs_envelope(answered):
        return None
    return word_for(answered, effect=RouteEffect.PAYMENT).value
