"""What the simulated provider tells about itself, under `/_sim/` (pure)."""

import hmac
import json
from collections.abc import Mapping
from typing import Final

from .journal import Journal
from .payments import Book, Payments, Record
from .reply import Reply, in_json

# What the webhooks of the simulated provider are signed with: everybody may know it.
WEBHOOK_SECRET: Final = "whsec_sim"  # noqa: S105
_BOOKS: Final = {"/_sim/charges": Book.PAYMENTS, "/_sim/refunds": Book.REFUNDS}


class Control:
    """Read-only views of the books and of the journal."""

    def __init__(self, payments: Payments, journal: Journal) -> None:
        self._payments = payments
        self._journal = journal

    def view(self, method: str, path: str, query: Mapping[str, str], now: int) -> Reply | None:
        """Answer a request for a view at *now* (Unix seconds); None where *path* is none."""
        if method not in {"GET", "HEAD"}:
            return None
        if path in _BOOKS:
            return in_json(200, self._charges(path, query))
        if path == "/_sim/requests":
            return in_json(200, self._requests(query))
        if path == "/_sim/events":
            return self._event(query.get("reference", ""), now)
        return None

    def _event(self, reference: str, now: int) -> Reply:
        """Give the webhook that tells of the latest payment with *reference*, and its signature."""
        found = self._payments.latest(reference)
        if found is None:
            return in_json(404, {})
        body = json.dumps({"id": f"evt_{found.id}", "payment": found.document()})
        signed = hmac.digest(WEBHOOK_SECRET.encode(), f"{now}.{body}".encode(), "sha256").hex()
        return in_json(200, {"body": body, "signature": f"t={now},v1={signed}"})

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
