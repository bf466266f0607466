"""Which references were answered a moment ago."""

from proxy.ledger.entry import Entry, Money
from proxy.ledger.lately import MAX_REFERENCES, Lately
from tests.support.clock import SteppedClock
from tests.support.ledger import entry


def of(reference: str | None) -> Entry:
    return entry(money=Money("1", "EUR", reference))


def test_the_latest_answer_of_a_reference_counts_at_its_provider() -> None:
    clock = SteppedClock()
    lately = Lately(clock)
    lately.note(of("order-1"))
    clock.now += 5.0
    lately.note(of("order-1"))
    clock.now += 2.0
    assert lately.answered_s_ago("acme", "order-1") == 2.0
    assert lately.answered_s_ago("other", "order-1") is None
    assert lately.answered_s_ago("acme", "order-2") is None


def test_what_has_no_reference_is_like_no_other() -> None:
    lately = Lately(SteppedClock())
    lately.note(of(None))
    assert lately.answered_s_ago("acme", None) is None


def test_the_oldest_give_way() -> None:
    lately = Lately(SteppedClock())
    for number in range(MAX_REFERENCES + 1):
        lately.note(of(str(number)))
    assert lately.answered_s_ago("acme", "0") is None
    assert lately.answered_s_ago("acme", "1") == 0.0
