"""What may be set of one provider (contract section 2)."""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Annotated, Final, Literal

from pydantic import AfterValidator, Field, PlainSerializer, PlainValidator

from proxy.attempt.settings import ConnectionSettings, TimeoutSettings, TlsSettings
from proxy.breaker.settings import BreakerSettings
from proxy.ledger.settings import IdempotencySettings
from proxy.limit.settings import ConcurrencySettings, RateLimitSettings
from proxy.normalise.settings import ErrorSettings
from proxy.retry.settings import RetrySettings
from proxy.route import parse_match, path_fault
from proxy.terms.call import RouteEffect
from proxy.terms.units import Duration, Model

from .address import AddressSetting, BaseUrlSetting
from .egress import EgressProxySetting
from .secret import SecretText

_TOKEN: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,256}")  # RFC 9110 section 5.6.2
_NAME: Final = re.compile(r"[a-z0-9_]{1,64}")
_MOUNT: Final = re.compile(r"/(?:[A-Za-z0-9\-._~]+/)*")
_PROFILE: Final = re.compile(r"[a-z0-9_]{1,64}|.*/.*|.*\.ya?ml")
_OURS: Final = frozenset(
    ("host", "content-length", "transfer-encoding", "connection", "keep-alive", "te", "trailer")
) | {"upgrade", "proxy-connection", "expect"}


def _secret(value: object) -> SecretText:
    if isinstance(value, SecretText):
        return value
    if isinstance(value, str):
        return SecretText.literal(value)
    msg = "must be text, or hold ${env:NAME} or ${file:/path}; a number needs quotes"
    raise ValueError(msg)


def _headers(value: Mapping[str, SecretText]) -> Mapping[str, SecretText]:
    seen: set[str] = set()
    for name in value:
        if name.lower() in seen:
            msg = f"{name} is there twice: upper and lower case are the same in a header"
            raise ValueError(msg)
        seen.add(name.lower())
    return MappingProxyType(value)


def _set_by_us(value: str) -> str:
    low = value.lower()
    if low in _OURS or low.startswith("paysluice-"):
        msg = "is Paysluice's own to set"
        raise ValueError(msg)
    return value


def _header_name(value: str) -> str:
    if not _TOKEN.fullmatch(value):
        msg = "the name of a header is made of letters, digits and !#$%&'*+-.^_`|~"
        raise ValueError(msg)
    return value


def _name(value: str) -> str:
    if not _NAME.fullmatch(value) or "__" in value:
        msg = "a name is made of a-z, 0-9 and _, at most 64 of them, without __"
        raise ValueError(msg)
    return value


def _mount(value: str) -> str:
    if not _MOUNT.fullmatch(value) or path_fault(value.encode()) is not None:
        msg = "must be a path that begins and ends with `/`, of letters, digits and -._~"
        raise ValueError(msg)
    return value


def _match(value: str) -> str:
    try:
        parse_match(value)
    except ValueError:  # whose words repeat the value
        msg = (
            "must be a method and a path: POST /payments, or GET /payments/{id}; "
            "a parameter is a whole segment, and a path has visible ASCII, no query and no `..`"
        )
        raise ValueError(msg) from None
    return value


def _profile(value: str) -> str:
    if not _PROFILE.fullmatch(value):
        msg = "must be the name of a bundled profile, or a file: ./profiles/acme.yaml"
        raise ValueError(msg)
    return value


SecretSetting = Annotated[
    SecretText, PlainValidator(_secret), PlainSerializer(str, return_type=str)
]
HeaderName = Annotated[str, AfterValidator(_header_name)]
OwnHeaderName = Annotated[HeaderName, AfterValidator(_set_by_us)]
Headers = Annotated[
    Mapping[OwnHeaderName, SecretSetting],
    AfterValidator(_headers),
    PlainSerializer(lambda headers: {name: str(value) for name, value in headers.items()}),
]
Name = Annotated[str, AfterValidator(_name)]


class RouteSettings(Model):
    """One operation of the provider, by method and path, and what is different about it."""

    name: Name
    match: Annotated[str, AfterValidator(_match)]
    effect: RouteEffect | None = None  # None: from the profile, else from the method
    priority: Literal["high", "normal", "low"] = "normal"


class OutcomeSettings(Model):
    """How the outcome of a payment is looked up when it is unknown."""

    lookup: Literal["auto", "off"] = "auto"
    every: Duration = 30.0
    give_up: Duration = 86400.0
    credential: SecretSetting | None = None


class WebhookSettings(Model):
    """How the provider's webhooks are verified."""

    secret: SecretSetting | None = None
    tolerance: Duration = 300.0


class StoreFailureSettings(Model):
    """What is done while a store is away."""

    limits: Literal["local", "refuse"] = "local"
    ledger: Literal["refuse", "proceed"] = "refuse"


class ProviderSettings(Model):
    """One provider: where it is, and how it is treated."""

    profile: Annotated[str, AfterValidator(_profile)] = "generic"
    base_url: BaseUrlSetting
    allow_plaintext: bool = False
    mount: Annotated[str, AfterValidator(_mount)] = ""  # filled in: /NAME/
    listen: AddressSetting | None = None
    account: Annotated[str, Field(min_length=1, max_length=200)] = ""  # filled in: NAME
    tenant_headers: tuple[HeaderName, ...] = ()
    headers: Headers = Field(default_factory=lambda: MappingProxyType({}))
    tls: TlsSettings = TlsSettings()
    egress_proxy: EgressProxySetting | None = None
    timeouts: TimeoutSettings = TimeoutSettings()
    connections: ConnectionSettings = ConnectionSettings()
    retry: RetrySettings = RetrySettings()
    rate_limits: tuple[RateLimitSettings, ...] = ()
    concurrency: ConcurrencySettings = ConcurrencySettings()
    breaker: BreakerSettings = BreakerSettings()
    idempotency: IdempotencySettings = IdempotencySettings()
    outcomes: OutcomeSettings = OutcomeSettings()
    webhook: WebhookSettings = WebhookSettings()
    errors: ErrorSettings = ErrorSettings()
    store_failure: StoreFailureSettings = StoreFailureSettings()
    paused: Literal["none", "payments", "all"] = "none"
    routes: tuple[RouteSettings, ...] = ()


def _named(value: Mapping[str, ProviderSettings]) -> Mapping[str, ProviderSettings]:
    """Fill in what a provider's name gives where nothing was set."""
    return MappingProxyType(
        {
            name: provider.model_copy(
                update={
                    "mount": provider.mount or f"/{name}/",
                    "account": provider.account or name,
                }
            )
            for name, provider in value.items()
        }
    )


Providers = Annotated[
    Mapping[Name, ProviderSettings],
    Field(min_length=1, max_length=1000),
    AfterValidator(_named),
    PlainSerializer(dict),
]
