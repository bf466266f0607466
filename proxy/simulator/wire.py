"""How an answer of the simulated provider goes out, whole or not."""

import asyncio
import hashlib
from typing import Final, Never, assert_never

from aiohttp import web

from .faults import Wire
from .reply import REPLAYED_HEADER, TRACE_HEADER, Reply, in_json

PIECE: Final = b"x" * 65536


def render(reply: Reply) -> web.Response:
    """Give *reply* as it goes out when nothing is wrong."""
    response = web.Response(status=reply.status, body=reply.body)
    response.headers["Content-Type"] = reply.content_type
    response.headers["Server"] = "simulator"
    if reply.trace_id:
        response.headers[TRACE_HEADER] = reply.trace_id
    if reply.is_replayed:
        response.headers[REPLAYED_HEADER] = "true"
    if reply.retry_after is not None:
        response.headers["Retry-After"] = reply.retry_after
    if reply.allow is not None:
        response.headers["Allow"] = reply.allow
    return response


async def send(request: web.BaseRequest, reply: Reply, wire: Wire) -> web.StreamResponse:
    """Answer *request* with *reply*, as far as *wire* lets it."""
    response = render(reply)
    match wire:
        case Wire.WHOLE:
            return response
        case Wire.BROKEN_JSON:
            response.body = reply.body[: len(reply.body) // 2]
            return response
        case Wire.CLOSE_MID_ANSWER:
            return await _half(request, response, reply.body)
        case Wire.CLOSE | Wire.CLOSE_BEFORE_READ:
            return close(request)
        case Wire.HANG:
            return await hang()
        case _:
            assert_never(wire)


def close(request: web.BaseRequest) -> web.StreamResponse:
    """Close the connection; what aiohttp then writes goes nowhere."""
    if request.transport is not None:
        request.transport.close()
    return web.Response()


async def hang() -> Never:
    """Wait until the caller hangs up or the simulator stops: both cancel the handler."""
    await asyncio.get_running_loop().create_future()
    raise AssertionError  # pragma: no cover - nobody resolves that future


async def _half(request: web.BaseRequest, whole: web.Response, body: bytes) -> web.StreamResponse:
    response = web.StreamResponse(status=whole.status, headers=whole.headers)
    response.content_length = len(body)
    await response.prepare(request)
    await response.write(body[: len(body) // 2])
    close(request)
    return response


async def stream_bytes(
    request: web.BaseRequest, length: int, wire: Wire, *, is_chunked: bool
) -> web.StreamResponse:
    """Answer with *length* bytes in constant memory."""
    if wire is Wire.HANG:
        await hang()
    if wire is Wire.CLOSE:
        return close(request)
    response = web.StreamResponse(
        headers={"Content-Type": "application/octet-stream", "Server": "simulator"}
    )
    if is_chunked:
        response.enable_chunked_encoding()
    else:
        response.content_length = length
    await response.prepare(request)
    left = length // 2 if wire is Wire.CLOSE_MID_ANSWER else length
    while left > 0 and request.method != "HEAD":
        piece = PIECE if left >= len(PIECE) else PIECE[:left]
        await response.write(piece)
        left -= len(piece)
    if wire is Wire.CLOSE_MID_ANSWER:
        close(request)
    return response


async def swallow(request: web.BaseRequest, trace_id: str) -> Reply:
    """Read a body of any size in constant memory, and say what came."""
    digest = hashlib.sha256()
    count = 0
    async for piece in request.content.iter_any():
        digest.update(piece)
        count += len(piece)
    return in_json(200, {"bytes": count, "sha256": digest.hexdigest()}, trace_id)
