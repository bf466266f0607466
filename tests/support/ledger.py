"""Entries and claims to begin from."""

from typing import Any

from msgspec.structs import replace

from proxy.classify import Classifier
from proxy.ledger import Claims, Keeper, LedgerPolicy, Unknowns
from proxy.ledger.book import Claim
from proxy.ledger.entry import NO_MONEY, Entry, Owner, Recorded, State
from proxy.ledger.vault import Vault
from proxy.providers import load
from proxy.terms import Call

CLASSIFIER = Classifier(load("generic"))
ATTEMPT_S = 10.0

LEASE_END = 1000.0
ME = Owner("one", 1)
OTHER = Owner("one", 2)  # the same sidecar, frozen and woken
ANSWER = Recorded(200, b"OK", ((b"X-Id", b"\xff"),), b"{}")


def claim(**members: Any) -> Claim:
    base = Claim(
        id="p1",
        provider="acme",
        scope="acme",
        route="pay",
        operation="create_payment",
        key_hash=b"k",
        fingerprint=b"f",
        owner=ME,
        lease_s=10.0,
    )
    return replace(base, **members)


def entry(state: State = State.SENDING, **members: Any) -> Entry:
    base = Entry(
        id="p1",
        provider="acme",
        scope="acme",
        route="pay",
        operation="create_payment",
        key_hash=b"k",
        fingerprint=b"f",
        state=state,
        owner=ME,
        lease_until=LEASE_END,
        created_at=900.0,
        changed_at=900.0,
    )
    return replace(base, **members)


def no_money(_: Call) -> Any:
    return NO_MONEY


def claims(keeper: Keeper, **members: Any) -> Claims:
    return Claims(
        **{
            "account": "acme",
            "tenant_headers": (),
            "ignored": (),
            "money_of": no_money,
            "secret": keeper.store.secret,
            "vault": None,
            "classifier": CLASSIFIER,
            "max_answer_bytes": 1000,
            "attempt_s": ATTEMPT_S,
            "clock": keeper.clock,
            **members,
        }
    )


def policy(
    keeper: Keeper, vault: Vault | None = None, money_of: Any = no_money, **members: Any
) -> LedgerPolicy:
    return LedgerPolicy(
        claims(keeper, vault=vault, money_of=money_of),
        keeper,
        Unknowns(keeper),
        **{"may_proceed": False, "attempt_s": ATTEMPT_S, "ask_again_s": None, **members},
    )
