"""What the simulated provider tells about itself, under `/_sim/` (pure)."""

from collections.abc import Mapping
from typing import Final

from .journal import Journal
from .payments import Book, Payments, Record
from .reply import Reply, in_json

_BOOKS: Final = {"/_sim/charges": Book.PAYMENTS, "/_sim/refunds": Book.REFUNDS}


class Control:
    """Read-only views of the books and of the journal."""

    def __init__(self, payments: Payments, journal: Journal) -> None:
        self._payments = payments
        self._journal = journal

    def view(self, method: str, path: str, query: Mapping[str, str]) -> Reply | None:
        """Answer a request for a view; None where *path* is none."""
        if method not in {"GET", "HEAD"}:
            return None
        if path in _BOOKS:
            return in_json(200, self._charges(path, query))
        if path == "/_sim/requests":
            return in_json(200, self._requests(query))
        return None

    def _charges(self, path: str, query: Mapping[str, str]) -> dict[str, object]:
        book = _BOOKS[path]
        charges = [
            charge for charge in self._payments.charges(book) if _is_asked_for(charge, query)
        ]
        is_filtered = "reference" in query or "key" in query
        return {
            "count": len(charges) if is_filtered else self._payments.charged(book),
            "charges": [self._charge(charge) for charge in charges],
        }

    def _charge(self, charge: Record) -> dict[str, object]:
        return {
            "id": charge.id,
            "key": charge.key,
            "reference": charge.order.reference,
            "amount": charge.order.amount,
            "currency": charge.order.currency,
            "requests": self._journal.times(charge.key, charge.order.reference),
        }

    def _requests(self, query: Mapping[str, str]) -> dict[str, object]:
        seen = [
            request.document()
            for request in self._journal.requests
            if query.get("key", request.key) == request.key
        ]
        return {"count": len(seen) if "key" in query else self._journal.count, "requests": seen}


def _is_asked_for(charge: Record, query: Mapping[str, str]) -> bool:
    return (
        query.get("reference", charge.order.reference) == charge.order.reference
        and query.get("key", charge.key) == charge.key
    )
