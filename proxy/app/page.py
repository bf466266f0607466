"""What the operator's page asks of the app."""

from collections.abc import Awaitable, Iterable, Mapping, Sequence
from typing import Protocol

from proxy.observe import History, Slot
from proxy.settings import Settings, redacted


class Told(Protocol):
    """The app, as far as the page asks it."""

    settings: Settings

    def status(self) -> Mapping[str, object]:
        """Give what an operator is shown."""

    def readiness(self) -> tuple[bool, str]:
        """Say whether callers should come, and why not."""

    def reload(self, *, is_forced: bool) -> Awaitable[Sequence[str]]:
        """Read the config again; give what stands against it."""


class Page:
    """Tells the page what it asks, as it is now."""

    def __init__(self, app: Told, history: History) -> None:
        self._app = app
        self._history = history
        self.status = app.status
        self.readiness = app.readiness

    def config(self) -> object:
        """Give the effective config, redacted."""
        return redacted(self._app.settings)

    def slots(self, provider: str) -> list[Slot]:
        """Give the last fifteen minutes of a provider."""
        return self._history.slots(provider)

    def reloads(self) -> Iterable[Mapping[str, object]]:
        """Give the latest reloads, the newest first."""
        return self._history.reloads()

    def reload(self, is_forced: bool, /) -> Awaitable[Sequence[str]]:  # noqa: FBT001 - the only one
        """Read the config again."""
        return self._app.reload(is_forced=is_forced)
