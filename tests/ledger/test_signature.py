"""Only what the provider signed, and not long ago, is a webhook."""

import base64
import hashlib
import hmac

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.ledger.signature import Signature, Verdict
from proxy.providers import load
from proxy.providers.dealings import WebhookSignature

NOW = 1_700_000_000
SECRET = "whsec_test"
BODY = b'{"id": "evt_1"}'
SHORT = {"grade": "documented", "evidence": "https://a.b/c"}


def rule(**members: object) -> Signature:
    base = {"header": "X-Sig", "algorithm": "hmac_sha256", "encoding": "hex", "signed": "body"}
    return Signature(WebhookSignature.model_validate({**base, **SHORT, **members}))


def verdict(signature: Signature, *lines: str, name: bytes = b"X-Sig", now: float = NOW) -> Verdict:
    headers = tuple((name, line.encode("latin-1")) for line in lines)
    return signature.verify(SECRET, headers, BODY, now=now, tolerance_s=300.0)


def signed(text: bytes = BODY, algorithm: str = "sha256", secret: str = SECRET) -> bytes:
    return hmac.digest(secret.encode(), text, algorithm)


def test_the_raw_body_is_what_is_signed() -> None:
    plain = rule()
    assert verdict(plain, signed().hex()) is Verdict.VALID
    assert verdict(plain, signed().hex().upper(), name=b"x-sig") is Verdict.VALID
    assert verdict(plain, signed(BODY + b" ").hex()) is Verdict.WRONG
    assert verdict(plain, signed(secret="other").hex()) is Verdict.WRONG
    assert verdict(plain, "nonsense") is Verdict.WRONG
    assert verdict(plain, "") is Verdict.MISSING
    assert verdict(plain) is Verdict.MISSING


def test_each_line_is_looked_at_up_to_a_bound() -> None:
    plain, right = rule(), signed().hex()
    assert verdict(plain, "nonsense", right) is Verdict.VALID
    assert verdict(plain, "", "nonsense") is Verdict.WRONG
    assert verdict(plain, *["nonsense"] * 3, right) is Verdict.VALID
    assert verdict(plain, *["nonsense"] * 4, right) is Verdict.WRONG
    assert verdict(STRIPE, "t=1", stripe(), name=b"Stripe-Signature") is Verdict.VALID
    assert verdict(STRIPE, stripe(NOW - 999), "t=1,v1=x", name=b"stripe-signature") is Verdict.STALE


def test_without_a_secret_nothing_is_signed_right() -> None:
    forged = ((b"X-Sig", signed(secret="").hex().encode()),)
    assert rule().verify("", forged, BODY, now=NOW, tolerance_s=300.0) is Verdict.WRONG


def test_a_group_of_the_pattern_need_not_be_there() -> None:
    assert verdict(rule(pattern="v=(?P<signature>[0-9a-f]+)?"), "v=") is Verdict.WRONG


def test_other_digests_and_encodings() -> None:
    longer = rule(algorithm="hmac_sha512", encoding="base64")
    right = base64.b64encode(signed(algorithm="sha512")).decode()
    assert verdict(longer, right) is Verdict.VALID
    assert verdict(longer, right[:-3]) is Verdict.WRONG


STRIPE = Signature(load("stripe").webhook)  # type: ignore[arg-type]


def stripe(at: int = NOW, *, secrets: tuple[str, ...] = (SECRET,)) -> str:
    given = [hmac.digest(each.encode(), b"%d." % at + BODY, hashlib.sha256) for each in secrets]
    return ",".join([f"t={at}", *(f"v1={each.hex()}" for each in given), "v0=ignored"])


@pytest.mark.parametrize(
    ("line", "found"),
    [
        (stripe(), Verdict.VALID),
        (stripe(secrets=("old", SECRET)), Verdict.VALID),
        (stripe(secrets=(SECRET, "new")), Verdict.VALID),
        (stripe(NOW - 300), Verdict.VALID),
        (stripe(NOW - 301), Verdict.STALE),
        (stripe(NOW + 301), Verdict.STALE),
        (stripe().replace(f"t={NOW}", f"t={NOW + 1}"), Verdict.WRONG),
        (stripe().replace("t=", "u="), Verdict.MISSING),
        (stripe(secrets=("old",)), Verdict.WRONG),
        (stripe(secrets=("old",) * 16 + (SECRET,)), Verdict.WRONG),
        ("t=1,v1=", Verdict.MISSING),
    ],
)
def test_a_signed_time_is_looked_at_both_ways(line: str, found: Verdict) -> None:
    assert verdict(STRIPE, line, name=b"Stripe-Signature") is found


def test_a_time_that_is_none_is_never_fresh() -> None:
    strange = rule(signed="timestamp.body", timestamp=r"t=(\w+)", pattern=r"v=(?P<signature>\w+)")
    for at in ("\u0661", "x", "9" * 30):
        raw = at.encode("utf-8", "replace").decode("latin-1")
        right = signed(f"{raw}.".encode("latin-1") + BODY).hex()
        assert verdict(strange, f"t={raw},v={right}") is not Verdict.VALID


@pytest.mark.parametrize(
    "members",
    [
        {"pattern": "x"},
        {"signed": "timestamp.body"},
        {"timestamp": "t=(.)"},
        {"signed": "timestamp.body", "timestamp": "t="},
    ],
)
def test_a_rule_that_cannot_be_followed_is_refused(members: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"pattern|timestamp"):
        rule(**members)


@given(st.binary(max_size=80), st.binary(max_size=40))
def test_whatever_comes_is_judged(line: bytes, body: bytes) -> None:
    for signature in (STRIPE, rule(), rule(encoding="base64")):
        headers = ((b"X-Sig", line), (b"Stripe-Signature", b"t=1,v1=" + line))
        told = signature.verify(SECRET, headers, body, now=NOW, tolerance_s=1.0)
        assert told is not Verdict.VALID
