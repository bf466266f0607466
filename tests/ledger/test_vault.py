"""Answers are sealed with the operator's key, and open with no other."""

import json

from msgspec.structs import replace

from proxy.ledger.entry import Recorded
from proxy.ledger.vault import Vault
from proxy.system import random_bytes

ANSWER = Recorded(200, b"OK", ((b"X-Id", b"\xff"), (b"x-id", b"")), b'{"id": "pay_1"}')


class Keys:
    def __init__(self, *texts: str) -> None:
        self.text = texts[0]

    def vault(self) -> Vault:
        return Vault(lambda: self.text, random_bytes)


def test_what_is_sealed_opens_again_and_shows_nothing() -> None:
    vault = Keys("one").vault()
    sealed = vault.seal("p1", ANSWER)
    assert b"pay_1" not in sealed.body
    assert (sealed.headers, sealed.status, sealed.reason) == ((), 200, b"")
    opened = vault.open("p1", sealed)
    assert opened is not None
    assert replace(opened, key_id=None) == ANSWER
    assert vault.seal("p1", ANSWER).body != sealed.body  # a nonce of its own


def test_what_was_sealed_without_its_reason_phrase_still_opens() -> None:
    vault = Keys("one").vault()
    sealed = vault.seal("p1", ANSWER)
    key, nonce = vault._keys[sealed.key_id or b""], bytes(12)
    head = json.dumps([["X-Id", "\xff"], ["x-id", ""]]).encode()
    packed = len(head).to_bytes(4, "big") + head + ANSWER.body
    before = replace(sealed, reason=b"OK", body=nonce + key.encrypt(nonce, packed, b"p1"))
    opened = vault.open("p1", before)
    assert opened is not None
    assert replace(opened, key_id=None) == ANSWER


def test_nothing_else_opens_it() -> None:
    vault = Keys("one").vault()
    sealed = vault.seal("p1", ANSWER)
    assert vault.open("p2", sealed) is None
    assert Keys("two").vault().open("p1", sealed) is None
    flipped = sealed.body[:-1] + bytes((sealed.body[-1] ^ 1,))
    assert vault.open("p1", replace(sealed, body=flipped)) is None
    assert vault.open("p1", replace(sealed, body=b"")) is None


def test_a_key_that_was_rotated_out_opens_while_the_process_lives() -> None:
    keys = Keys("key-0")
    vault = keys.vault()
    first = vault.seal("p1", ANSWER)
    for number in range(1, 8):
        keys.text = f"key-{number}"
        vault.seal("p1", ANSWER)
    assert vault.open("p1", first) is not None
    keys.text = "key-8"
    assert vault.open("p1", first) is None  # so many, and no more
