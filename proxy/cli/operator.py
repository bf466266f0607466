"""Asks a running sidecar's admin listener, over TCP or its Unix socket."""

import http.client
import json
import os
import socket
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

TOKEN_VARIABLE: Final = "PAYSLUICE_ADMIN_TOKEN"  # noqa: S105 - the name of a variable
_TIMEOUT_S: Final = 10.0
_MAX_BODY: Final = 64 * 1024 * 1024
_OK: Final = 200


class OperatorError(Exception):
    """The sidecar cannot be asked, or said no; its text is one line for a person."""


@dataclass(frozen=True, slots=True)
class Admin:
    """Where the admin listener is, and the token that it may want."""

    url: str  # http://HOST:PORT, or unix:/path
    token: str | None

    def get(self, path: str) -> bytes:
        """Give what stands at *path*.

        Raises:
            OperatorError: nobody answers there, or the answer is no.
        """
        return self._ask("GET", path, None)

    def post(self, path: str, document: object) -> Any:
        """Send *document*, and give the document that comes back.

        Raises:
            OperatorError: nobody answers there, or the answer is no.
        """
        return json.loads(self._ask("POST", path, json.dumps(document).encode()))

    def _ask(self, method: str, path: str, body: bytes | None) -> bytes:
        headers = {"Accept": "*/*"}
        if body is not None:
            headers["Content-Type"] = "application/json"
        token = self.token or os.environ.get(TOKEN_VARIABLE)
        if token:
            headers["Authorization"] = f"Bearer {token}"
        connection = self._connect()
        try:
            connection.request(method, path, body, headers)
            answer = connection.getresponse()
            told = answer.read(_MAX_BODY)
        except (OSError, http.client.HTTPException) as error:
            msg = f"{self.url} does not answer: {type(error).__name__}"
            raise OperatorError(msg) from None
        finally:
            connection.close()
        if answer.status != _OK:
            raise OperatorError(_message(told) or f"{self.url} answers {answer.status}")
        return told

    def _connect(self) -> http.client.HTTPConnection:
        if self.url.startswith("unix:"):
            return _UnixConnection(self.url.removeprefix("unix:"))
        parts = urlsplit(self.url)
        try:
            port = parts.port
        except ValueError:
            port = -1
        if parts.scheme != "http" or not parts.hostname or port == -1 or parts.path.strip("/"):
            msg = "--admin is http://HOST:PORT or unix:/path"
            raise OperatorError(msg)
        return http.client.HTTPConnection(parts.hostname, port, timeout=_TIMEOUT_S)


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: str) -> None:
        super().__init__("localhost", timeout=_TIMEOUT_S)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(_TIMEOUT_S)
        self.sock.connect(self._path)


def _message(told: bytes) -> str | None:
    """Give the words of a refusal: an error's message, or why a sidecar is not ready."""
    try:
        document = json.loads(told)
        message = document.get("message") or document.get("reason")
    except (ValueError, AttributeError):
        return None
    return message if isinstance(message, str) else None
