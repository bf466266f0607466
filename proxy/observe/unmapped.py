"""The codes that no rule of a profile knows, with what to write down for them (pure)."""

from collections import OrderedDict
from collections.abc import Collection
from dataclasses import asdict, dataclass
from typing import Final

from proxy.terms import CodeUnmapped, Event

from .redact import plain_token, redact

MAX_CODES: Final = 50  # of each provider; the one that was longest away goes
MAX_SAMPLE: Final = 200


@dataclass(slots=True)
class Unmapped:
    """One code of a provider that its profile does not know."""

    code: str
    count: int
    status: int  # of the latest answer with it
    sample: str | None  # its message as it came
    suggestion: str  # a line for the `codes.table` of a profile

    def shown(self) -> dict[str, object]:
        """Give what anybody may see of it, ready for JSON."""
        sample = None if self.sample is None else redact(self.sample)[:MAX_SAMPLE]
        return {**asdict(self), "sample": sample}


class UnmappedCodes:
    """Keeps, for each provider, the codes that nobody wrote down."""

    takes: Collection[type[Event]] = frozenset({CodeUnmapped})

    def __init__(self) -> None:
        self._codes: dict[str, OrderedDict[str, Unmapped]] = {}

    def on(self, event: Event) -> None:
        """Remember a code that no rule knew, if it can be shown; other events are ignored."""
        if not isinstance(event, CodeUnmapped):
            return
        code = event.code
        known = self._codes.setdefault(event.provider, OrderedDict())
        if code not in known and plain_token(code) is None:
            return
        count = known.pop(code).count if code in known else 0
        if len(known) >= MAX_CODES:
            known.popitem(last=False)
        known[code] = Unmapped(
            code=code,
            count=count + 1,
            status=event.status,
            sample=event.message,
            # What was made of it without knowing it: a person says whether that is right.
            suggestion=f'"{code}": {event.error_code}',
        )

    def view(self, provider: str) -> list[dict[str, object]]:
        """Give those of *provider*, the latest first, ready for JSON."""
        return [code.shown() for code in reversed(self._codes.get(provider, {}).values())]
