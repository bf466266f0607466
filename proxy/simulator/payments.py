"""The provider's books: what was charged, declined and refunded, and under which key (pure).

Rules:
1. A key that is honoured makes one decision; every later request with it gets that decision.
2. The same key with another path or body is an error, and so is a key still in progress.
3. What is not valid is refused before anything is decided, and not kept under the key.
4. Everything is kept up to a bound; what is counted goes on being counted.
"""

import hashlib
import json
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Final, Literal, assert_never

from .bounded import Bounded
from .faults import Processing
from .reply import Reply, error, error_member, in_json

MAX_REFERENCE: Final = 255
_INVALID: Final = "invalid_request_error"


class Book(StrEnum):
    """The two things a caller can ask for; the value is the path."""

    PAYMENTS = "/payments"
    REFUNDS = "/refunds"


_PREFIX: Final = {Book.PAYMENTS: "pay", Book.REFUNDS: "re"}


@dataclass(frozen=True, slots=True)
class Submission:
    """A request that came in whole."""

    book: Book
    key: str | None
    body: bytes
    now: float  # monotonic seconds
    created: int  # Unix seconds
    busy_s: float = 0.0  # how long the key stays in progress

    @property
    def fingerprint(self) -> bytes:
        """What makes two requests with the same key the same request."""
        return hashlib.sha256(self.book.encode() + b"\0" + self.body).digest()


@dataclass(frozen=True, slots=True)
class Order:
    """What a valid body asks for."""

    amount: int
    currency: str
    reference: str | None


@dataclass(frozen=True, slots=True)
class Record:
    """A decision in the books."""

    id: str
    status: Literal["succeeded", "declined"]
    order: Order
    key: str | None
    created: int

    def document(self) -> dict[str, object]:
        """Give the record as the API shows it."""
        return {
            "id": self.id,
            "status": self.status,
            "amount": self.order.amount,
            "currency": self.order.currency,
            "reference": self.order.reference,
            "created": self.created,
        }


@dataclass(frozen=True, slots=True)
class _Kept:
    fingerprint: bytes
    reply: Reply
    busy_until: float


class Payments:
    """Decides about payments and refunds, and remembers."""

    def __init__(self, *, honours_keys: bool, keep: int) -> None:
        self._honours_keys = honours_keys
        self._keys: Bounded[str, _Kept] = Bounded(keep)
        self._records: Bounded[str, Record] = Bounded(keep)
        self._issued = dict.fromkeys(Book, 0)
        self._charged = dict.fromkeys(Book, 0)
        self._traces = 0

    def charged(self, book: Book) -> int:
        """Count what was ever charged (or refunded), forgotten or not."""
        return self._charged[book]

    def charges(self, book: Book = Book.PAYMENTS) -> tuple[Record, ...]:
        """Give the charges (or refunds) that are still kept, oldest first."""
        mine = f"{_PREFIX[book]}_"
        return tuple(
            record
            for record in self._records
            if record.status == "succeeded" and record.id.startswith(mine)
        )

    def new_trace(self) -> str:
        """Give the trace id of the next answer."""
        self._traces += 1
        return f"trace_{self._traces}"

    def submit(self, asked: Submission, processing: Processing) -> Reply:
        """Answer a POST: with what its key already decided, or with a decision of its own."""
        earlier = self._begin(asked)
        if earlier is not None:
            return earlier
        trace_id = self.new_trace()
        order = _read(asked.body)
        if isinstance(order, _Invalid):
            return error(400, order.code, _INVALID, order.message, trace_id)
        record = self._charge(asked, order, processing)
        reply = _answer(record, processing, trace_id)
        self._finish(asked, reply)
        return reply

    def show(self, payment_id: str) -> Reply:
        """Answer `GET /payments/{id}`."""
        record = self._records.find(payment_id)
        if record is None or not record.id.startswith("pay_"):
            return error(
                404, "resource_missing", _INVALID, "There is no such payment.", self.new_trace()
            )
        return in_json(200, record.document(), self.new_trace())

    def find(self, reference: str) -> Reply:
        """Answer `GET /payments?reference=R`: declined payments too, oldest first."""
        found = [
            record.document()
            for record in self._records
            if record.order.reference == reference and record.id.startswith("pay_")
        ]
        return in_json(200, {"data": found}, self.new_trace())

    def latest(self, reference: str) -> Record | None:
        """Give the latest payment with *reference*, declined or not."""
        found = [
            record
            for record in self._records
            if record.order.reference == reference and record.id.startswith("pay_")
        ]
        return found[-1] if found else None

    def _begin(self, asked: Submission) -> Reply | None:
        kept = self._keys.find(asked.key) if self._honours_keys and asked.key else None
        if kept is None:
            return None
        if kept.fingerprint != asked.fingerprint:
            return error(
                422,
                "idempotency_key_reused",
                "idempotency_error",
                "This key was used for another request.",
                self.new_trace(),
            )
        if asked.now < kept.busy_until:
            return error(
                409,
                "idempotency_key_in_use",
                "idempotency_error",
                "Another request with this key is in progress.",
                self.new_trace(),
            )
        return replace(kept.reply, is_replayed=True)

    def _charge(self, asked: Submission, order: Order, processing: Processing) -> Record:
        is_charged = processing in {Processing.CHARGE, Processing.CHARGE_AND_FAIL}
        self._issued[asked.book] += 1
        self._charged[asked.book] += is_charged
        record = Record(
            id=f"{_PREFIX[asked.book]}_{self._issued[asked.book]}",
            status="succeeded" if is_charged else "declined",
            order=order,
            key=asked.key,
            created=asked.created,
        )
        self._records.put(record.id, record)
        return record

    def _finish(self, asked: Submission, reply: Reply) -> None:
        if self._honours_keys and asked.key:
            self._keys.put(asked.key, _Kept(asked.fingerprint, reply, asked.now + asked.busy_s))


@dataclass(frozen=True, slots=True)
class _Invalid:
    code: str
    message: str


def _answer(record: Record, processing: Processing, trace_id: str) -> Reply:
    declined = ("card_declined", "card_error", "Your card was declined.")
    match processing:
        case Processing.CHARGE:
            return in_json(200, record.document(), trace_id)
        case Processing.CHARGE_AND_FAIL:
            return error(500, "internal_error", "api_error", "Something went wrong.", trace_id)
        case Processing.DECLINE:
            return error(402, *declined, trace_id)
        case Processing.DECLINE_IN_200:
            said = {"error": error_member(*declined, trace_id)}
            return in_json(200, record.document() | said, trace_id)
        case _:
            assert_never(processing)


def _read(body: bytes) -> Order | _Invalid:
    try:
        document = json.loads(body)
    except (ValueError, RecursionError):
        return _Invalid("malformed_json", "The body is not JSON.")
    if not isinstance(document, dict):
        return _Invalid("malformed_json", "The body is not a JSON object.")
    amount, currency = document.get("amount"), document.get("currency")
    if amount is None or currency is None:
        return _Invalid("missing_required_field", "amount and currency are required.")
    if not isinstance(amount, int) or isinstance(amount, bool) or amount <= 0:
        return _Invalid("invalid_amount", "amount is a whole number above zero, in minor units.")
    if not isinstance(currency, str) or len(currency) != len("EUR") or not currency.isalpha():
        return _Invalid("invalid_field_value", "currency is three letters.")
    reference = document.get("reference")
    if reference is not None and not (
        isinstance(reference, str) and 0 < len(reference) <= MAX_REFERENCE
    ):
        return _Invalid("invalid_field_value", "reference is text of at most 255 characters.")
    return Order(amount, currency, reference)
