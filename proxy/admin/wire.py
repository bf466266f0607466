"""How the admin listener's answers go out: never cached, and silent about what runs here."""

from collections.abc import Mapping
from typing import Final

from aiohttp import web

from proxy.terms import ErrorCode

from .reply import Reply, error

_HEADERS: Final[Mapping[str, str]] = {
    "Cache-Control": "no-store",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; frame-ancestors 'none'",
    "Server": "paysluice",
}


def render(reply: Reply) -> web.Response:
    """Give *reply* as it goes out."""
    response = web.Response(status=reply.status, body=reply.body, headers=_HEADERS)
    response.headers["Content-Type"] = reply.content_type
    for name, value in reply.headers:
        response.headers[name] = value
    return response


class _Connection(web.RequestHandler):
    """Answers what cannot be parsed without the bytes that cannot: aiohttp would show them."""

    __slots__ = ()

    def handle_error(
        self,
        request: web.BaseRequest,  # noqa: ARG002 - the signature is aiohttp's
        status: int = 500,
        exc: BaseException | None = None,  # noqa: ARG002
        message: str | None = None,  # noqa: ARG002
    ) -> web.StreamResponse:
        """Give an error that says nothing of the request."""
        code = (
            ErrorCode.MALFORMED_REQUEST
            if status < ErrorCode.INTERNAL_SERVER_ERROR.status
            else ErrorCode.INTERNAL_SERVER_ERROR
        )
        response = render(error(code, "The request cannot be read."))
        response.force_close()
        return response


class QuietServer(web.Server):
    """A server whose connections say nothing of what they could not parse."""

    def __call__(self) -> web.RequestHandler:
        """Give the protocol of one connection."""
        return _Connection(self, loop=self._loop, **self._kwargs)
