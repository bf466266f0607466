"""The operator's listener over real sockets."""

import asyncio
import json
import logging
import stat
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from proxy.admin import AdminServer
from proxy.terms import Event, FaultOccurred

CANARY = "4111111111111111"
Answer = tuple[int, dict[str, str], bytes]


class Admin:
    """An admin listener and somebody who asks it."""

    def __init__(self, server: AdminServer, session: aiohttp.ClientSession) -> None:
        self.server = server
        self._session = session

    async def ask(self, path: str, method: str = "GET", **headers: str) -> Answer:
        url = f"http://127.0.0.1:{self.server.port}{path}"
        async with self._session.request(method, url, headers=headers) as answer:
            return answer.status, dict(answer.headers), await answer.read()


def make(**members: Any) -> AdminServer:
    given: dict[str, Any] = {
        "readiness": lambda: (True, "ready"),
        "metrics": lambda accept: (b"# metrics\n", f"text/plain; asked={accept}"),
        "status": lambda: {"providers": {}},
        "config": lambda: {"listen": "127.0.0.1:8080"},
        "needs_token": False,
    }
    return AdminServer(**(given | members))


@pytest.fixture
async def start() -> AsyncIterator[Callable[..., Any]]:
    running: list[AdminServer] = []
    async with aiohttp.ClientSession() as session:

        async def begin(**members: Any) -> Admin:
            server = make(**members)
            await server.start("127.0.0.1", 0)
            running.append(server)
            return Admin(server, session)

        yield begin
        for server in running:
            await server.stop()


@pytest.mark.parametrize(
    ("path", "document"),
    [
        ("/healthz", {"status": "ok"}),
        ("/readyz", {"ready": True, "reason": "ready"}),
        ("/status", {"providers": {}}),
        ("/config", {"listen": "127.0.0.1:8080"}),
    ],
)
async def test_each_path_gives_its_json(path: str, document: Any, start: Any) -> None:
    status, headers, body = await (await start()).ask(path)
    assert (status, json.loads(body)) == (200, document)
    assert headers["Content-Type"] == "application/json"


@pytest.mark.item(53)
@pytest.mark.parametrize("path", ["/healthz", "/metrics", "/nothing"])
async def test_every_answer_is_uncached_unsniffed_and_names_no_version(
    path: str, start: Any
) -> None:
    _, headers, _ = await (await start()).ask(path)
    assert headers["Cache-Control"] == "no-store"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Server"] == "paysluice"


async def test_the_scrape_is_negotiated_by_accept(start: Any) -> None:
    status, headers, body = await (await start()).ask("/metrics", Accept="x/y")
    assert (status, body) == (200, b"# metrics\n")
    assert headers["Content-Type"] == "text/plain; asked=x/y"


@pytest.mark.parametrize("reason", ["starting", "draining", "ledger store is away"])
async def test_who_is_not_ready_says_why_with_503_and_is_still_alive(
    reason: str, start: Any
) -> None:
    admin = await start(readiness=lambda: (False, reason))
    status, _, body = await admin.ask("/readyz")
    assert (status, json.loads(body)) == (503, {"ready": False, "reason": reason})
    assert (await admin.ask("/healthz"))[0] == 200


async def test_head_gives_the_head_alone(start: Any) -> None:
    admin = await start()
    status, headers, body = await admin.ask("/healthz", "HEAD")
    assert (status, body) == (200, b"")
    assert headers["Content-Length"] == str(len((await admin.ask("/healthz"))[2]))


async def test_another_path_is_404_and_another_method_405(start: Any) -> None:
    admin = await start()
    for path in ("/", "/status/", "/admin"):
        status, _, body = await admin.ask(path)
        assert (status, json.loads(body)["error_code"]) == (404, "resource_not_found")
    status, headers, body = await admin.ask("/status", "POST")
    assert (status, json.loads(body)["error_code"]) == (405, "method_not_allowed")
    assert headers["Allow"] == "GET, HEAD"


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer wrong", "Basic right", "right", "Bearer righté"]
)
async def test_without_the_right_token_nobody_is_told_anything(
    authorization: str, start: Any
) -> None:
    admin = await start(needs_token=True, token=lambda: "right")
    for path in ("/status", "/config", "/metrics", "/healthz", "/nothing"):
        status, headers, body = await admin.ask(path, Authorization=authorization)
        assert (status, json.loads(body)["error_code"]) == (401, "unauthorized_request")
        assert headers["WWW-Authenticate"] == "Bearer"


async def test_the_right_token_opens_and_is_asked_for_again_each_time(start: Any) -> None:
    tokens = ["first"]
    admin = await start(needs_token=True, token=lambda: tokens[-1])
    assert (await admin.ask("/status", Authorization="Bearer first"))[0] == 200
    tokens.append("second")  # rotated, without a restart
    assert (await admin.ask("/status", Authorization="Bearer first"))[0] == 401
    assert (await admin.ask("/status", Authorization="bearer second"))[0] == 200


async def test_open_paths_need_no_token(start: Any) -> None:
    admin = await start(
        needs_token=True, token=lambda: "t", open_paths=frozenset({"healthz", "readyz"})
    )
    assert (await admin.ask("/healthz"))[0] == 200
    assert (await admin.ask("/readyz"))[0] == 200
    assert (await admin.ask("/metrics"))[0] == 401


@pytest.mark.parametrize("token", [None, lambda: ""])
async def test_a_forgotten_token_opens_nothing(token: Any, start: Any) -> None:
    admin = await start(needs_token=True, token=token)
    assert (await admin.ask("/status", Authorization="Bearer "))[0] == 401


async def test_a_bug_is_told_by_its_class_and_never_by_its_text(start: Any) -> None:
    told: list[Event] = []

    def broken() -> object:
        raise RuntimeError(CANARY)

    admin = await start(status=broken, config=lambda: {"x": float("inf")}, emit=told.append)
    status, _, body = await admin.ask("/status")
    assert (status, json.loads(body)["error_code"]) == (500, "internal_server_error")
    assert CANARY.encode() not in body
    assert (await admin.ask("/config"))[0] == 500
    assert told == [
        FaultOccurred("", "RuntimeError", "admin"),
        FaultOccurred("", "ValueError", "admin"),
    ]


async def test_a_bug_goes_nowhere_if_nobody_listens(start: Any) -> None:
    admin = await start(status=object)
    assert (await admin.ask("/status"))[0] == 500


async def test_what_cannot_be_parsed_is_neither_shown_nor_logged(
    start: Any, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    admin = await start()
    reader, writer = await asyncio.open_connection("127.0.0.1", admin.server.port)
    writer.write(f"GET / HTTP/1.1\r\nHost: x\r\nbad header {CANARY}\r\n\r\n".encode())
    answer = await reader.read()
    writer.close()
    await writer.wait_closed()
    assert answer.split()[1] == b"400"
    assert b"malformed_request" in answer
    assert CANARY.encode() not in answer
    assert CANARY not in caplog.text


async def test_a_unix_socket_has_its_mode_and_is_gone_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    server = make()
    await server.start_unix(str(path), 0o600)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    connector = aiohttp.UnixConnector(str(path))
    async with (
        aiohttp.ClientSession(connector=connector) as session,
        session.get("http://admin/healthz") as answer,
    ):
        assert answer.status == 200
    await server.stop()
    assert not path.exists()


async def test_a_socket_left_by_the_dead_is_replaced_and_one_of_the_living_is_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "admin.sock"
    first, second = make(), make()
    await first.start_unix(str(path))
    with pytest.raises(OSError, match="in use"):
        await second.start_unix(str(path))
    await first.stop()
    left = asyncio.get_running_loop()
    dead = await left.create_unix_server(asyncio.Protocol, str(path))
    dead.close()
    await dead.wait_closed()
    await second.start_unix(str(path))
    await second.stop()


async def test_a_path_taken_by_a_file_is_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "admin.sock"
    path.write_text("mine")
    with pytest.raises(OSError, match="in use"):
        await make().start_unix(str(path))
    assert path.read_text() == "mine"


async def test_stopping_before_the_start_does_nothing() -> None:
    await make().stop()
