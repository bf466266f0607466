"""Write the table of all bundled profiles, and of the cases they miss, into docs/providers.md.

    python scripts/provider_table.py [--check]

Everything in it is read from the profiles and from `tests/providers/`: nobody keeps it by hand.
"""

import json
import sys
from pathlib import Path
from typing import Final

from proxy.classify import Classifier
from proxy.cli.cases import Case, judge, misses, read_cases
from proxy.providers import Profile, load, names

ROOT: Final = Path(__file__).parents[1]
PAGE: Final = ROOT / "docs" / "providers.md"
CASES: Final = ROOT / "tests" / "providers" / "cases"
MISSES: Final = ROOT / "tests" / "providers" / "misses.json"
BEGIN: Final = "<!-- written by scripts/provider_table.py -->\n"
END: Final = "<!-- to here -->\n"


def cases_of(name: str) -> list[Case]:
    files = [CASES / f"{name}.jsonl", CASES / f"extra_{name}.jsonl"]
    return [case for file in files if file.exists() for case in read_cases(file)]


def keys_of(profile: Profile) -> str:
    told = []
    for claim in profile.idempotency:
        what = f"`{claim.name}`" + (" in the body" if claim.place == "body" else "")
        stores = {
            "all": "failures included",
            "success_only": "successes only",
            "refuses_duplicate": "refuses a second",
            None: "of failures nobody says",
        }[claim.key_stores]
        grade = "" if claim.is_documented else f", {claim.grade.value}"
        told.append(f"{what}: {stores}{grade}")
    return "; ".join(dict.fromkeys(told)) or "none known"


def row(name: str) -> str:
    profile = load(name)
    classifier = Classifier(profile)
    cases = cases_of(name)
    right = sum(not list(misses(case, judge(case, profile, classifier))) for case in cases)
    embedded = sum(rule.embedded for rule in profile.rules)
    cells = [
        f"`{name}`",
        profile.title,
        keys_of(profile),
        str(embedded) if embedded else "-",
        str(len(profile.codes.table)) if profile.codes is not None else "-",
        "yes" if profile.native_errors is not None else "-",
        f"{right} of {len(cases)}",
    ]
    return f"| {' | '.join(cells)} |"


def rendered() -> str:
    lines = [
        "| profile | provider | keys | errors in a 2xx | codes | own shape | cases right |",
        "|---|---|---|---|---|---|---|",
        *(row(name) for name in names()),
        "",
    ]
    known = json.loads(MISSES.read_text(encoding="utf-8"))
    if known:
        lines += ["Cases that a profile takes for something else on purpose, or cannot help:", ""]
        lines += [f"- `{case}`: {reason}" for case, reason in sorted(known.items())]
        lines.append("")
    return "\n".join(lines)


if __name__ == "__main__":
    from written import write  # beside this file, which tests load by itself

    sys.exit(write(PAGE, BEGIN, END, rendered()))
