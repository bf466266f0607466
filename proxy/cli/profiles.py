"""`paysluice profiles`: what is known of which providers."""

import sys

from proxy.providers import ProfileError, names, text

from .main import NO


def profiles(name: str | None) -> int:
    """List the bundled profiles, or print the one called *name*."""
    if name is None:
        print("\n".join(names()))  # noqa: T201
        return 0
    try:
        print(text(name), end="")  # noqa: T201
    except ProfileError as error:
        print(f"paysluice: {error.faults[0].message}", file=sys.stderr)  # noqa: T201
        return NO
    return 0
