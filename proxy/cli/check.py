"""`paysluice check`: every fault of a config at once, each with its place."""

import os
import sys

from proxy.app.profiles import load_profiles
from proxy.settings import ConfigError, Fault, warnings
from proxy.settings import load as load_settings

from .main import NO


def check(file: str | None) -> int:
    """Validate the config and the profiles it names; say whether they can be used."""
    try:
        settings = load_settings(file, os.environ)
        profiles = load_profiles(settings)
    except ConfigError as error:
        return _tell(error.faults)
    for finding in warnings(settings, profiles):
        print(f"warning: {finding}", file=sys.stderr)  # noqa: T201
    print("ok")  # noqa: T201
    return 0


def _tell(faults: tuple[Fault, ...]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return NO
