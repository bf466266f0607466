"""What a provider says, in any place of an answer, is seen by nobody but the caller it is for.

What is allowed, and so not looked at here:

- The answer to the caller: its own provider's words, whole (docs/errors.md).
- The ledger's file without `stores.ledger_key`: of a decided payment it keeps the answer, byte for
  byte but for card numbers and their codes (docs/outcomes.md). So there only these are looked for.
"""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import pytest

from tests.canaries.canaries import FEW, SECRETS, SPELLINGS, Eye
from tests.canaries.echo import PLACES, Echo
from tests.canaries.running import PATIENT, Running, running
from tests.journey.test_tracing import collector

LEDGER_KEY = "canary-ledger-key-of-32-bytes-or-more"
MODES: dict[str, dict[str, Any]] = {
    "envelope": {"profile": "generic"},
    "native": {"profile": "stripe", "errors": {"mode": "native"}},
    "passthrough": {"profile": "generic", "errors": {"mode": "passthrough"}},
    "annotate": {"profile": "spotflow", "errors": {"embedded": "annotate"}},
}
# Where words are shown to the operator, or kept, all ways to write a number are tried.
SPELT: dict[str, tuple[str, ...]] = {
    "envelope": ("message", "code", "trace", "html", "a_success"),
    "native": ("message",),
    "passthrough": (),
    "annotate": ("within_a_success",),
}
GUARDED = {"idempotency": {"mode": "emulate"}}


def pay(number: int, target: str = "/acme/payments") -> bytes:
    body = b'{"amount": 1000, "currency": "EUR", "reference": "order-%d"}' % number
    head = f"POST {target} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nIdempotency-Key: k{number}"
    kind = "Content-Type: application/json"
    return f"{head}\r\n{kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def say_all(one: Running, upstream: Echo, spelt: Collection[str]) -> None:
    """Have the provider say canaries in every place, and the operator look after each.

    In the places of *spelt* every canary is said, else one of each kind.
    """
    said = [
        place(text)
        for name, place in PLACES.items()
        for text in (SPELLINGS if name in spelt else FEW).values()
    ]
    for number, answer in enumerate(said):
        upstream.says = answer
        told = await one.ask(pay(number))
        assert told.startswith(b"HTTP/1.1 "), answer
        if number % 40 == 0:  # of the last errors 50 are shown
            await one.look()
    await one.look_closely()


async def heard(folder: Path, mode: str, **stores: str) -> Running:
    """Give a sidecar, ended, whose provider has said it all."""
    async with Echo() as upstream, collector() as traces:
        url = f"http://127.0.0.1:{upstream.port}"
        acme = {"base_url": url, **PATIENT, **MODES[mode], **GUARDED}
        rest = {
            "stores": {"ledger": f"sqlite:{folder}/ledger.db", **stores},
            "tracing": {"otlp": f"http://127.0.0.1:{traces.port}"},
        }
        async with running(folder, {"acme": acme}, **rest) as one:
            await say_all(one, upstream, SPELT[mode])
        one.traces = traces.bytes
    return one


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", MODES)
async def test_what_a_provider_says_is_for_its_caller_alone(mode: str, tmp_path: Path) -> None:
    one = await heard(tmp_path, mode)
    said = one.outputs()
    # It was there to be seen: what is shown is redacted, what is kept is masked.
    assert b"[card]" in said["/status"]
    assert b"[secret]" in said["/status"]
    assert b"[card]" in said["/"]
    assert b"paysluice.outcome" in said["traces"]
    assert b"453981******9156" in said["ledger.db"]
    assert b'"key_hash"' in said["/outcomes"]
    file = Eye(())  # of cards and codes: see above
    assert one.leaks(Eye(), {"ledger.db": file, "ledger.db-wal": file}) == ""


@pytest.mark.timeout(180)
async def test_under_a_key_the_ledger_holds_nothing_that_can_be_read(tmp_path: Path) -> None:
    one = await heard(tmp_path, "envelope", ledger_key=LEDGER_KEY)
    eye = Eye((*SECRETS, LEDGER_KEY))
    assert b"acme" in one.outputs()["ledger.db"]
    assert one.leaks(eye) == ""
    assert b"453981" not in one.outputs()["ledger.db"]
