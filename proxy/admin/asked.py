"""What a person asks for: the JSON object of a request that changes something."""

import json
from collections.abc import Mapping
from typing import Final

from aiohttp import web

from proxy.terms import ErrorCode

from .reply import Reply, error

MAX_NOTE: Final = 500  # characters of what a person writes


async def read_asked(request: web.BaseRequest) -> Mapping[str, object] | Reply:
    """Give the members that were sent, or the refusal; what is no object has none."""
    if request.method != "POST":
        return error(ErrorCode.METHOD_NOT_ALLOWED, "Ask with POST.", ("Allow", "POST"))
    # A page of another origin can send a form or plain text, never JSON without being asked.
    if request.content_type != "application/json":
        return error(ErrorCode.MALFORMED_REQUEST, "Send application/json.")
    try:
        asked = json.loads(await request.read())
    except (ValueError, RecursionError, web.HTTPRequestEntityTooLarge):
        return {}
    return asked if isinstance(asked, dict) else {}
