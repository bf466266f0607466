"""The `Proxy-Status` field: who made this answer, and why (RFC 9209)."""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Final

from proxy.terms import Answered, Failed, Outcome, ProxyError

from .tables import report_for

NAME: Final = "paysluice"
_TOKEN: Final = re.compile(r"[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*")  # RFC 9651 section 3.3.4
_NOT_IN_STRING: Final = re.compile(r"[^\x20-\x7e]")  # RFC 9651 section 3.3.3
# RFC 9651 sections 3.1 and 3.3, inner lists left out: RFC 9209 has none.
_BARE: Final = (
    rb'(?:-?\d{1,15}(?:\.\d{1,3})?|"(?:[\x20\x21\x23-\x5b\x5d-\x7e]|\\["\\])*"'
    rb"|[A-Za-z*][A-Za-z0-9!#$%&'*+.^_`|~:/-]*|:[A-Za-z0-9+/=]*:|\?[01]|@-?\d{1,15})"
)
_MEMBER: Final = _BARE + rb"(?:; *[a-z*][a-z0-9_.*-]*(?:=" + _BARE + rb")?)*"
_LIST: Final = re.compile(_MEMBER + rb"(?:[ \t]*,[ \t]*" + _MEMBER + rb")*")
_ESCAPED: Final = re.compile(r'(["\\])')


def proxy_status(outcome: Outcome, *, name: str = NAME) -> bytes:
    """Give our member of the list; *name* is the deployment's (RFC 9209 section 2).

    What the provider said carries its status and no error; what we said carries an error; an
    answer that was begun and never ended carries both.
    """
    status = None
    if isinstance(outcome, Answered):
        status = outcome.answer.status
    elif isinstance(outcome, Failed):
        status = outcome.status
    return _member(name, report_for(outcome).error, status)


@lru_cache(1024)  # the deployment has one name; errors and statuses are closed lists
def _member(name: str, error: ProxyError | None, status: int | None) -> bytes:
    member = _identifier(name)
    if error is not None:
        member += f"; error={error.value}"
    if status is not None:
        member += f"; received-status={status}"
    return member.encode("ascii")


def append_proxy_status(existing: Iterable[bytes], ours: bytes) -> bytes:
    """Give the list with *ours* last: the member nearest to the caller (RFC 9209 section 2).

    A line that is no list is left out: nobody could read ours behind it.
    """
    lines = [line for raw in existing if _LIST.fullmatch(line := raw.strip(b" \t,"))]
    return b", ".join([*lines, ours])


def _identifier(name: str) -> str:
    if _TOKEN.fullmatch(name):
        return name
    return '"' + _ESCAPED.sub(r"\\\1", _NOT_IN_STRING.sub("?", name)) + '"'
