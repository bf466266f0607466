"""Text that holds secrets: `Bearer ${file:/run/secrets/x}`, shown to nobody, read again on change.

A file is looked at once a second at most, when the text is asked for. If it cannot be read, or
holds nothing of use, the text stays what it was: a rotation that goes wrong breaks no payment.
"""

import os
import re
import stat
from collections.abc import Callable, Mapping
from contextlib import suppress
from math import inf
from typing import Final, TypeAlias, final

from .fault import Loc

MAX_BYTES: Final = 64 * 1024
_LOOK_EVERY_S: Final = 1.0
_REFERENCE: Final = re.compile(r"\$\{(env|file):([^{}]+)\}")
_VARIABLE: Final = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_PRINTABLE: Final = re.compile(r"[\t\x20-\x7e]+")

REDACTED: Final = "***"
_Signature: TypeAlias = tuple[int, int, int, int]


class SecretError(ValueError):
    """A secret that cannot be had. Its message never holds any of it."""


class _File:
    """One file that holds a secret."""

    __slots__ = ("_signature", "path", "text")

    def __init__(self, path: str) -> None:
        self.path = path
        self._signature: _Signature | None = None
        self.text = self._read()

    def refresh(self) -> None:
        """Read the file if it changed and can be read."""
        with suppress(OSError, SecretError):
            if _signature(os.stat(self.path)) != self._signature:  # noqa: PTH116 (a third the cost)
                self.text = self._read()

    def _read(self) -> str:
        descriptor = os.open(self.path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        with open(descriptor, "rb") as file:  # noqa: PTH123 (a descriptor: no pipe may block us)
            status = os.fstat(descriptor)
            if not stat.S_ISREG(status.st_mode):
                msg = "is not a regular file"
                raise SecretError(msg)
            data = file.read(MAX_BYTES + 1)
        if len(data) > MAX_BYTES:
            msg = "is larger than 64 KiB"
            raise SecretError(msg)
        text = checked(data.decode("latin-1").rstrip("\r\n"))
        self._signature = _signature(status)  # from before the read: a later change is seen
        return text


@final
class SecretText:
    """Text with secrets in it, whose `repr` and `str` hide it. Equal where its parts are."""

    __slots__ = ("_look_at", "_pieces", "_text", "is_literal")

    def __init__(self, pieces: tuple[str | _File, ...], *, is_literal: bool) -> None:
        self.is_literal = is_literal  # written out in the config: `check` warns of it
        self._pieces = pieces
        self._text = self._joined()
        self._look_at = -inf if any(isinstance(piece, _File) for piece in pieces) else inf

    @classmethod
    def literal(cls, text: str) -> "SecretText":
        """Take *text* as it stands.

        Raises:
            SecretError: it is empty, or has characters that no header field may hold.
        """
        return cls((checked(text),), is_literal=True)

    @classmethod
    def parse(cls, template: str, environ: Mapping[str, str]) -> "SecretText":
        """Take *template* with each `${env:NAME}` and `${file:/path}` in it looked up.

        Raises:
            SecretError: a reference is malformed, or what it names cannot be had.
        """
        pieces: list[str | _File] = []
        end = 0
        for found in _REFERENCE.finditer(template):
            pieces += [_plain(template[end : found.start()]), _look_up(found[1], found[2], environ)]
            end = found.end()
        pieces.append(_plain(template[end:]))
        return cls(tuple(piece for piece in pieces if piece != ""), is_literal=False)

    @classmethod
    def missing(cls) -> "SecretText":
        """Stand in for a secret that could not be had, while the other faults are found."""
        return cls(("x",), is_literal=False)

    def reveal(self, now: float) -> str:
        """Give the text as it is *now* (monotonic seconds)."""
        if now >= self._look_at:
            self._look_at = now + _LOOK_EVERY_S
            for piece in self._pieces:
                if isinstance(piece, _File):
                    piece.refresh()
            self._text = self._joined()
        return self._text

    def _joined(self) -> str:
        return "".join(p if isinstance(p, str) else p.text for p in self._pieces)

    def _parts(self) -> tuple[str | tuple[str], ...]:
        return tuple(p if isinstance(p, str) else (p.path,) for p in self._pieces)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, SecretText) and self._parts() == other._parts()

    def __hash__(self) -> int:
        return hash(self._parts())

    def __repr__(self) -> str:
        return REDACTED

    __str__ = __repr__


def checked(text: str) -> str:
    """Give *text* back if a header field may hold it (RFC 9110 section 5.5, ASCII only).

    Raises:
        SecretError: it is empty, or holds something else.
    """
    if not text:
        msg = "is empty"
        raise SecretError(msg)
    if not _PRINTABLE.fullmatch(text):
        msg = "holds a line break, a control character or something that is not ASCII"
        raise SecretError(msg)
    return text


def resolve(
    value: object, environ: Mapping[str, str], report: Callable[[Loc, str], None], loc: Loc = ()
) -> object:
    """Copy *value* with each text that holds `${` as `SecretText`; *report* those not to be had."""
    if isinstance(value, dict):
        return {k: resolve(v, environ, report, (*loc, k)) for k, v in value.items()}
    if isinstance(value, list):
        return [resolve(v, environ, report, (*loc, n)) for n, v in enumerate(value)]
    if not isinstance(value, str) or "${" not in value:
        return value
    try:
        return SecretText.parse(value, environ)
    except SecretError as error:
        report(loc, str(error))
        return SecretText.missing()


def _plain(text: str) -> str:
    if "${" in text:
        msg = "a secret is written ${env:NAME} or ${file:/path}"
        raise SecretError(msg)
    return checked(text) if text else ""


def _look_up(kind: str, name: str, environ: Mapping[str, str]) -> str | _File:
    if kind == "env":
        if not _VARIABLE.fullmatch(name):
            msg = "${env:…} must name an environment variable"
            raise SecretError(msg)
        if name not in environ:
            msg = f"the environment variable {name} is not set"
            raise SecretError(msg)
        try:
            return checked(environ[name].rstrip("\r\n"))
        except SecretError as error:
            msg = f"the environment variable {name} {error}"
            raise SecretError(msg) from None
    if not name.startswith("/") or not _PRINTABLE.fullmatch(name):
        msg = "${file:…} must be an absolute path"
        raise SecretError(msg)
    try:
        return _File(name)
    except SecretError as error:
        msg = f"the file {name} {error}"
        raise SecretError(msg) from None
    except OSError as error:
        msg = f"the file {name} cannot be read: {error.strerror}"
        raise SecretError(msg) from None


def _signature(status: os.stat_result) -> _Signature:
    return (status.st_mtime_ns, status.st_size, status.st_ino, status.st_dev)
