"""Recorded answers of providers, each with what it means: `tests/providers/cases/*.jsonl`."""

from pathlib import Path

from proxy.cli.cases import Case, judge, misses, outcome_of, read_cases, route_of

CASES = Path(__file__).parent.parent / "providers" / "cases"

__all__ = ["Case", "case_providers", "judge", "load_cases", "misses", "outcome_of", "route_of"]


def case_providers() -> list[str]:
    """Every provider (or family of odd answers) that has cases."""
    return sorted({file.stem.removeprefix("extra_") for file in CASES.glob("*.jsonl")})


def load_cases(provider: str, *, is_recorded: bool = False) -> list[Case]:
    """The cases of one provider: the recorded ones, then (or not) those of our own (`extra_…`)."""
    own = [] if is_recorded else [f"extra_{provider}.jsonl"]
    return [
        case
        for name in (f"{provider}.jsonl", *own)
        if (CASES / name).exists()
        for case in read_cases(CASES / name)
    ]
