"""Two failures of one call: a harmless second never hides a dangerous first."""

from collections.abc import Callable
from typing import Any

import pytest

from tests.support import raw
from tests.support.columns import KEY, KEYED, OK, SHORT, charge, settings
from tests.support.raw import Connected, RawProvider, Step, answer
from tests.support.sidecar import FAST, provider, sidecar


def stop_listening(upstream: RawProvider) -> Step:
    async def step(connected: Connected) -> None:
        assert upstream._server is not None
        upstream._server.close()
        connected.close()

    return step


SECOND: dict[str, tuple[Callable[[RawProvider], list[Step]], dict[str, Any], int, str]] = {
    "open_breaker": (
        lambda _: [raw.hang],
        {"breaker": {"min_requests": 1, "failure_ratio": 0.1}},
        503,
        "circuit_open",
    ),
    "refused": (lambda upstream: [stop_listening(upstream)], {}, 502, "connection_failed"),
    "local_limit": (
        lambda _: [raw.hang],
        {"rate_limits": [{"name": "a", "rate": "1/1m", "max_wait": "0s"}]},
        429,
        "rate_limited",
    ),
    "401": (lambda _: [raw.hang, answer(401)], {}, 401, "unauthorized_request"),
    "404": (lambda _: [raw.hang, answer(404)], {}, 404, "resource_not_found"),
    "422": (lambda _: [raw.close, answer(422)], {}, 400, "invalid_request"),
    "429": (lambda _: [raw.hang, answer(429)], {}, 429, "rate_limited"),
    "503_then_429": (lambda _: [answer(503), answer(429)], {}, 429, "rate_limited"),
}


@pytest.mark.parametrize("second", SECOND)
async def test_a_harmless_second_failure_never_hides_a_dangerous_first(second: str) -> None:
    steps, more, status, code = SECOND[second]
    upstream = RawProvider([OK])
    upstream.steps = steps(upstream)
    async with upstream:
        config = settings(upstream.port, KEYED, timeouts=SHORT, **more)
        config["retry"] = FAST | {"max_attempts": 2}
        async with sidecar({"acme": config}) as proxy:
            reply = await charge(proxy, KEYED)
            envelope = reply.json
            assert (reply.status, envelope["error_code"]) == (status, code)
            assert envelope["outcome"] == "unknown"
            assert reply.header("Paysluice-Outcome") == "unknown"


@pytest.mark.parametrize(
    ("step", "status", "outcome"), [(OK, 200, None), (answer(402), 402, "declined")]
)
async def test_a_success_or_a_decline_under_an_honoured_key_lifts_unknown(
    step: Step, status: int, outcome: str | None
) -> None:
    async with (
        RawProvider([raw.close, step]) as upstream,
        sidecar({"acme": settings(upstream.port, KEYED)}) as proxy,
    ):
        reply = await charge(proxy, KEYED)
        assert (reply.status, reply.json.get("outcome")) == (status, outcome)
        assert upstream.requests == 2


async def test_a_refusal_inside_a_200_does_not_lift_unknown() -> None:
    keyed = {"trusted": True}
    refusal = answer(200, b'{"error":"Invalid merchant key"}')
    async with (
        RawProvider([raw.close, refusal]) as upstream,
        sidecar(
            {"kineticpay": provider(upstream.port, profile="kineticpay", idempotency=keyed)}
        ) as proxy,
    ):
        reply = await proxy.ask("POST", "/kineticpay/payment/create", KEY, b"{}")
        assert upstream.requests == 2
        assert reply.json["outcome"] == "unknown"


@pytest.mark.parametrize("status", [302, 303, 304, 307])
async def test_a_redirection_never_hides_that_money_may_have_moved(status: int) -> None:
    async with (
        RawProvider([raw.close, answer(status)]) as upstream,
        sidecar({"acme": settings(upstream.port, KEYED)}) as proxy,
    ):
        reply = await charge(proxy, KEYED)
        assert (reply.status, upstream.requests) == (status, 2)
        assert reply.header("Paysluice-Outcome") == "unknown"
