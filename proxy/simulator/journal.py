"""Every request that the simulated provider saw, in order (pure)."""

from collections import deque
from dataclasses import asdict, dataclass
from typing import Final

from .bounded import Bounded

MAX_TEXT: Final = 1024


@dataclass(slots=True)
class Seen:
    """One request. It changes until it has arrived whole: `is_whole` and `reference`."""

    order: int
    method: str
    target: str
    key: str | None
    reference: str | None = None
    is_whole: bool = False

    def document(self) -> dict[str, object]:
        """Give the request as `/_sim/requests` shows it."""
        return asdict(self)


class Journal:
    """Keeps the newest requests, and how many came with each key or reference."""

    def __init__(self, keep: int) -> None:
        self._seen: deque[Seen] = deque(maxlen=keep)
        self._by_identity: Bounded[tuple[str, str], int] = Bounded(keep)
        self.count = 0

    @property
    def requests(self) -> tuple[Seen, ...]:
        """The requests that are still kept, oldest first."""
        return tuple(self._seen)

    def arrive(self, method: str, target: str, key: str | None) -> Seen:
        """Note a request whose head has come."""
        self.count += 1
        seen = Seen(self.count, method, target[:MAX_TEXT], key[:MAX_TEXT] if key else None)
        self._seen.append(seen)
        if key and method == "POST":
            self._add("key", key)
        return seen

    def complete(self, seen: Seen, reference: str | None) -> None:
        """Note that the body of *seen* has come whole, and the reference in it."""
        seen.is_whole = True
        seen.reference = reference[:MAX_TEXT] if reference else None
        if reference and not seen.key and seen.method == "POST":
            self._add("reference", reference)

    def times(self, key: str | None, reference: str | None) -> int:
        """Count the POSTs that named *key*, or *reference* where there was no key."""
        if key:
            return self._by_identity.get(("key", key), 0)
        return self._by_identity.get(("reference", reference), 0) if reference else 1

    def _add(self, kind: str, name: str) -> None:
        self._by_identity.put((kind, name), self._by_identity.get((kind, name), 0) + 1)
