"""Where limits are shared: what the address of a Redis or Valkey may say."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Final
from urllib.parse import parse_qsl, urlsplit

from .address import StoreAddress

_SCHEMES: Final = ("memory", "redis", "rediss", "valkey", "valkeys")
_MAX_DATABASE: Final = 1_000
_FILES: Final = ("ssl_ca_certs", "ssl_certfile", "ssl_keyfile")
_SHAPE: Final = "is memory, or redis://user:password@host:6379/0 (rediss, valkey, valkeys)"


def limits_faults(address: StoreAddress) -> Iterator[str]:
    """Say what is wrong with *address*. No text repeats it: it may hold a password."""
    if address.is_memory:
        return
    try:
        parts = urlsplit(address.url.reveal(0.0))
        is_there = bool(parts.hostname) and parts.port != 0
        options = parse_qsl(parts.query, keep_blank_values=True, strict_parsing=bool(parts.query))
    except ValueError:
        is_there, options = False, []
    else:
        database = parts.path.removeprefix("/") or "0"
        is_there &= database.isascii() and database.isdigit() and int(database) <= _MAX_DATABASE
    if address.scheme not in _SCHEMES or not is_there:
        yield _SHAPE
    for name, value in options:
        if name not in _FILES:
            yield f"has an option other than {', '.join(_FILES)}"
        elif not (Path(value).is_file() and os.access(value, os.R_OK)):
            yield f"has in {name} no file that can be read"
