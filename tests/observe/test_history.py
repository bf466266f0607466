"""The last fifteen minutes, in slots of ten seconds."""

from typing import Any

from proxy.observe import History
from proxy.observe.history import MAX_RELOADS, SLOT_S, SLOTS
from proxy.terms import ConfigReloaded, FaultOccurred
from tests.support.clock import FakeClock


def test_answers_are_counted_by_code_in_their_ten_seconds(event: Any) -> None:
    clock = FakeClock()
    history = History(clock)
    history.on(event.responded(error_code="none", attempts=1))
    history.on(event.responded(error_code="none", attempts=2))
    clock.now += SLOT_S
    history.on(event.responded(error_code="bad_gateway", attempts=3))
    *_, before, now = history.slots("acme")
    assert (before.codes, before.retried, before.saved) == ({"none": 2}, 1, 1)
    assert (now.codes, now.retried, now.saved) == ({"bad_gateway": 1}, 1, 0)


def test_what_is_older_than_a_quarter_of_an_hour_is_gone(event: Any) -> None:
    clock = FakeClock()
    history = History(clock)
    history.on(event.responded())
    clock.now += SLOT_S * (SLOTS - 1)
    assert sum(len(slot.codes) for slot in history.slots("acme")) == 1
    clock.now += SLOT_S
    assert [slot.codes for slot in history.slots("acme")] == [{}] * SLOTS
    assert [slot.codes for slot in history.slots("nobody")] == [{}] * SLOTS


def test_the_slots_of_a_busy_provider_are_bounded(event: Any) -> None:
    clock = FakeClock()
    history = History(clock)
    for _ in range(3 * SLOTS):
        clock.now += SLOT_S
        history.on(event.responded())
    assert sum(len(slot.codes) for slot in history.slots("acme")) == SLOTS


def test_the_latest_reloads_come_first_and_are_bounded() -> None:
    history = History(FakeClock())
    history.on(FaultOccurred("", "x", "y"))
    for number in range(MAX_RELOADS + 5):
        history.on(ConfigReloaded("refused", f"fault {number}"))
    told = list(history.reloads())
    assert len(told) == MAX_RELOADS
    assert told[0]["message"] == f"fault {MAX_RELOADS + 4}"
