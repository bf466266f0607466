"""Vendors' own SDKs through a sidecar with `errors.mode: native`: each raises what it should."""

import asyncio
import gc
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack

import pytest

from proxy.normalise import envelope_for, render_native
from proxy.providers import NativeErrors, load
from proxy.terms import ErrorCode, RouteEffect
from tests.sdks.apart import run_node, run_paypal
from tests.sdks.calls import tell
from tests.sdks.situations import Facing, Situation, facing
from tests.sdks.table import MODULES, PROFILES, RAISES, REPEATS, SEES, SPOKEN
from tests.support import make
from tests.support.raw import RawProvider, Seen, Step, answer

EXTRA = "needs the extra `sdks`: make sdks"

# What SDKs warn of, and leave open, is not ours to mend.
pytestmark = pytest.mark.filterwarnings("ignore")


@pytest.fixture(autouse=True)
def _no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    """SDKs pause between their repeats, as long as `Retry-After` says: not here."""
    monkeypatch.setattr(time, "sleep", lambda _: None)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")


async def told(sdk: str, urls: Sequence[str]) -> list[str]:
    """Give what *sdk* tells its application of a payment to each of *urls*."""
    if sdk in MODULES:
        pytest.importorskip(MODULES[sdk], reason=EXTRA)
        loop = asyncio.get_running_loop()
        # Their connections are left open, some by the thread: both end here, where it is let be.
        with ThreadPoolExecutor(1) as thread:
            found = [await loop.run_in_executor(thread, tell, sdk, url) for url in urls]
        gc.collect()
        return found
    if sdk == "paypal_server":
        return await run_paypal(*urls)
    return await run_node("stripe_node.mjs", *(url.rpartition(":")[2] for url in urls))


def named(seen: Seen) -> tuple[bytes, ...]:
    """Give what says which payment a request is for: its key, and all of its body."""
    keys = [value for name, value in seen.fields if b"idempotency" in name.lower()]
    return (*keys, seen.body)


@pytest.mark.parametrize("sdk", SPOKEN)
async def test_each_sdk_raises_its_own_exception_and_pays_once(sdk: str) -> None:
    profile = PROFILES.get(sdk, sdk)
    async with AsyncExitStack() as stack:
        here = {
            situation: await stack.enter_async_context(facing(profile, situation, SPOKEN[sdk]))
            for situation in Situation
        }
        found = await told(sdk, [each.url for each in here.values()])
    assert dict(zip(here, found, strict=True)) == SEES[sdk]
    for situation, each in here.items():
        judge(each, situation, is_repeated=situation in REPEATS.get(sdk, ()))


def judge(here: Facing, situation: Situation, *, is_repeated: bool) -> None:
    """See that the provider was asked for one payment at most."""
    seen = here.upstream.seen
    if situation is Situation.CIRCUIT:
        assert not seen
    elif is_repeated:
        assert len(seen) > 1
        assert len({named(each) for each in seen}) == 1
        assert b"idempotency" in (seen[0].head + seen[0].body).lower()
    else:
        assert len(seen) == 1


@pytest.mark.parametrize("sdk", ["stripe", "stripe_node"])
@pytest.mark.parametrize("situation", [Situation.PAGE, Situation.LOST])
async def test_where_a_repeat_is_not_safe_the_stop_field_ends_an_sdks_own(
    sdk: str, situation: Situation
) -> None:
    unkeyed = {"idempotency": {"mode": "off"}}
    async with facing("stripe", situation, SPOKEN[sdk], **unkeyed) as here:
        assert await told(sdk, [here.url]) == [SEES[sdk][situation]]
        assert here.upstream.requests == 1


@pytest.mark.parametrize("situation", [Situation.PAGE, Situation.LOST])
async def test_an_sdk_that_nothing_stops_can_be_told_not_to_repeat(situation: Situation) -> None:
    async with facing("square", situation, SPOKEN["square_refund"]) as here:
        assert await told("square_refund_once", [here.url]) == [SEES["square_refund"][situation]]
        assert here.upstream.requests == 1


def rendered(code: ErrorCode, template: NativeErrors) -> Step:
    """Answer with *code* as *template* says it."""
    outcome = make.rejected(code.status, error_code=code)
    envelope = envelope_for(
        outcome, provider="acme", effect=RouteEffect.PAYMENT, request_id="r1", include_body=True
    )
    one = render_native(outcome, envelope, template)
    return answer(one.status, one.body, [("Content-Type", one.media_type.decode())])


@pytest.mark.parametrize("sdk", RAISES)
async def test_every_kind_of_error_of_ours_is_one_of_the_sdks_own(sdk: str) -> None:
    template = load(PROFILES.get(sdk, sdk)).native_errors
    assert template is not None
    kinds = {(code.type, code.status): code for code in ErrorCode}
    async with AsyncExitStack() as stack:
        steps = [rendered(code, template) for code in kinds.values()]
        providers = [await stack.enter_async_context(RawProvider([step])) for step in steps]
        found = await told(sdk, [f"http://127.0.0.1:{each.port}" for each in providers])
    classes = [
        (status, each.partition(":")[0]) for (_, status), each in zip(kinds, found, strict=True)
    ]
    raises = RAISES[sdk]
    assert classes == [(status, raises.get(status, raises[None])) for status, _ in classes]
