"""What the admin listener answers, before it is put on the wire (pure)."""

import json
from dataclasses import dataclass
from typing import Final

from proxy.terms import ErrorCode

JSON: Final = "application/json"


@dataclass(frozen=True, slots=True)
class Reply:
    """A whole answer."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()


def in_json(document: object, status: int = 200) -> Reply:
    """Give *document* as an answer.

    Raises:
        TypeError: there is something in it that JSON has no word for.
        ValueError: a number in it is not finite, or it holds itself.
    """
    return Reply(status, json.dumps(document, allow_nan=False).encode() + b"\n")


def error(code: ErrorCode, message: str, *headers: tuple[str, str]) -> Reply:
    """Give an error in words of the contract's closed list."""
    document = {"error_code": code.value, "error_type": code.type.value, "message": message}
    return Reply(code.status, json.dumps(document).encode() + b"\n", headers=headers)
