"""Everything that may be set of a Paysluice process (contract section 2), as one frozen value."""

import re
from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, PrivateAttr
from pydantic_settings import (
    BaseSettings,
    InitSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from proxy.listener.settings import CallerSettings, ListenTlsSettings
from proxy.terms.units import DurationOrZero, Model, Size

from .address import (
    Address,
    AddressesSetting,
    AddressSetting,
    StoreAddress,
    StoreSetting,
)
from .fault import Origins
from .provider import Providers, SecretSetting
from .secret import SecretText

_MODE: Final = re.compile(r"0?[0-7]{3}")
_MEMORY: Final = StoreAddress("memory", SecretText.literal("memory"))


def _socket_mode(value: str) -> str:
    if not _MODE.fullmatch(value):
        msg = 'must be an octal mode in quotes: "0660"'
        raise ValueError(msg)
    return value


class StoreSettings(Model):
    """Where keys, outcomes and the tokens of rate limits are kept."""

    ledger: StoreSetting = _MEMORY
    limits: StoreSetting = _MEMORY
    ledger_key: SecretSetting | None = None
    max_answer: Size = 1024 * 1024


class DrainSettings(Model):
    """How the process ends: it keeps accepting for *delay*, then finishes what is under way."""

    delay: DurationOrZero = 2.0
    timeout: DurationOrZero = 35.0


class LogSettings(Model):
    """What is logged, and how."""

    level: Literal["debug", "info", "warning", "error"] = "info"
    format: Literal["json", "text"] = "json"


class TracingSettings(Model):
    """Whether trace headers go on, and where spans go."""

    propagate: bool = True
    otlp: str | None = None


class Settings(BaseSettings):
    """The whole configuration. `proxy.settings.load` makes it from a file and an environment."""

    model_config = SettingsConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    listen: AddressesSetting = (Address("127.0.0.1", 8080),)
    socket_mode: Annotated[str, AfterValidator(_socket_mode)] = "0660"
    listen_tls: ListenTlsSettings | None = None
    admin: AddressSetting = Address("127.0.0.1", 9090)
    admin_token: SecretSetting | None = None
    admin_open: tuple[Literal["healthz", "readyz", "metrics", "status"], ...] = (
        "healthz",
        "readyz",
    )
    webhooks: AddressSetting | None = None
    callers: CallerSettings = CallerSettings()
    stores: StoreSettings = StoreSettings()
    drain: DrainSettings = DrainSettings()
    max_body: Size = 10 * 1024 * 1024
    replay_body: Size = 1024 * 1024
    log: LogSettings = LogSettings()
    tracing: TracingSettings = TracingSettings()
    providers: Providers

    _origins: Origins = PrivateAttr(default_factory=Origins)

    @property
    def origins(self) -> Origins:
        """Where each setting was written, for warnings that come later than `load`."""
        return self._origins

    @classmethod
    def from_sources(cls, origins: Origins, *values: dict[str, Any]) -> Self:
        """Merge *values*, the first ones winning, and validate the result.

        Raises:
            pydantic.ValidationError: a value is not valid.
        """
        sources = tuple(_Values(cls, each) for each in values)
        settings = cls.model_validate({"sources": sources})
        settings._origins = origins  # noqa: SLF001 (our own)
        return settings

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Read the sources that were handed in and no other: not the process's environment."""
        del settings_cls, env_settings, dotenv_settings, file_secret_settings
        given = init_settings.init_kwargs if isinstance(init_settings, InitSettingsSource) else {}
        sources: tuple[PydanticBaseSettingsSource, ...] = given["sources"]
        return sources


class _Values(PydanticBaseSettingsSource):
    """Values that are there already: of the file, or of the environment."""

    def __init__(self, settings_cls: type[BaseSettings], values: dict[str, Any]) -> None:
        super().__init__(settings_cls)
        self._values = values

    def get_field_value(self, field: Any, field_name: str) -> tuple[Any, str, bool]:
        """Give one value; nobody asks, since `__call__` gives them all."""
        del field
        return self._values.get(field_name), field_name, False

    def __call__(self) -> dict[str, Any]:
        return self._values
