"""The operator's switches of the providers that run."""

from collections.abc import Mapping

from proxy.limit import WORDS
from proxy.observe import JsonLog

from .provider import Provider


class Switches:
    """Holds back a provider's calls at a person's word, and writes down whose word it was."""

    def __init__(self, providers: Mapping[str, Provider], log: JsonLog) -> None:
        self._providers = providers
        self._log = log

    def pause(self, provider: str, held: str, by: str) -> bool:
        """Hold back a provider's calls, or let them go; False where there is no such provider."""
        one = self._providers.get(provider)
        if one is None or held not in WORDS:
            return False
        one.pause.held = held
        self._log.line("warning", "provider_paused", provider=provider, state=held, message=by)
        return True
