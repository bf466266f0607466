"""`/outcomes` of the admin listener: what is unknown, and a person's word on it."""

from collections.abc import Awaitable
from typing import Final, Protocol

from aiohttp import web

from proxy.terms import ErrorCode

from .asked import MAX_NOTE, read_asked
from .reply import Reply, error, in_json

PATH: Final = "/outcomes"
_CSV: Final = "text/csv; charset=utf-8; header=present"  # RFC 4180 section 3
_READ: Final = frozenset({"GET", "HEAD"})


def is_below(path: str) -> bool:
    """Whether *path* is one of these."""
    return path == PATH or path.startswith(f"{PATH}/")


class OutcomesView(Protocol):
    """What the endpoint asks; each may raise `LookupError` where the ledger is away."""

    def listed(self, *, settled: bool, reference: str | None) -> Awaitable[list[dict[str, object]]]:
        """Give the payments whose outcome is unknown, or those *settled* lately."""

    def csv(self) -> Awaitable[str]:
        """Give those that are unknown as a file."""

    def shown(self, outcome_id: str) -> Awaitable[dict[str, object] | None]:
        """Give one, with all that was said of it."""

    def resolve(self, outcome_id: str, said: str, note: str) -> Awaitable[str | None]:
        """Take a person's word; give what came of it."""


class OutcomesEndpoint:
    """Answers requests for `/outcomes` and what is below it."""

    def __init__(self, view: OutcomesView) -> None:
        self._view = view

    async def answer(self, request: web.BaseRequest) -> Reply:
        """Answer one request."""
        try:
            return await self._answer(request)
        except LookupError:
            return error(ErrorCode.SERVICE_UNAVAILABLE, "The ledger's store cannot be reached now.")

    async def _answer(self, request: web.BaseRequest) -> Reply:
        match request.path.removeprefix(PATH).strip("/").split("/"):
            case [""]:
                return await self._list(request) if request.method in _READ else _read_only()
            case [outcome_id]:
                return await self._show(outcome_id) if request.method in _READ else _read_only()
            case [outcome_id, "resolve"]:
                return await self._resolve(request, outcome_id)
            case _:
                return _not_found()

    async def _list(self, request: web.BaseRequest) -> Reply:
        if request.query.get("format") == "csv":
            return Reply(200, (await self._view.csv()).encode(), _CSV)
        found = await self._view.listed(
            settled=request.query.get("settled") == "1", reference=request.query.get("reference")
        )
        return in_json({"outcomes": found})

    async def _show(self, outcome_id: str) -> Reply:
        found = await self._view.shown(outcome_id)
        return _not_found() if found is None else in_json(found)

    async def _resolve(self, request: web.BaseRequest, outcome_id: str) -> Reply:
        asked = await read_asked(request)
        if isinstance(asked, Reply):
            return asked
        said, note = asked.get("as"), asked.get("note")
        if not isinstance(said, str) or not isinstance(note, str) or not note.strip():
            return error(
                ErrorCode.MISSING_REQUIRED_FIELD,
                "`as` (succeeded, declined, not_processed) and a `note`: how do you know?",
            )
        if len(note) > MAX_NOTE:
            return error(
                ErrorCode.INVALID_FIELD_VALUE, f"A note has at most {MAX_NOTE} characters."
            )
        try:
            result = await self._view.resolve(outcome_id, said, note)
        except ValueError:
            return error(
                ErrorCode.INVALID_FIELD_VALUE, "`as` is succeeded, declined or not_processed."
            )
        if result is None:
            return _not_found()
        return _resolved(result)


def _resolved(result: str) -> Reply:
    if result == "too_early":
        return error(
            ErrorCode.INVALID_STATE,
            "An attempt may still be under way: ask again in a minute.",
        )
    if result == "contradicted":
        return error(
            ErrorCode.CONFLICT, "Something else is recorded already; what you say is kept as well."
        )
    return in_json({"result": result})


def _read_only() -> Reply:
    return error(ErrorCode.METHOD_NOT_ALLOWED, "This path is read only.", ("Allow", "GET, HEAD"))


def _not_found() -> Reply:
    return error(ErrorCode.RESOURCE_NOT_FOUND, "No outcome is followed under this id.")
