"""Reads a body as the profile `generic` does."""

import json

from proxy.extract import Extractor
from proxy.providers import load
from proxy.terms import Answer, Facts

GENERIC = Extractor(load("generic"))


def read(body: bytes | object, *headers: tuple[bytes, bytes], status: int = 400) -> Facts:
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    return GENERIC.extract(Answer(status=status, reason=b"", headers=headers, body=raw))
