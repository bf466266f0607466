"""The profiles that a config names, and whether the two agree: for every command alike."""

from collections.abc import Iterator

from proxy.ledger import fixed_key
from proxy.providers import Profile, ProfileError, load
from proxy.route import ProviderRoutes, parse_match, parse_rules
from proxy.settings import ConfigError, Fault, ProviderSettings, Settings, check_routes


def load_profile(name_or_path: str) -> Profile:
    """Load one profile, whose routes can be matched.

    Raises:
        ProfileError: it cannot be used.
    """
    return load(name_or_path, read_match=parse_match)


def routes_of(
    name: str, settings: ProviderSettings, profile: Profile, mount: str
) -> ProviderRoutes:
    """Give what is known of a provider's routes, where it is found at *mount*."""
    return ProviderRoutes(
        name=name,
        mount=mount.encode("ascii"),
        base_path=settings.base_url.path.encode("ascii"),
        rules=parse_rules(settings.routes),
        operations=parse_rules(profile.routes),
        prefixes=tuple(prefix.encode("ascii") for prefix in profile.prefixes),
    )


def load_profiles(settings: Settings) -> dict[str, Profile]:
    """Load the profile of each provider, and no other.

    Raises:
        ConfigError: a profile cannot be used, or not with these settings.
    """
    loaded: dict[str, Profile] = {}
    faults: list[Fault] = []
    for name, provider in settings.providers.items():
        try:
            loaded[name] = load_profile(provider.profile)
        except ProfileError as error:
            place = ("providers", name, "profile")
            faults += [settings.origins.fault(place, line) for line in str(error).splitlines()]
    known = {name: {route.name for route in profile.routes} for name, profile in loaded.items()}
    faults += [*check_routes(settings, known), *_fixed_keys(settings, loaded)]
    if faults:
        raise ConfigError(faults)
    return loaded


def _fixed_keys(settings: Settings, loaded: dict[str, Profile]) -> Iterator[Fault]:
    for name, profile in loaded.items():
        provider = settings.providers[name]
        field = fixed_key(provider.idempotency, profile, provider.headers)
        if field is not None:
            place = ("providers", name, "headers", field)
            yield settings.origins.fault(place, "a key belongs to one payment, not to all")
