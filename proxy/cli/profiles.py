"""`paysluice profiles`: what is known of which providers, and whether a profile is right."""

import sys
from pathlib import Path

from proxy.app.profiles import load_profile
from proxy.classify import Classifier
from proxy.providers import ProfileError, names, text

from .cases import CaseError, judge, misses, read_cases
from .main import NO


def profiles(name: str | None) -> int:
    """List the bundled profiles, or print the one called *name*."""
    if name is None:
        print("\n".join(names()))  # noqa: T201
        return 0
    try:
        print(text(name), end="")  # noqa: T201
    except ProfileError as error:
        return _refuse(error.faults[0].message)
    return 0


def prove(file: str, cases: str) -> int:
    """Say which recorded answers of *cases* the profile in *file* takes for something else."""
    right = wrong = 0
    try:
        profile = load_profile(file)
        classifier = Classifier(profile)
        for case in read_cases(Path(cases)):
            found = list(misses(case, judge(case, profile, classifier)))
            right, wrong = right + (not found), wrong + bool(found)
            for miss in found:
                print(f"{case} ({case.status}): {miss}")  # noqa: T201
    except ProfileError as error:
        for line in str(error).splitlines():
            print(line, file=sys.stderr)  # noqa: T201
        return NO
    except CaseError as error:
        return _refuse(str(error))
    print(f"{right} of {right + wrong} cases right")  # noqa: T201
    return NO if wrong or not right else 0


def _refuse(message: str) -> int:
    print(f"paysluice: {message}", file=sys.stderr)  # noqa: T201
    return NO
