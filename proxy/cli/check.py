"""`paysluice check`: every fault of a config at once, each with its place."""

import os
import sys

from proxy.app.profiles import load_profiles
from proxy.ledger import key_rule
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
    keyless = [
        name
        for name, profile in profiles.items()
        if not profile.idempotency
        and key_rule(settings.providers[name].idempotency, profile, operation="", method="POST")
        is None
    ]
    shapeless = [name for name, profile in profiles.items() if profile.native_errors is None]
    for fault in warnings(settings, keyless, shapeless):
        print(f"warning: {fault}", file=sys.stderr)  # noqa: T201
    print("ok")  # noqa: T201
    return 0


def _tell(faults: tuple[Fault, ...]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return NO
