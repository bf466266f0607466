"""The operator's page as it is answered: what it shows, what it never shows, what its forms do."""

import re
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest

from proxy.admin import AdminServer, PageEndpoint
from proxy.observe.history import Slot

TOKEN = "f" * 32
SCRIPT = "<script>alert(1)</script>"
UNKNOWN = {
    "id": "a" * 32, "provider": "acme", "route": "pay", "outcome": "unknown", "amount": 19.99,
    "currency": "EUR", "reference": "order-1", "key_hash": "cafe", "age_seconds": 300.0,
    "created": "2026-11-23T10:00:00Z", "is_under_way": False,
}  # fmt: skip
ERROR = {
    "time": "2026-11-23T10:00:00.000Z", "request_id": "r" * 32, "route": "pay", "method": "POST",
    "status": 502, "error_code": "bad_gateway", "outcome": "unknown", "attempts": 2, "reason": None,
    "provider_status": 500, "provider_code": "E1", "provider_message": SCRIPT, "trace_id": "t1",
}  # fmt: skip


class View:
    """What the page asks, answered by hand."""

    def __init__(self) -> None:
        self.said: list[tuple[Any, ...]] = []
        self.unknown: list[dict[str, object]] = [UNKNOWN]
        self.is_away = False
        self.faults: list[str] = []
        self.result: str | None = "settled"

    def status(self) -> dict[str, object]:
        limit = {"fill": 0.5, "queue": {"high": 1, "normal": 2, "low": 0}}
        acme = {
            "profile": "stripe", "base_url": "https://api.example", "paused": "payments",
            "breaker": {"all": "half_open"}, "retry_budget_remaining": 10.0, "in_flight": 1,
            "limits": {"account": limit}, "connections": {"idle": 1, "busy": 2},
            "last_errors": [ERROR], "unmapped_codes": [],
        }  # fmt: skip
        return {"providers": {"acme": acme}}

    def config(self) -> object:
        return {"listen": SCRIPT}

    def readiness(self) -> tuple[bool, str]:
        return True, "ready"

    def slots(self, _: str, /) -> list[Slot]:
        slot = Slot(0)
        slot.codes, slot.retried, slot.saved = {"none": 3, "bad_gateway": 1}, 2, 1
        return [Slot(-1), slot]

    def reloads(self) -> list[dict[str, object]]:
        return [{"time": "2026-11-23T10:00:00.000Z", "result": "refused", "message": SCRIPT}]

    async def reload(self, is_forced: bool, /) -> list[str]:
        self.said.append(("reload", is_forced))
        return self.faults

    async def listed(self, *, settled: bool, reference: str | None) -> list[dict[str, object]]:
        if self.is_away:
            raise LookupError
        found = [each for each in self.unknown if reference in (None, each["reference"])]
        return [] if settled else found

    async def csv(self) -> str:
        return ""

    async def shown(self, outcome_id: str) -> dict[str, object] | None:
        evidence = [{"by": "person", "said": "succeeded", "note": SCRIPT, "at": "now",
                     "result": "settled"}]  # fmt: skip
        return {**UNKNOWN, "evidence": evidence} if outcome_id == UNKNOWN["id"] else None

    async def resolve(self, outcome_id: str, said: str, note: str) -> str | None:
        if self.is_away:
            raise LookupError
        if said not in {"succeeded", "declined", "not_processed"}:
            raise ValueError
        self.said.append((outcome_id, said, note))
        return self.result

    def pause(self, provider: str, held: str, by: str) -> bool:
        self.said.append((provider, held, by))
        return provider == "acme"


class Operator:
    """Somebody who looks at the page."""

    def __init__(self, port: int, session: aiohttp.ClientSession, view: View) -> None:
        self._base = f"http://127.0.0.1:{port}"
        self._session = session
        self.view = view

    async def get(self, path: str = "/") -> tuple[int, str, dict[str, str]]:
        async with self._session.get(self._base + path) as answer:
            return answer.status, await answer.text(), dict(answer.headers)

    async def send(self, form: str, token: str = TOKEN, **members: str) -> tuple[int, str]:
        given = {"form_token": token, **members}
        async with self._session.post(f"{self._base}/page/{form}", data=given) as answer:
            return answer.status, await answer.text()

    async def told(self, form: str, **members: str) -> str:
        status, page = await self.send(form, **members)
        assert status == 200
        found = re.search(r'role="status">([^<]*)<', page)
        assert found is not None
        return found[1]


@pytest.fixture
async def operator() -> AsyncIterator[Operator]:
    view = View()
    page = PageEndpoint(view, view, view, version="1.2.3", form_token=lambda: TOKEN)
    server = AdminServer(
        readiness=view.readiness, metrics=lambda _: (b"", "text/plain"), status=view.status,
        config=view.config, needs_token=False, page=page,
    )  # fmt: skip
    await server.start("127.0.0.1", 0)
    async with aiohttp.ClientSession() as session:
        yield Operator(server.port, session, view)
    await server.stop()


async def test_the_page_answers_what_a_person_on_call_asks(operator: Operator) -> None:
    status, page, _ = await operator.get()
    assert status == 200
    for word in (
        "It is them", "4 requests in 15 minutes", "order-1", "19.99 EUR", "5 min", "half open",
        "paused: payments", "2 requests, 1 of them saved", "50 %", "3 waiting", "bad_gateway",
        "1 of unknown outcome",
    ):  # fmt: skip
        assert word in page


async def test_nothing_that_a_provider_says_is_part_of_the_page(operator: Operator) -> None:
    for path in ("/", f"/?reference={SCRIPT}", f"/?said={SCRIPT}", f"/?reference={UNKNOWN['id']}"):
        _, page, _ = await operator.get(path)
        assert SCRIPT not in page
        assert "&lt;script&gt;" in page


async def test_nothing_of_the_page_is_inline_or_from_elsewhere(operator: Operator) -> None:
    _, page, headers = await operator.get()
    policy = headers["Content-Security-Policy"]
    assert policy.startswith("default-src 'none'; style-src 'self'; script-src 'self';")
    assert "unsafe" not in policy
    assert re.findall(r"<script[^>]*>", page) == ['<script src="/page.js" defer>']
    assert not re.search(r"<style|\sstyle=|\son[a-z]+=|https?://(?!api\.example)", page)


@pytest.mark.parametrize("path", ["/page.css", "/page.js"])
async def test_its_files_are_there(operator: Operator, path: str) -> None:
    status, text, headers = await operator.get(path)
    assert status == 200
    assert text
    assert headers["Content-Type"].startswith("text/")
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_a_payment_is_found_by_reference_and_by_id(operator: Operator) -> None:
    assert "Found for “order-1”" in (await operator.get("/?reference=order-1"))[1]
    assert "person said <b>succeeded</b>" in (await operator.get("/?reference=" + "a" * 32))[1]
    assert "Nothing is followed" in (await operator.get("/?reference=order-2"))[1]


async def test_a_ledger_that_is_away_is_said(operator: Operator) -> None:
    operator.view.is_away = True
    assert "cannot be reached" in (await operator.get("/?reference=x"))[1]
    word = {"id": "x", "as": "declined", "note": "n"}
    assert "cannot be reached" in await operator.told("settle", **word)


async def test_no_payment_in_doubt_is_said_too(operator: Operator) -> None:
    operator.view.unknown = []
    assert "No payment's outcome is unknown." in (await operator.get())[1].replace("&#39;", "'")


@pytest.mark.parametrize(
    ("result", "words"),
    [
        ("settled", "Settled."),
        ("too_early", "Not yet"),
        ("contradicted", "Something else is recorded"),
        ("confirmed", "recorded already"),
        (None, "No outcome"),
    ],
)
async def test_a_persons_word_is_taken(operator: Operator, result: str | None, words: str) -> None:
    operator.view.result = result
    word = {"id": "i1", "as": "succeeded", "note": " line 14 "}
    assert words in await operator.told("settle", **word)
    assert operator.view.said == [("i1", "succeeded", "line 14")]


async def test_a_word_without_a_note_or_a_choice_is_none(operator: Operator) -> None:
    assert "how you know" in await operator.told("settle", id="i1", **{"as": "declined"})
    assert "what became of it" in await operator.told("settle", id="i1", note="n")
    assert operator.view.said == []


async def test_calls_are_held_back_with_a_name_and_a_reason(operator: Operator) -> None:
    assert "who you are" in await operator.told("pause", provider="acme", paused="all")
    said = {"provider": "acme", "paused": "all", "by": "kim: incident 7"}
    assert await operator.told("pause", **said) == "acme: paused: all."
    assert "no such provider" in await operator.told("pause", **{**said, "provider": "x"})
    assert operator.view.said[0] == ("acme", "all", "kim: incident 7")


async def test_a_reload_says_what_came_of_it(operator: Operator) -> None:
    assert await operator.told("reload") == "Reloaded."
    operator.view.faults = ["providers.acme: no"]
    assert "providers.acme: no" in await operator.told("reload", force="1")
    assert operator.view.said == [("reload", False), ("reload", True)]


@pytest.mark.parametrize("form", ["settle", "pause", "reload"])
@pytest.mark.parametrize("token", ["", "wrong", "é"])
async def test_a_form_that_is_not_of_this_page_does_nothing(
    operator: Operator, form: str, token: str
) -> None:
    status, _ = await operator.send(form, token, id="i", note="n", **{"as": "declined"})
    assert status == 403
    assert operator.view.said == []


async def test_a_form_is_bounded_and_a_post_and_the_page_is_read_only(operator: Operator) -> None:
    assert (await operator.send("settle", note="n" * 20_000))[0] == 403
    assert (await operator.get("/page/settle"))[0] == 405
    async with operator._session.post(operator._base + "/") as answer:
        assert answer.status == 405
