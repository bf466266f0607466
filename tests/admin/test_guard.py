"""Who may ask the admin listener, and who may not."""

from base64 import b64encode

import pytest

from proxy.admin.guard import Guard

TOKEN = "t0ken"
NEEDED = Guard(lambda: TOKEN, frozenset({"healthz"}), needs_token=True)
LOCAL = Guard(None, frozenset({"healthz"}), needs_token=False)
SOCKET = Guard(None, frozenset(), needs_token=False)
SOCKET.is_browsed = False
HERE = {"Host": "127.0.0.1:9090"}


def status(guard: Guard, method: str = "GET", path: str = "/status", **headers: str) -> int | None:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    reply = guard.refuse(method, path, {**HERE, **named})
    return None if reply is None else reply.status


def basic(text: str) -> str:
    return "Basic " + b64encode(text.encode()).decode()


@pytest.mark.parametrize(
    ("authorization", "expected"),
    [
        (f"Bearer {TOKEN}", None),
        (basic(f"anybody:{TOKEN}"), None),
        (basic(f":{TOKEN}"), None),
        (basic("anybody:wrong"), 401),
        (basic(TOKEN), 401),
        ("Basic !!!", 401),
        ("Basic /w==", 401),
        ("Bearer wrong", 401),
        ("Digest x", 401),
        ("", 401),
    ],
)
def test_the_token_is_a_bearers_or_a_password(authorization: str, expected: int | None) -> None:
    assert status(NEEDED, Authorization=authorization) == expected


def test_a_browser_is_asked_for_a_password_on_the_page_only() -> None:
    asked = NEEDED.refuse("GET", "/", HERE)
    assert asked is not None
    assert asked.headers[0][1].startswith("Basic ")
    asked = NEEDED.refuse("GET", "/status", HERE)
    assert asked is not None
    assert asked.headers[0][1] == "Bearer"


@pytest.mark.parametrize(
    ("headers", "expected"),
    [
        ({}, None),
        ({"Sec_Fetch_Site": "same-origin", "Origin": "http://127.0.0.1:9090"}, None),
        ({"Sec_Fetch_Site": "none"}, None),
        ({"Sec_Fetch_Site": "cross-site"}, 403),
        ({"Sec_Fetch_Site": "same-site"}, 403),
        ({"Origin": "http://evil.example"}, 403),
        ({"Origin": "null"}, 403),
    ],
)
def test_what_changes_something_is_for_no_page_of_another_origin(
    headers: dict[str, str], expected: int | None
) -> None:
    assert status(LOCAL, "POST", "/reload", **headers) == expected
    assert status(LOCAL, "GET", "/status", **headers) is None
    told = {**headers, "Authorization": f"Bearer {TOKEN}"}
    assert status(NEEDED, "POST", "/reload", **told) == expected


@pytest.mark.parametrize(
    ("host", "expected"),
    [
        ("127.0.0.1:9090", None),
        ("[::1]:9090", None),
        ("localhost:9090", None),
        ("paysluice.localhost", None),
        ("", None),
        ("evil.example:9090", 403),
        ("[:", 403),
    ],
)
def test_a_name_that_somebody_leads_to_this_machine_gets_nothing(
    host: str, expected: int | None
) -> None:
    assert status(LOCAL, Host=host) == expected
    assert status(LOCAL, path="/healthz", Host=host) is None
    assert status(SOCKET, Host=host) is None
    assert status(NEEDED, Host=host, Authorization=f"Bearer {TOKEN}") is None
