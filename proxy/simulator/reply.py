"""What the simulated provider says, before the wire has its way with it (pure)."""

import json
from dataclasses import dataclass
from typing import Final

from .faults import Edge

JSON: Final = "application/json"
HTML: Final = "text/html; charset=utf-8"
TRACE_HEADER: Final = "Sim-Trace-Id"
REPLAYED_HEADER: Final = "Idempotent-Replayed"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    trace_id: str = ""
    content_type: str = JSON
    is_replayed: bool = False
    retry_after: str | None = None
    allow: str | None = None


def in_json(status: int, document: object, trace_id: str = "") -> Reply:
    """Give *document* as an answer."""
    return Reply(status, json.dumps(document).encode(), trace_id)


def error(status: int, code: str, kind: str, message: str, trace_id: str) -> Reply:
    """Give an error as this provider writes it."""
    return in_json(status, {"error": error_member(code, kind, message, trace_id)}, trace_id)


def error_member(code: str, kind: str, message: str, trace_id: str) -> dict[str, str]:
    """Give the member `error` of a body."""
    return {"code": code, "type": kind, "message": message, "trace_id": trace_id}


def at_the_edge(edge: Edge, retry_after: str | None, trace_id: str) -> Reply:
    """Give the answer of something in front of the provider."""
    if edge.is_html:
        page = (
            f"<html>\n<head><title>{edge.status} {edge.message}</title></head>\n"
            f"<body><center><h1>{edge.status} {edge.message}</h1></center></body>\n</html>\n"
        )
        return Reply(edge.status, page.encode(), trace_id, HTML)
    said = error_member(edge.code, edge.type, edge.message, trace_id)
    body = json.dumps({"error": said}).encode()
    return Reply(edge.status, body, trace_id, retry_after=retry_after)
