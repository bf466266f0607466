"""Every recorded answer of the five providers, through a whole sidecar over real sockets."""

import pytest

from tests.support.cases import Case, load_cases
from tests.support.raw import RawProvider, Step, send
from tests.support.sidecar import Reply, provider, sidecar

FIVE = ("spectrocoin", "batchdata", "spotflow", "kineticpay", "akua")
CASES = [case for name in FIVE for case in load_cases(name)]


def recorded(case: Case) -> Step:
    """Give the answer of *case* in bytes, as its provider wrote it."""
    lines = [f"HTTP/1.1 {case.status} X", *(f"{name}: {value}" for name, value in case.headers)]
    lines.append(f"Content-Length: {len(case.body)}")
    return send("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + case.body)


async def ask(case: Case) -> tuple[Reply, int]:
    """Send the request of *case* through a sidecar; give the answer and what the provider saw."""
    async with RawProvider([recorded(case)]) as upstream:
        # Two attempts at most, and no longer than a Retry-After of these cases.
        settings = provider(upstream.port, profile=case.provider, mount="/")
        settings["retry"] = settings["retry"] | {"max_attempts": 2}
        async with sidecar({case.provider: settings}) as proxy:
            body = None if case.method == "GET" else b"{}"
            return await proxy.ask(case.method, case.path, body=body), upstream.requests


@pytest.mark.item(72)
@pytest.mark.parametrize("case", CASES, ids=str)
async def test_a_recorded_answer_means_what_it_means(case: Case) -> None:
    reply, requests = await ask(case)
    meaning = case.meaning
    if not meaning["is_error"]:
        assert (reply.status, reply.body) == (case.status, case.body)
        assert reply.header("Paysluice-Error-Code") is None
        assert requests == 1
        return
    envelope = reply.json
    assert envelope["error_code"] == meaning["error_code"]
    assert envelope["error_type"] == meaning["error_type"]
    assert envelope["outcome"] == meaning["outcome"]
    assert envelope["provider"]["status"] == case.status
    assert envelope["provider"]["code"] == meaning["provider_code"]
    assert envelope["trace_id"] == meaning["trace_id"]
    fields = {detail["field"] for detail in envelope["details"]}
    assert {name.replace("/", ".").strip(".") for name in meaning["fields"]} == {
        name.replace("/", ".").strip(".") for name in fields
    }
    if meaning["message_contains"]:
        assert meaning["message_contains"].lower() in envelope["message"].lower()
    assert reply.header("Paysluice-Error-Code") == meaning["error_code"]
    assert reply.header("Paysluice-Outcome") == meaning["outcome"]
    if meaning["retry_without_key"] is not None:
        assert requests == (2 if meaning["retry_without_key"] else 1)
        assert envelope["attempts"] == requests
        assert envelope["retryable"] == meaning["retry_without_key"]


def test_each_of_the_five_has_cases() -> None:
    assert {case.provider for case in CASES} == set(FIVE)
