"""`/` of the admin listener: the page, its two files, and what its forms ask for.

It works without JavaScript: each form is a POST that answers with a redirection to the page. A form
carries a token of this process, so that no other page can send one (docs/page.md).
"""

import hmac
import json
from collections import Counter
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from functools import cached_property
from importlib.resources import files
from typing import Final, Protocol
from urllib.parse import urlencode

from aiohttp import web

from proxy.admin.asked import MAX_NOTE
from proxy.admin.outcomes import OutcomesView
from proxy.admin.providers import ProvidersView
from proxy.admin.reply import Reply, error
from proxy.terms import ErrorCode

from .blame import verdict, whose
from .drawing import BAR, HEIGHT, draw

_FILES: Final = {
    "/page.css": ("page.css", "text/css; charset=utf-8"),
    "/page.js": ("page.js", "text/javascript; charset=utf-8"),
}
_FORMS: Final = frozenset({"/page/settle", "/page/pause", "/page/reload"})
MAX_FORM_BYTES: Final = 16_384
MAX_SHOWN: Final = 200  # unknown outcomes on the page; the CSV has them all
_POLICY: Final = (
    "Content-Security-Policy",
    (
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; "
        "img-src 'self' data:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
    ),
)
_RESULTS: Final = {
    "settled": "Settled.",
    "confirmed": "That is what was recorded already.",
    "contradicted": "Something else is recorded already; what you say is kept as well.",
    "too_early": "Not yet: an attempt may still be under way. Try again in a minute.",
}


class Slotted(Protocol):
    """Ten seconds of one provider."""

    codes: dict[str, int]
    retried: int
    saved: int


class PageView(Protocol):
    """What the page asks."""

    def status(self) -> Mapping[str, object]:
        """Give what `/status` says."""

    def config(self) -> object:
        """Give the effective config, redacted."""

    def readiness(self) -> tuple[bool, str]:
        """Say whether callers should come, and why not."""

    def slots(self, provider: str, /) -> Sequence[Slotted]:
        """Give the last fifteen minutes of a provider, the oldest ten seconds first."""

    def reloads(self) -> Iterable[Mapping[str, object]]:
        """Give the latest reloads, the newest first."""

    def reload(self, is_forced: bool, /) -> Awaitable[Sequence[str]]:  # noqa: FBT001 - its only one
        """Read the config again; give what stands against it."""


def is_here(path: str) -> bool:
    """Whether *path* is the page's."""
    return path == "/" or path in _FILES or path in _FORMS


class PageEndpoint:
    """Answers requests for the page."""

    def __init__(
        self,
        view: PageView,
        outcomes: OutcomesView,
        providers: ProvidersView,
        *,
        version: str,
        form_token: Callable[[], str],
    ) -> None:
        self._view = view
        self._outcomes = outcomes
        self._providers = providers
        self._version = version
        self._form_token = form_token()

    async def answer(self, request: web.BaseRequest) -> Reply:
        """Answer one request."""
        if request.path in _FORMS:
            return await self._take(request)
        if request.method not in {"GET", "HEAD"}:
            allow = ("Allow", "GET, HEAD")
            return error(ErrorCode.METHOD_NOT_ALLOWED, "This path is read only.", allow)
        if request.path in _FILES:
            name, media_type = _FILES[request.path]
            return Reply(200, files(__package__).joinpath(name).read_bytes(), media_type)
        page = await self._render(request.query)
        return Reply(200, page.encode(), "text/html; charset=utf-8", (_POLICY,))

    async def _render(self, query: Mapping[str, str]) -> str:
        view, reference = self._view, query.get("reference", "").strip()
        status = view.status()
        is_ready, state = view.readiness()
        unknown, found, is_away = await self._payments(reference)
        providers = status["providers"]
        assert isinstance(providers, dict)
        return self._template.render(
            version=self._version,
            is_ready=is_ready,
            state=state,
            said=query.get("said", "")[:300],
            reference=reference,
            found=found,
            unknown=unknown[:MAX_SHOWN],
            unknown_count=len(unknown),
            is_ledger_away=is_away,
            providers={name: each | self._quarter(name) for name, each in providers.items()},
            config=json.dumps(view.config(), indent=2, ensure_ascii=False),
            reloads=list(view.reloads()),
            form_token=self._form_token,
            max_note=MAX_NOTE,
            bar=BAR,
            height=HEIGHT,
        )

    async def _payments(
        self, reference: str
    ) -> tuple[list[dict[str, object]], list[dict[str, object]], bool]:
        """Give what is unknown, what was asked for, and whether the ledger cannot be asked."""
        try:
            unknown = await self._outcomes.listed(settled=False, reference=None)
            if not reference:
                return unknown, [], False
            settled = await self._outcomes.listed(settled=True, reference=reference)
            found = [each for each in unknown if each["reference"] == reference] + settled
            shown = await self._outcomes.shown(reference)
        except LookupError:
            return [], [], True
        return unknown, found if shown is None else [shown, *found], False

    def _quarter(self, provider: str) -> dict[str, object]:
        """Give the last fifteen minutes of a provider, counted and drawn."""
        slots = self._view.slots(provider)
        codes: Counter[str] = Counter()
        for slot in slots:
            codes.update(slot.codes)
        pieces, tallest = draw(slot.codes for slot in slots)
        said, sentence = verdict(codes)
        errors = sorted(((n, code) for code, n in codes.items() if code != "none"), reverse=True)
        return {
            "verdict": said.value,
            "sentence": sentence,
            "requests": codes.total(),
            "errors": [(code, count, whose(code).value) for count, code in errors],
            "retried": sum(slot.retried for slot in slots),
            "saved": sum(slot.saved for slot in slots),
            "pieces": pieces,
            "tallest": tallest,
            "width": len(slots) * BAR,
        }

    async def _take(self, request: web.BaseRequest) -> Reply:
        """Do what a form asks for, and show the page again with what came of it."""
        if request.method != "POST":
            return error(ErrorCode.METHOD_NOT_ALLOWED, "Ask with POST.", ("Allow", "POST"))
        form = await _read_form(request)
        given = form.get("form_token", "").encode(errors="replace")
        if not hmac.compare_digest(given, self._form_token.encode()):
            return error(
                ErrorCode.FORBIDDEN, "This form is of an earlier run: open the page again."
            )
        if request.path == "/page/settle":
            said = await self._settle(form)
        elif request.path == "/page/pause":
            said = self._pause(form)
        else:
            faults = await self._view.reload("force" in form)
            said = "The old config goes on: " + "; ".join(faults) if faults else "Reloaded."
        return Reply(303, b"", headers=(("Location", f"/?{urlencode({'said': said[:300]})}"),))

    async def _settle(self, form: Mapping[str, str]) -> str:
        note = form.get("note", "").strip()
        if not note or len(note) > MAX_NOTE:
            return f"Say how you know, in at most {MAX_NOTE} characters."
        try:
            result = await self._outcomes.resolve(form.get("id", ""), form.get("as", ""), note)
        except ValueError:
            return "Say what became of it: succeeded, declined or not_processed."
        except LookupError:
            return "The ledger's store cannot be reached now."
        return _RESULTS.get(result or "", "No outcome is followed under this id.")

    def _pause(self, form: Mapping[str, str]) -> str:
        provider, held, by = (form.get(name, "").strip() for name in ("provider", "paused", "by"))
        if not by or len(by) > MAX_NOTE:
            return f"Say who you are and why, in at most {MAX_NOTE} characters."
        if not self._providers.pause(provider, held, by):
            return "There is no such provider, or no such switch."
        return f"{provider}: paused: {held}."

    @cached_property
    def _template(self) -> "Template":
        from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415 - on demand

        environment = Environment(
            loader=PackageLoader(__package__, ""),
            autoescape=True,
            undefined=StrictUndefined,
            trim_blocks=True,
            lstrip_blocks=True,
        )
        return environment.get_template("page.html")


class Template(Protocol):
    """A page with places to be filled."""

    def render(self, **members: object) -> str:
        """Fill them."""


async def _read_form(request: web.BaseRequest) -> Mapping[str, str]:
    if (request.content_length or 0) > MAX_FORM_BYTES:
        return {}
    try:
        form = await request.post()
    except (ValueError, web.HTTPRequestEntityTooLarge):
        return {}
    return {name: value for name, value in form.items() if isinstance(value, str)}
