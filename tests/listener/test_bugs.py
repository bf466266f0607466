"""A bug of ours, wherever it strikes: told, never echoed, never taken for an answer."""

from typing import Any

import pytest
from msgspec.structs import replace

from proxy.terms import Call, FaultOccurred, Outcome, Responded, StreamEnd
from tests.listener.streams import Rest
from tests.support import make
from tests.support.caller import caller, sound_envelope
from tests.support.door import PAY, SECRET, door, ok


@pytest.mark.parametrize("sends", [False, True])
async def test_a_bug_in_a_journey_is_internal_and_unknown_where_a_byte_was_sent(
    sends: bool,
) -> None:
    async def buggy(call: Call) -> Outcome:
        if sends:
            call.progress.began_sending(0.0)
        raise LookupError(SECRET)

    async with door(buggy) as here, caller(here.port) as one:
        await one.send(PAY)
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["error_code"]) == (500, "internal_server_error")
        assert envelope["outcome"] == ("unknown" if sends else "not_sent")
        assert SECRET.encode() not in reply.body
        (fault,) = here.told(FaultOccurred)
        assert (fault.fault, fault.request_id) == ("LookupError", envelope["request_id"])
        await one.send(PAY)
        assert (await one.answer()).status == 500


async def test_a_bug_before_a_call_is_made_is_internal_and_not_sent() -> None:
    def buggy(*_: object) -> None:
        raise LookupError(SECRET)

    async with door(ok, key_rule=buggy) as here, caller(here.port) as one:
        await one.send(PAY)
        envelope = sound_envelope(await one.answer())
        assert (envelope["error_code"], envelope["outcome"]) == (
            "internal_server_error",
            "not_sent",
        )
        assert here.calls == []
        assert [event.fault for event in here.told(FaultOccurred)] == ["LookupError"]


class Unusable(tuple[Any, ...]):
    """Header fields of an answer that cannot be read."""

    __slots__ = ()

    def __iter__(self) -> Any:
        raise LookupError(SECRET)


async def test_a_bug_in_telling_of_a_payment_that_was_made_never_says_that_it_was_not() -> None:
    async def charge(call: Call) -> Outcome:
        call.progress.began_sending(0.0)
        outcome = make.ok(answer=make.answer(201))
        object.__setattr__(outcome.answer, "headers", Unusable())
        call.progress.settle(outcome.effect, outcome.delivery, 1)
        return outcome

    async with door(charge) as here, caller(here.port) as one:
        await one.send(PAY)
        envelope = sound_envelope(await one.answer())
        assert (envelope["outcome"], envelope["attempts"]) == ("unknown", 1)
        assert len(here.told(FaultOccurred)) == 1


async def test_where_even_a_bug_cannot_be_told_of_nothing_is_claimed() -> None:
    def buggy(*_: object) -> None:
        raise LookupError(SECRET)

    broken = (FaultOccurred,)
    async with door(ok, key_rule=buggy, breaks_on=broken) as here, caller(here.port) as one:
        await one.send(PAY)
        reply = await one.answer()
        envelope = sound_envelope(reply)
        assert (reply.status, envelope["outcome"]) == (500, "unknown")
        assert SECRET.encode() not in reply.body
        assert await one.rest() == b""


async def test_a_bug_after_an_answer_adds_nothing_to_it() -> None:
    async with door(ok, breaks_on=(Responded,)) as here, caller(here.port) as one:
        await one.send(PAY)
        assert (await one.rest()).count(b"HTTP/1.1") <= 1
        assert len(here.told(FaultOccurred)) == 1


async def test_a_bug_in_the_middle_of_an_answer_cuts_it() -> None:
    class Buggy(Rest):
        async def read(self) -> bytes | StreamEnd:
            raise LookupError

    rest = Buggy()

    async def begin(call: Call) -> Outcome:
        call.progress.hold(rest.close)
        return make.ok(answer=replace(make.answer(200, b"begun"), rest=rest))

    async with door(begin) as here, caller(here.port) as one:
        await one.send(PAY)
        assert b"\r\n0\r\n\r\n" not in await one.rest()
        assert rest.closed == 1
        assert len(here.told(FaultOccurred)) == 1
