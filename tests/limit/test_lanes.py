"""Who is next: by priority, then by arrival; nobody starves, and nobody is held up by strangers."""

from collections.abc import Iterable

from proxy.limit.lanes import FAIR_TURN, Lanes, Place, Priority

HIGH, NORMAL, LOW = Priority


def lanes(*waiting: tuple[str, Priority, tuple[str, ...]]) -> tuple[Lanes[str], list[Place[str]]]:
    made: Lanes[str] = Lanes()
    return made, [made.join(who, keys, None, priority) for who, priority, keys in waiting]


def let_out(waiting: Lanes[str], blocked: Iterable[str] = (), most: int = 1000) -> list[str]:
    """Let out whoever may go, *most* at most."""
    found, held = [], set(blocked)
    for place in waiting.turns(lambda keys: not held.isdisjoint(keys)):
        if len(found) == most:
            break
        found.append(place.who)
        waiting.leave(place)
    return found


def test_the_highest_priority_goes_first_and_of_one_who_came_first() -> None:
    waiting, _ = lanes(
        ("low", LOW, ()), ("one", NORMAL, ()), ("high", HIGH, ("a",)), ("two", NORMAL, ("a",))
    )
    assert let_out(waiting) == ["high", "one", "two", "low"]
    assert len(waiting) == 0


def test_who_needs_a_token_that_is_not_there_holds_up_nobody_else() -> None:
    waiting, _ = lanes(
        ("slow", HIGH, ("a", "slow")), ("quick", LOW, ("a",)), ("slow too", LOW, ("slow",))
    )
    assert let_out(waiting, blocked=["slow"]) == ["quick"]
    assert list(waiting) == ["slow", "slow too"]


def test_who_is_not_taken_out_ends_the_turns_of_its_line() -> None:
    waiting, _ = lanes(("one", HIGH, ()), ("two", HIGH, ()), ("three", LOW, ()))
    asked = [place.who for place in waiting.turns(lambda _: False)]
    assert asked == ["one", "three"]


def test_every_tenth_turn_goes_to_the_longest_wait() -> None:
    waiting, _ = lanes(("low", LOW, ()), *((f"h{n}", HIGH, ()) for n in range(30)))
    assert let_out(waiting).index("low") == FAIR_TURN - 1


def test_a_fair_turn_falls_due_however_few_go_at_once() -> None:
    waiting, _ = lanes(("low", LOW, ()))
    turn = 0
    while "low" in list(waiting):
        turn += 1
        waiting.join(f"h{turn}", (), None, HIGH)
        let_out(waiting, most=1)
    assert turn == FAIR_TURN


def test_one_who_leaves_is_passed_over_and_may_leave_twice() -> None:
    waiting, (first, middle, _) = lanes(("one", LOW, ()), ("two", LOW, ()), ("three", LOW, ()))
    for place in (middle, first, first):
        waiting.leave(place)
    assert let_out(waiting) == ["three"]


def test_one_who_leaves_while_it_is_asked_is_passed_over() -> None:
    waiting, places = lanes(("one", HIGH, ()), ("two", HIGH, ()), ("three", LOW, ()))
    found = []
    for place in waiting.turns(lambda _: False):
        found.append(place.who)
        waiting.leave(place)
        if place.who == "one":
            waiting.leave(places[2])  # its line is among those to be asked
    assert found == ["one", "two"]


def test_those_ahead_are_those_whom_the_bucket_holds_up() -> None:
    waiting: Lanes[str] = Lanes()
    places = [
        waiting.join(f"{blocker} {priority}", ("a", "b"), blocker, priority)
        for blocker in ("a", "b")
        for priority in Priority
    ]
    assert [waiting.ahead("a", priority) for priority in Priority] == [1, 2, 3]
    assert [waiting.count(priority) for priority in Priority] == [2, 4, 6]
    assert waiting.ahead("c", LOW) == 0
    assert waiting.needs("b")
    for place in places:
        waiting.leave(place)
    assert not waiting.needs("b")
    assert waiting.ahead("a", LOW) == 0
