"""What is sent again, and what is never: counted on the provider's side of real sockets."""

import asyncio
import ssl
from pathlib import Path

import pytest
import trustme

from proxy.settings import ConfigError
from tests.support import raw
from tests.support.columns import (
    COLUMNS,
    IDEMPOTENT,
    KEY,
    OK,
    READ,
    SHORT,
    Column,
    charge,
    settings,
)
from tests.support.raw import Connected, RawProvider, Step, answer, send
from tests.support.sidecar import provider, sidecar

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n"
ERROR_IN_200 = b'{"status":"declined","error":{"code":"card_declined","message":"No."}}'
IN_PROGRESS = b'{"error":{"code":"idempotency_key_in_use","message":"Still running."}}'

# What happened -> what each column's provider sees, and the outcome where it ended there.
# (contract section 5, row by row)
UNPROCESSED = ({column.name: 2 for column in COLUMNS}, "rejected")
MAY_HAVE_HAPPENED = (
    {"read": 2, "idempotent": 2, "keyed": 2, "key_nobody_vouches_for": 1, "unkeyed": 1},
    "unknown",
)
FINAL = {column.name: 1 for column in COLUMNS}
ROWS: dict[str, tuple[Step, tuple[dict[str, int], str]]] = {
    "429": (answer(429), UNPROCESSED),
    "425": (answer(425), UNPROCESSED),
    **{str(status): (answer(status), MAY_HAVE_HAPPENED) for status in (408, 500, 502, 503, 504)},
    "closed_after_read": (raw.close, MAY_HAVE_HAPPENED),
    "reset_after_read": (raw.reset, MAY_HAVE_HAPPENED),
    "cut_head": (send(b"HTTP/1.1 20", keep=False), MAY_HAVE_HAPPENED),
    "cut_body": (send(HEAD + b"{", keep=False), MAY_HAVE_HAPPENED),
    "no_http": (send(b"SMTP ready\r\n\r\n"), MAY_HAVE_HAPPENED),
    "status_600": (answer(600), MAY_HAVE_HAPPENED),
    "switching": (send(b"HTTP/1.1 101 S\r\nUpgrade: x\r\n\r\n"), MAY_HAVE_HAPPENED),
    "no_answer": (raw.hang, MAY_HAVE_HAPPENED),
    "edge_page": (
        answer(502, b"<html><h1>502 Bad Gateway</h1>cloudflare</html>"),
        MAY_HAVE_HAPPENED,
    ),
    **{
        str(status): (answer(status), (FINAL, "rejected"))
        for status in (400, 401, 403, 404, 405, 406, 410, 411, 413, 414, 415, 421, 422, 428, 431)
    },
    "402": (answer(402), (FINAL, "declined")),
    "409": (answer(409), (FINAL, "unknown")),
    "418": (answer(418), (FINAL, "unknown")),
    "501": (answer(501), (FINAL, "unknown")),
    "505": (answer(505), (FINAL, "unknown")),
}


@pytest.mark.item(2, 6, 9)
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
@pytest.mark.parametrize("row", ROWS)
async def test_a_failure_is_repeated_exactly_where_a_repeat_cannot_charge_twice(
    row: str, column: Column
) -> None:
    step, (counts, outcome) = ROWS[row]
    expected = counts[column.name]
    times = SHORT if step is raw.hang else {}
    async with (
        RawProvider([step, OK]) as upstream,
        sidecar({"acme": settings(upstream.port, column, timeouts=times)}) as proxy,
    ):
        reply = await charge(proxy, column)
        assert upstream.requests == expected
        assert reply.header("Paysluice-Attempts") == str(expected)
        if expected == 2:
            assert (reply.status, reply.body) == (200, b'{"id":"pay_1"}')
            first, second = upstream.seen
            assert (first.head, first.body) == (second.head, second.body)
        else:
            # A read moves no money, whatever became of it.
            is_read = column.method == READ and outcome == "unknown"
            assert reply.json["outcome"] == ("rejected" if is_read else outcome)
            assert reply.json["retryable"] is False


async def refused_port() -> int:
    async with RawProvider([OK]) as gone:
        return gone.port


@pytest.mark.item(6, 9)
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
@pytest.mark.parametrize(
    ("host", "reasons"),
    [
        ("127.0.0.1", {"connection_refused"}),
        ("provider.invalid", {"dns_error", "dns_timeout"}),
    ],
)
async def test_what_was_never_sent_is_repeated_whatever_it_is(
    column: Column, host: str, reasons: set[str]
) -> None:
    url = f"http://{host}:{await refused_port()}"
    config = settings(0, column, base_url=url, allow_plaintext=True)
    async with sidecar({"acme": config}) as proxy:
        reply = await charge(proxy, column)
        envelope = reply.json
        assert (envelope["outcome"], envelope["attempts"]) == ("not_sent", 3)
        assert envelope["retryable"] is True
        status = reply.header("Proxy-Status") or ""
        assert status.removeprefix("paysluice; error=") in reasons


@pytest.mark.item(6, 117)
@pytest.mark.parametrize("column", COLUMNS, ids=lambda column: column.name)
@pytest.mark.parametrize("fault", ["hangs", "unverified"])
async def test_a_handshake_that_hangs_is_repeated_and_a_bad_certificate_is_not(
    column: Column, fault: str, tmp_path: Path
) -> None:
    async def wait(_: Connected) -> None:
        await asyncio.sleep(5)

    ca = tmp_path / "ca.pem"
    trustme.CA().cert_pem.write_to_path(str(ca))

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    trustme.CA().issue_cert("localhost").configure_cert(context)
    upstream = (
        RawProvider([OK], before_read=wait) if fault == "hangs" else RawProvider([OK], tls=context)
    )
    async with upstream:
        url = f"https://localhost:{upstream.port}"
        times = SHORT if fault == "hangs" else {}
        config = settings(0, column, base_url=url, tls={"ca": str(ca)}, timeouts=times)
        async with sidecar({"acme": config}) as proxy:
            envelope = (await charge(proxy, column)).json
            assert envelope["outcome"] == "not_sent"
            assert envelope["attempts"] == (3 if fault == "hangs" else 1)
            assert envelope["retryable"] is (fault == "hangs")
            assert upstream.requests == 0


@pytest.mark.parametrize(
    ("headers", "requests", "outcome"),
    [(KEY, 2, None), ({}, 1, "unknown")],
    ids=["keyed", "unkeyed"],
)
async def test_a_key_that_is_still_in_progress_is_asked_for_again(
    headers: dict[str, str], requests: int, outcome: str | None
) -> None:
    async with (
        RawProvider([answer(409, IN_PROGRESS), OK]) as upstream,
        sidecar({"sim": provider(upstream.port, profile="sim")}) as proxy,
    ):
        reply = await proxy.ask("POST", "/sim/payments", headers, b"{}")
        assert upstream.requests == requests
        assert (reply.json.get("outcome"), reply.status) == (outcome, 200 if not outcome else 409)


@pytest.mark.parametrize("headers", [KEY, {}], ids=["keyed", "unkeyed"])
async def test_a_decline_inside_a_200_is_told_and_never_repeated(headers: dict[str, str]) -> None:
    async with (
        RawProvider([answer(200, ERROR_IN_200), OK]) as upstream,
        sidecar({"sim": provider(upstream.port, profile="sim")}) as proxy,
    ):
        reply = await proxy.ask("POST", "/sim/payments", headers, b"{}")
        assert (reply.status, reply.json["outcome"]) == (402, "declined")
        assert upstream.requests == 1


async def test_a_stored_failure_that_is_replayed_is_final() -> None:
    replayed = answer(500, b'{"error":{}}', [("Idempotent-Replayed", "true")])
    async with (
        RawProvider([replayed, OK]) as upstream,
        sidecar({"sim": provider(upstream.port, profile="sim")}) as proxy,
    ):
        reply = await proxy.ask("POST", "/sim/payments", KEY, b"{}")
        assert (upstream.requests, reply.json["outcome"]) == (1, "unknown")


PROFILE = """
version: 1
name: acme
title: Acme
idempotency: {place: header, name: X-Key, key_stores: STORES, grade: GRADE, evidence: https://a.b/c}
"""


@pytest.mark.item(2)
@pytest.mark.parametrize(
    ("stores", "grade", "requests"),
    [
        ("all", "documented", 2),
        ("refuses_duplicate", "documented", 2),
        # A key that is forgotten after a failure licenses nothing: what was lost may have been one.
        ("success_only", "documented", 1),
        ("all", "observed", 1),
        ("all", "assumed", 1),
    ],
)
@pytest.mark.parametrize("step", [answer(503), raw.close], ids=["503", "closed"])
async def test_only_a_documented_claim_that_covers_failures_licenses_a_repeat(
    stores: str, grade: str, requests: int, step: Step, tmp_path: Path
) -> None:
    profile = tmp_path / "acme.yaml"
    profile.write_text(PROFILE.replace("STORES", stores).replace("GRADE", grade))
    async with (
        RawProvider([step, OK]) as upstream,
        sidecar({"acme": provider(upstream.port, profile=str(profile))}) as proxy,
    ):
        await proxy.ask("POST", "/acme/payments", KEY, b"{}")
        assert upstream.requests == requests
        assert {tuple(seen.values(b"x-key")) for seen in upstream.seen} == {(b"order-1",)}
        assert not any(seen.values(b"idempotency-key") for seen in upstream.seen)


@pytest.mark.item(1)
@pytest.mark.parametrize("field", ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"])
@pytest.mark.parametrize("method", [READ, IDEMPOTENT])
async def test_a_call_that_asks_for_another_method_is_a_payment(method: str, field: str) -> None:
    async with (
        RawProvider([raw.close, OK]) as upstream,
        sidecar({"acme": provider(upstream.port)}) as proxy,
    ):
        reply = await proxy.ask(method, "/acme/payments", {field: "POST"})
        assert (upstream.requests, reply.json["outcome"]) == (1, "unknown")


async def test_a_key_set_on_every_request_is_refused() -> None:
    config = provider(80, headers={"Idempotency-Key": "always"})
    with pytest.raises(ConfigError, match="a key belongs to one payment"):
        async with sidecar({"acme": config}):
            raise AssertionError  # pragma: no cover
