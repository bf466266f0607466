"""One key, one payment: through a real sidecar, with a provider that knows no keys."""

import asyncio
import json
from pathlib import Path

import pytest

from proxy.simulator import Simulator
from proxy.system import SystemClock, roll
from tests.support.payments import FORWARD, SHORT, Till, till
from tests.support.sidecar import Reply


def word(reply: Reply) -> str | None:
    return reply.header("Paysluice-Outcome")


def written_in(folder: Path) -> bytes:
    return b"".join(path.read_bytes() for path in folder.iterdir())


def code(reply: Reply) -> str | None:
    return reply.header("Paysluice-Error-Code")


async def test_the_same_request_again_gets_the_same_answer_and_pays_once(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        first = await here.pay()
        second = await here.pay()
        assert (first.status, second.status) == (200, 200)
        assert first.body == second.body
        assert first.header("Idempotency-Replayed") is None
        assert second.header("Idempotency-Replayed") == "true"
        assert second.header("Sim-Trace-Id") == first.header("Sim-Trace-Id")
        assert second.header("Paysluice-Attempts") == "0"
        assert here.charges == 1


async def test_another_request_under_the_key_is_refused(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        await here.pay()
        other = await here.pay(amount=1051)
        assert (other.status, code(other), word(other)) == (
            422,
            "idempotency_key_reused",
            "not_sent",
        )
        assert (await here.pay()).status == 200
        assert here.charges == 1


async def test_json_that_says_the_same_is_the_same_request(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        fields = {"Idempotency-Key": '"k"', "Content-Type": "application/json"}
        bodies = (
            b'{"amount":10,"currency":"EUR"}',
            b' {"currency" : "\\u0045UR", "amount" : 10.0e0 } ',
        )
        first, second = [await here.proxy.ask(headers=fields, body=body) for body in bodies]
        assert (first.status, second.status) == (200, 200)
        assert first.body == second.body
        assert here.charges == 1


async def test_who_comes_while_the_first_is_under_way_gets_its_answer(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        replies = await asyncio.gather(*(here.pay(fault="slow=0.15") for _ in range(20)))
        assert {reply.status for reply in replies} == {200}
        assert len({reply.body for reply in replies}) == 1
        assert here.charges == 1


async def test_who_waits_for_the_first_waits_no_longer_than_its_own_deadline(
    tmp_path: Path,
) -> None:
    async with till(tmp_path) as here:
        first = asyncio.create_task(here.pay(fault="slow=0.25"))
        await asyncio.sleep(0.05)
        second = await here.pay(fault="slow=0.25", Paysluice_Timeout="50ms")
        assert (second.status, code(second), word(second)) == (
            409,
            "idempotency_key_in_use",
            "unknown",
        )
        assert second.header("Paysluice-Retryable") == "true"
        assert (await first).status == 200
        assert second.json["outcome_id"] == (await first).header("Paysluice-Request-Id")
        assert here.charges == 1


@pytest.mark.parametrize("fault", ["charge_then_drop", "charge_then_hang", "close_mid_answer"])
async def test_a_payment_whose_answer_is_lost_is_pending_and_never_sent_again(
    tmp_path: Path, fault: str
) -> None:
    async with till(tmp_path) as here:
        first = await here.pay(fault=fault)
        assert word(first) == "unknown"
        assert first.header("Paysluice-Retryable") == "true"  # it is safe: the ledger stands there
        for _ in range(3):
            again = await here.pay(fault=fault)
            assert (again.status, code(again), word(again)) == (409, "outcome_pending", "unknown")
            assert again.json["outcome_id"] == first.json["outcome_id"]
        assert len(here.sim.requests) == 1
        assert here.charges == 1


@pytest.mark.parametrize("fault", ["400", "401", "404", "429"])
async def test_what_was_certainly_not_made_frees_its_key(tmp_path: Path, fault: str) -> None:
    async with till(tmp_path, retry={"max_attempts": 1}) as here:
        assert word(await here.pay(fault=f"{fault}; none")) == "rejected"
        assert (await here.pay(fault=f"{fault}; none")).status == 200
        assert here.charges == 1


async def test_a_decline_is_replayed(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        first = await here.pay(fault="decline; none")
        second = await here.pay(fault="decline; none")
        assert [(each.status, word(each)) for each in (first, second)] == [(402, "declined")] * 2
        assert second.header("Idempotency-Replayed") == "true"
        assert second.json["provider"]["body"] == first.json["provider"]["body"]
        assert here.charges == 0


async def test_an_error_inside_a_200_is_replayed_as_the_error_it_was(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        first = await here.pay(fault="error_in_200; none")
        second = await here.pay(fault="error_in_200; none")
        assert (first.status, word(first)) == (402, "declined")
        assert (second.status, word(second)) == (402, "declined")


async def test_nothing_is_lost_by_a_restart(tmp_path: Path) -> None:
    sim = Simulator(clock=SystemClock(), roll=roll, honours_keys=False)
    await sim.start()
    async with till(tmp_path, sim=sim) as here:
        paid = await here.pay("paid")
        lost = await here.pay("lost", "charge_then_drop")
    async with till(tmp_path, sim=sim) as here:
        again = await here.pay("paid")
        assert (again.status, again.body) == (200, paid.body)
        pending = await here.pay("lost", "charge_then_drop")
        assert code(pending) == "outcome_pending"
        assert pending.json["outcome_id"] == lost.json["outcome_id"]
    await sim.stop()


async def test_a_tenant_has_keys_of_its_own(tmp_path: Path) -> None:
    async with till(tmp_path, tenant_headers=["Stripe-Account"]) as here:
        for tenant in ("acct_1", "acct_2", "acct_1"):
            assert (await here.pay(Stripe_Account=tenant)).status == 200
        assert here.charges == 2


async def test_a_tenant_that_must_not_be_kept_has_keys_of_its_own_too(tmp_path: Path) -> None:
    async with till(tmp_path, tenant_headers=["Stripe-Account"]) as here:
        for tenant in ("4111111111111111", "Bearer 1", "Bearer 2", "4111111111111111"):
            assert (await here.pay(Stripe_Account=tenant)).status == 200
        assert here.charges == 3
    kept = (tmp_path / "ledger.db").read_bytes()
    assert b"4111111111111111" not in kept
    assert b"Bearer" not in kept


async def test_a_body_too_large_to_be_compared_is_refused(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        body = json.dumps({"amount": 1, "currency": "EUR", "x": "y" * 2_000_000}).encode()
        fields = {"Idempotency-Key": "k", "Content-Type": "application/json"}
        reply = await here.proxy.ask(headers=fields, body=body)
        assert (reply.status, code(reply), word(reply)) == (413, "request_too_large", "not_sent")
        assert here.sim.requests == ()


async def test_an_answer_too_large_to_keep_repeats_as_processed(tmp_path: Path) -> None:
    async with till(tmp_path, stores={"max_answer": "16B"}) as here:
        assert (await here.pay()).status == 200
        again = await here.pay()
        assert (again.status, code(again), word(again)) == (409, "already_processed", "succeeded")
        assert here.charges == 1


async def test_answers_are_kept_sealed_and_open_again(tmp_path: Path) -> None:
    stores = {"ledger_key": "correct horse battery staple"}
    sim = Simulator(clock=SystemClock(), roll=roll, honours_keys=False)  # asked once only
    await sim.start()
    async with till(tmp_path, sim=sim, stores=stores) as here:
        first = await here.pay()
        assert (await here.pay()).body == first.body
    await sim.stop()
    written = written_in(tmp_path)
    assert b"pay_1" not in written
    async with till(tmp_path, sim=sim, stores={"ledger_key": "another"}) as here:
        assert code(await here.pay()) == "already_processed"
    async with till(tmp_path, sim=sim, stores=stores) as here:
        assert (await here.pay()).body == first.body


async def test_no_key_is_written_in_the_clear(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        await here.pay("a-very-special-key", reference="r")
        await here.pay("a-very-special-key-2", "charge_then_drop", reference="r")
    written = written_in(tmp_path)
    assert b"a-very-special-key" not in written


async def test_a_caller_asks_what_became_of_its_payment(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        lost = await here.pay(fault="charge_then_drop")
        outcome_id = lost.json["outcome_id"]
        told = await here.outcome(outcome_id)
        assert (told.status, told.json["outcome"]) == (200, "unknown")
        assert told.header("Cache-Control") == "no-store"
        asking = asyncio.create_task(here.outcome(outcome_id, "10s"))
        await asyncio.sleep(0.05)
        outcomes = here.proxy.app._outcomes
        assert await outcomes.resolve(outcome_id, "succeeded", "seen in the dashboard") == "settled"
        assert (await asking).json["outcome"] == "succeeded"
        again = await here.pay(fault="charge_then_drop")
        assert (again.status, code(again), word(again)) == (409, "already_processed", "succeeded")
        assert here.charges == 1


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("/_paysluice/outcomes/nobody", 404),
        ("/_paysluice/outcomes/x?wait=61s", 400),
        ("/_paysluice/outcomes/x?wait=soon", 400),
        ("/_paysluice/outcomes/", 404),
        ("/_paysluice/other", 404),
    ],
)
async def test_a_question_that_has_no_answer_is_told_so(
    tmp_path: Path, target: str, status: int
) -> None:
    async with till(tmp_path) as here:
        assert (await here.proxy.ask("GET", target)).status == status
        assert (await here.proxy.ask("POST", "/_paysluice/outcomes/x")).status == 405


async def test_what_a_person_says_was_not_made_is_sent_again(tmp_path: Path) -> None:
    async with till(tmp_path) as here:
        lost = await here.pay(fault="hang; none")
        outcomes = here.proxy.app._outcomes
        told = await outcomes.resolve(lost.json["outcome_id"], "not_processed", "not there")
        assert told == "too_early"
        here.proxy.app._ledger.keeper.store._clock = Later(10.0)
        told = await outcomes.resolve(lost.json["outcome_id"], "not_processed", "not there")
        assert told == "settled"
        assert (await here.pay(fault="hang; none")).status == 200
        assert here.charges == 1


class Later:
    """A clock that is ahead."""

    def __init__(self, seconds: float) -> None:
        self._clock = SystemClock()
        self._seconds = seconds

    def wall(self) -> float:
        return self._clock.wall() + self._seconds


async def test_a_late_answer_ends_what_its_caller_was_told_is_unknown(tmp_path: Path) -> None:
    async with till(tmp_path, timeouts={"attempt": "2s", "total": "2s"}) as here:
        told = await here.pay(fault="slow=0.3", Paysluice_Timeout="100ms")
        assert (told.status, word(told)) == (504, "unknown")
        late = await here.outcome(told.json["outcome_id"], "5s")
        assert late.json["outcome"] == "succeeded"
        assert (await here.pay(fault="slow=0.3")).status == 200
        assert here.charges == 1


async def unknown_ids(here: Till) -> list[object]:
    outcomes = here.proxy.app._outcomes
    return [each["id"] for each in await outcomes.listed(settled=False, reference=None)]


@pytest.mark.parametrize("durable", [True, False], ids=["sqlite", "memory"])
async def test_an_unknown_outcome_is_recorded_where_nothing_is_guarded(
    tmp_path: Path, durable: bool
) -> None:
    folder = tmp_path if durable else None
    async with till(folder, keys={"mode": "off"}) as here:
        lost = await here.pay(None, "charge_then_drop")
        assert word(lost) == "unknown"
        assert await unknown_ids(here) == [lost.json["outcome_id"]]
        assert lost.json["outcome_id"] == lost.header("Paysluice-Request-Id")
        assert (await here.pay(None)).status == 200
        assert len(await unknown_ids(here)) == 1


async def test_a_payment_whose_caller_stops_waiting_is_recorded_before_it_is_told(
    tmp_path: Path,
) -> None:
    settings = {"timeouts": {"attempt": "2s", "total": "2s"}}
    async with till(tmp_path, keys={"mode": "off"}, **settings) as here:
        told = await here.pay(None, "slow=0.3", Paysluice_Timeout="100ms")
        assert (told.status, word(told)) == (504, "unknown")
        outcome = await here.outcome(told.json["outcome_id"])
        assert (outcome.status, outcome.json["outcome"]) == (200, "unknown")
        late = await here.outcome(told.json["outcome_id"], "5s")
        assert late.json["outcome"] == "succeeded"


@pytest.mark.parametrize("mode", ["off", "emulate"])
async def test_a_refusal_that_comes_late_is_told_to_who_asks(tmp_path: Path, mode: str) -> None:
    settings = {"timeouts": {"attempt": "2s", "total": "2s"}}
    fields = {"Sim-Fault": "slow=0.3", "Idempotency-Key": "k", "Paysluice-Timeout": "100ms"}
    async with till(tmp_path, keys={"mode": mode}, **settings) as here:
        body = b'{"amount": 0, "currency": "EUR"}'  # which the provider refuses
        told = await here.proxy.ask(headers=fields, body=body)
        assert (told.status, word(told)) == (504, "unknown")
        late = await here.outcome(told.json["outcome_id"], "5s")
        assert late.json["outcome"] == "rejected"


async def test_a_repeat_under_an_honoured_key_settles_what_was_unknown(tmp_path: Path) -> None:
    async with till(tmp_path, keys=FORWARD, honours_keys=True, retry={"max_attempts": 1}) as here:
        lost = await here.pay(fault="charge_then_drop; none")
        assert word(lost) == "unknown"
        assert await unknown_ids(here) == [lost.json["outcome_id"]]
        assert (await here.pay(fault="charge_then_drop; none")).status == 200
        late = await here.outcome(lost.json["outcome_id"], "5s")
        assert late.json["outcome"] == "succeeded"
        assert await unknown_ids(here) == []
        assert here.charges == 1


async def test_repeats_of_one_key_are_one_unknown_payment(tmp_path: Path) -> None:
    async with till(tmp_path, keys=FORWARD, honours_keys=True, timeouts=SHORT) as here:
        for _ in range(2):
            lost = await here.pay(fault="charge_then_hang, charge_then_hang", Paysluice_Retry="off")
            assert word(lost) == "unknown"
        assert len(await unknown_ids(here)) == 1


async def test_a_key_that_is_about_to_be_forgotten_is_told_of(tmp_path: Path) -> None:
    keys = {**FORWARD, "provider_key_ttl": "8s"}
    async with till(tmp_path, keys=keys, honours_keys=True, retry={"max_attempts": 1}) as here:
        await here.pay(fault="charge_then_drop")
        near = 'paysluice_keys_near_expiry{provider="acme"}'
        assert f"{near} 0.0" in here.proxy.metrics()
        keys_of_it = here.proxy.app._providers["acme"]._keys
        keys_of_it._clock = Later(7.0)
        assert keys_of_it.near_expiry() == 1
        keys_of_it._clock = Later(9.0)
        assert keys_of_it.near_expiry() == 0
