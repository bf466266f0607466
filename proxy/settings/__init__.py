"""The configuration: one YAML file and an environment, checked whole, as one frozen value."""

from .address import Address, BaseUrl, StoreAddress
from .advice import Finding, Rule, warnings
from .fault import ConfigError, Fault, Origins
from .load import load
from .models import (
    DrainSettings,
    LogSettings,
    Settings,
    StoreSettings,
    TracingSettings,
)
from .provider import (
    OutcomeSettings,
    ProviderSettings,
    RouteSettings,
    StoreFailureSettings,
    WebhookSettings,
)
from .redact import redacted
from .rules import check_routes
from .secret import SecretText

__all__ = [
    "Address",
    "BaseUrl",
    "ConfigError",
    "DrainSettings",
    "Fault",
    "Finding",
    "LogSettings",
    "Origins",
    "OutcomeSettings",
    "ProviderSettings",
    "RouteSettings",
    "Rule",
    "SecretText",
    "Settings",
    "StoreAddress",
    "StoreFailureSettings",
    "StoreSettings",
    "TracingSettings",
    "WebhookSettings",
    "check_routes",
    "load",
    "redacted",
    "warnings",
]
