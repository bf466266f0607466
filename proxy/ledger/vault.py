"""Seals the answers that the ledger keeps: AES-256-GCM under the operator's `ledger_key`.

All of an answer but its status.

Rule 1: each answer has a nonce of its own, and its payment's id is authenticated with it: what is
        sealed for one payment opens for no other.
Rule 2: the key's id is kept beside what it sealed. Keys that this process has seen still open; what
        no known key opens is gone, and its payment repeats as `already_processed`.
Rule 3: any text is a key: 32 bytes are derived of it with HKDF-SHA256 (RFC 5869). A text that a
        person could remember is no key; `openssl rand -base64 32` makes one.
"""

import json
from collections.abc import Callable
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

from .entry import Recorded

_NONCE_BYTES: Final = 12  # NIST SP 800-38D section 8.2
_KEY_BYTES: Final = 32
_ID_BYTES: Final = 8
_HEAD_BYTES: Final = 4  # how long the headers are
_INFO: Final = b"paysluice ledger 1"
_MAX_KEYS: Final = 8  # that were rotated out while this process lived


class Vault:
    """Seals and opens with the operator's key, as it is now; *random_bytes* gives a nonce."""

    def __init__(self, key: Callable[[], str], random_bytes: Callable[[int], bytes]) -> None:
        self._key = key
        self._random_bytes = random_bytes
        self._text: str | None = None
        self._id = b""
        self._keys: dict[bytes, AESGCM] = {}

    def seal(self, entry_id: str, answer: Recorded) -> Recorded:
        """Give *answer* as it is kept."""
        key_id, key = self._current(self._key())
        nonce = self._random_bytes(_NONCE_BYTES)
        sealed = nonce + key.encrypt(nonce, _packed(answer), entry_id.encode())
        return Recorded(answer.status, b"", (), sealed, key_id)

    def open(self, entry_id: str, kept: Recorded) -> Recorded | None:
        """Give the answer that was *kept*; None where no key that is known opens it."""
        self._current(self._key())
        key = self._keys.get(kept.key_id or b"")
        if key is None:
            return None
        nonce, sealed = kept.body[:_NONCE_BYTES], kept.body[_NONCE_BYTES:]
        try:
            return _unpacked(kept, key.decrypt(nonce, sealed, entry_id.encode()))
        except (InvalidTag, ValueError):  # cut, or changed
            return None

    def _current(self, text: str) -> tuple[bytes, AESGCM]:
        """Give the key as it is now, and its id; it changes where the operator rotates it."""
        if text != self._text:
            derive = HKDF(SHA256(), _KEY_BYTES + _ID_BYTES, salt=None, info=_INFO).derive
            derived = derive(text.encode())
            self._text, self._id = text, derived[_KEY_BYTES:]
            self._keys[self._id] = AESGCM(derived[:_KEY_BYTES])
            while len(self._keys) > _MAX_KEYS:
                del self._keys[next(iter(self._keys))]
        return self._id, self._keys[self._id]


def _packed(answer: Recorded) -> bytes:
    headers = [[name.decode("latin-1"), value.decode("latin-1")] for name, value in answer.headers]
    head = json.dumps([answer.reason.decode("latin-1"), headers]).encode()
    return len(head).to_bytes(_HEAD_BYTES, "big") + head + answer.body


def _unpacked(kept: Recorded, packed: bytes) -> Recorded:
    end = _HEAD_BYTES + int.from_bytes(packed[:_HEAD_BYTES], "big")
    head = json.loads(packed[_HEAD_BYTES:end])
    # Before the reason phrase was sealed too, the headers were all there was.
    reason, fields = head if head and isinstance(head[0], str) else (None, head)
    headers = tuple((name.encode("latin-1"), value.encode("latin-1")) for name, value in fields)
    return Recorded(
        kept.status,
        kept.reason if reason is None else reason.encode("latin-1"),
        headers,
        packed[end:],
    )
