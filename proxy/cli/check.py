"""`paysluice check`: every fault of a config at once, each with its place."""

import os
import sys
from collections.abc import Iterator

from proxy.providers import Profile, ProfileError, load
from proxy.settings import ConfigError, Fault, Settings, check_routes, warnings
from proxy.settings import load as load_settings

from .main import NO


def check(file: str | None) -> int:
    """Validate the config and the profiles it names; say whether they can be used."""
    try:
        settings = load_settings(file, os.environ)
        profiles = dict(_profiles(settings))
        faults = check_routes(
            settings,
            {name: {route.name for route in profile.routes} for name, profile in profiles.items()},
        )
    except ConfigError as error:
        return _tell(error.faults)
    if faults:
        return _tell(faults)
    keyless = [name for name, profile in profiles.items() if profile.idempotency is None]
    for fault in warnings(settings, keyless):
        print(f"warning: {fault}", file=sys.stderr)  # noqa: T201
    print("ok")  # noqa: T201
    return 0


def _profiles(settings: Settings) -> Iterator[tuple[str, Profile]]:
    """Load each provider's profile.

    Raises:
        ConfigError: one cannot be used.
    """
    faults: list[Fault] = []
    for name, provider in settings.providers.items():
        try:
            yield name, load(provider.profile)
        except ProfileError as error:
            place = ("providers", name, "profile")
            faults += [settings.origins.fault(place, line) for line in str(error).splitlines()]
    if faults:
        raise ConfigError(faults)


def _tell(faults: tuple[Fault, ...]) -> int:
    for fault in faults:
        print(fault, file=sys.stderr)  # noqa: T201
    return NO
