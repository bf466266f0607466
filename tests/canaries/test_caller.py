"""What a caller sends, in any place of a request, right or broken, is nowhere but on its way.

What is allowed, and so not looked at here:

- The provider gets all of it: that is what a proxy is for.
- The answer to the caller may repeat what its provider says of it.
- The ledger keeps the merchant's own `reference`, the amount and the currency of a payment whose
  outcome it follows, and shows them to the operator: but no reference that may be a card number,
  names a code or a password, or looks like a key. (Forty random characters may be a reference.)
"""

import asyncio
from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.canaries.asking import MARK, PLACES
from tests.canaries.canaries import FEW, SECRETS, SPELLINGS, Eye
from tests.canaries.echo import Echo
from tests.canaries.running import PATIENT, Running, running
from tests.journey.test_tracing import collector

LOST = b""  # the provider closes: what it did is unknown, and the ledger follows it
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"
# Where what is sent is kept, all ways to write it are tried.
AT_ONCE = 40  # of the last errors 50 are shown
SPELT = ("body", "reference", "tenant", "key", "path", "method")


def texts_of(place: str) -> Collection[str]:
    texts = dict(SPELLINGS if place in SPELT else FEW)
    if place == "reference":
        del texts["long"]
    return texts.values()


async def ask_all(one: Running, upstream: Echo) -> None:
    for says in (LOST, DONE):
        upstream.says = says
        asked = [place(text) for name, place in PLACES.items() for text in texts_of(name)]
        for at in range(0, len(asked), AT_ONCE):
            await asyncio.gather(*map(one.ask, asked[at : at + AT_ONCE]))
            await one.look()
    await one.look_closely()


@pytest.mark.timeout(180)
@pytest.mark.parametrize(("mode", "form"), [("emulate", "json"), ("forward", "text")])
async def test_what_a_caller_sends_is_for_its_provider_alone(
    mode: str, form: str, tmp_path: Path
) -> None:
    async with Echo() as upstream, collector() as traces:
        acme: dict[str, Any] = {
            "profile": "sim",
            "base_url": f"http://127.0.0.1:{upstream.port}",
            "idempotency": {"mode": mode},
            "tenant_headers": ["X-Tenant"],
            "rate_limits": [{"name": "each", "rate": "9999/s", "per": "header:X-Tenant"}],
            **PATIENT,
        }
        sim = {"profile": "sim", "base_url": "simulator", **PATIENT}
        rest = {
            "stores": {"ledger": f"sqlite:{tmp_path}/ledger.db"},
            "log": {"level": "debug", "format": form},
            "tracing": {"otlp": f"http://127.0.0.1:{traces.port}", "propagate": mode == "forward"},
            "callers": {"header_timeout": "1s", "body_timeout": "1s"},
        }
        async with running(tmp_path, {"acme": acme, "sim": sim}, **rest) as one:
            await ask_all(one, upstream)
        one.traces = traces.bytes
    said = one.outputs()
    # It was there to be seen: payments are followed, requests are told of.
    assert b"order-1" in said["ledger.db"]
    assert b"order-1" in said["/outcomes"]
    assert b"order-1" in said["/"]
    assert b"malformed_request" in said["stdout"]
    assert b"paysluice.request_id" in said["traces"]
    assert one.leaks(Eye((*SECRETS, MARK))) == ""
