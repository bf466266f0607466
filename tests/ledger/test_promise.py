"""What a provider's word about keys is worth."""

from typing import Any

import pytest

from proxy.ledger import IdempotencySettings, fixed_key, key_rule
from proxy.providers import Profile, parse

PROFILE = """
version: 1
name: acme
title: Acme
routes:
  - {name: pay, match: POST /pay, effect: payment, grade: documented, evidence: https://a.b/c}
idempotency:
  {place: PLACE, name: NAME, OPERATIONSkey_stores: STORES, max_length: 40, charset: "[a-z]+",
   ttl: 1h, grade: GRADE, evidence: https://a.b/c}
"""


def profile(
    *,
    place: str = "header",
    name: str = "X-Key",
    stores: str = "all",
    grade: str = "documented",
    operations: str = "",
) -> Profile:
    filled = PROFILE.replace("PLACE", place).replace("NAME", name).replace("STORES", stores)
    return parse(filled.replace("GRADE", grade).replace("OPERATIONS", operations), name="acme")


SILENT = parse("version: 1\nname: acme\ntitle: Acme", name="acme")


def settings(**members: Any) -> IdempotencySettings:
    return IdempotencySettings(**members)


@pytest.mark.parametrize("mode", ["auto", "forward"])
def test_a_documented_claim_is_taken_as_it_stands(mode: str) -> None:
    rule = key_rule(settings(mode=mode), profile(), "pay", "POST")
    assert rule is not None
    assert (rule.place, rule.name, rule.max_length, rule.ttl_s) == ("header", "X-Key", 40, 3600.0)
    assert (rule.is_honoured, rule.covers_failures) == (True, True)
    assert rule.charset is not None
    assert rule.charset.pattern == "[a-z]+"


def test_nobody_reads_a_key_where_keys_are_off() -> None:
    assert key_rule(settings(mode="off", trusted=True), profile(), "pay", "POST") is None
    off = key_rule(settings(mode="off"), SILENT, "pay", "POST", is_durable=True)
    assert off is None


def test_what_our_ledger_guards_licenses_nothing() -> None:
    rule = key_rule(settings(mode="emulate", trusted=True), profile(), "pay", "POST")
    assert rule is not None
    assert (rule.place, rule.name, rule.is_guarded) == ("header", "X-Key", True)
    assert (rule.is_honoured, rule.covers_failures) == (False, False)


@pytest.mark.parametrize(
    ("given", "known", "is_durable", "is_guarded"),
    [
        ({}, SILENT, True, True),
        ({"header": "X-Ours"}, SILENT, True, True),
        ({}, SILENT, False, None),
        ({"trusted": True}, SILENT, True, False),
        ({}, profile(), True, False),
        ({}, profile(grade="assumed"), True, True),
        ({}, profile(grade="assumed"), False, False),
        ({"trusted": True}, profile(grade="assumed"), True, False),
        ({"mode": "forward"}, profile(grade="assumed"), True, False),
        ({"mode": "forward", "header": "X-Ours"}, SILENT, True, False),
    ],
)
def test_auto_guards_where_nobody_documents_a_key_and_the_ledger_is_durable(
    given: dict[str, Any], known: Profile, is_durable: bool, is_guarded: bool | None
) -> None:
    rule = key_rule(settings(**given), known, "pay", "POST", is_durable=is_durable)
    assert (None if rule is None else rule.is_guarded) is is_guarded


@pytest.mark.parametrize("grade", ["observed", "assumed"])
def test_a_claim_that_is_not_documented_places_a_key_and_licenses_nothing(grade: str) -> None:
    rule = key_rule(settings(), profile(grade=grade), "pay", "POST")
    assert rule is not None
    assert not rule.is_honoured


@pytest.mark.parametrize(
    ("stores", "covers"), [("all", True), ("refuses_duplicate", True), ("success_only", False)]
)
def test_what_the_provider_keeps_decides_whether_failures_are_covered(
    stores: str, covers: bool
) -> None:
    rule = key_rule(settings(), profile(stores=stores), "pay", "POST")
    assert rule is not None
    assert rule.covers_failures is covers


@pytest.mark.parametrize("one", [profile(grade="assumed", stores="success_only"), SILENT])
def test_the_operators_word_counts_for_failures_too(one: Profile) -> None:
    rule = key_rule(settings(trusted=True), one, "pay", "POST")
    assert rule is not None
    assert (rule.is_honoured, rule.covers_failures) == (True, True)


@pytest.mark.parametrize("header", [None, "x-KEY"])
def test_nobody_vouches_away_what_is_documented(header: str | None) -> None:
    one = profile(stores="success_only")
    rule = key_rule(settings(trusted=True, header=header), one, "pay", "POST")
    assert rule is not None
    assert (rule.is_honoured, rule.covers_failures) == (True, False)


def test_a_documented_claim_that_is_silent_on_failures_can_be_vouched_for() -> None:
    one = profile(stores="null")
    plain, vouched = (
        key_rule(settings(trusted=trusted), one, "pay", "POST") for trusted in (False, True)
    )
    assert plain is not None
    assert (plain.is_honoured, plain.covers_failures) == (True, False)
    assert vouched is not None
    assert vouched.covers_failures


@pytest.mark.parametrize("place", ["header", "body"])
@pytest.mark.parametrize("trusted", [False, True])
def test_a_promise_does_not_follow_a_key_to_another_field(place: str, *, trusted: bool) -> None:
    rule = key_rule(
        settings(header="X-Other", trusted=trusted), profile(place=place), "pay", "POST"
    )
    assert rule is not None
    assert (rule.is_honoured, rule.covers_failures) == (trusted, trusted)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("idempotency-KEY", "idempotency-KEY"),
        ("X-key", "X-key"),
        ("x-own", "x-own"),
        ("Authorization", None),
    ],
)
def test_a_key_that_is_set_on_every_request_is_found(name: str, found: str | None) -> None:
    assert fixed_key(settings(header="X-Own"), profile(), ["Accept", name]) == found


def test_a_key_in_a_body_is_no_header() -> None:
    assert fixed_key(settings(), profile(place="body"), ["X-Key"]) is None


def test_a_claim_for_named_operations_covers_no_other_whoever_vouches() -> None:
    one = profile(operations="operations: pay, ")
    assert key_rule(settings(trusted=True), one, "pay", "POST") is not None
    assert key_rule(settings(trusted=True), one, "refund", "POST") is None


@pytest.mark.parametrize("method", ["GET", "HEAD", "PUT", "DELETE"])
def test_the_operators_word_is_about_payments(method: str) -> None:
    assert key_rule(settings(trusted=True), SILENT, "", method) is None


@pytest.mark.parametrize("method", ["POST", "PATCH"])
def test_a_header_of_the_config_is_used_and_honoured_only_if_trusted(method: str) -> None:
    rule = key_rule(settings(header="X-Own", provider_key_ttl="5m"), SILENT, "", method)
    assert rule is not None
    assert (rule.place, rule.name, rule.ttl_s) == ("header", "X-Own", 300.0)
    assert not rule.is_honoured


def test_a_silent_profile_without_anybodys_word_has_no_place_for_a_key() -> None:
    assert key_rule(settings(), SILENT, "", "POST") is None


def test_a_key_of_a_body_is_moved_to_the_header_that_the_config_names() -> None:
    one = profile(place="body", name="idempotency_key")
    rule = key_rule(settings(), one, "pay", "POST")
    assert rule is not None
    assert (rule.place, rule.name) == ("body", "idempotency_key")
    moved = key_rule(settings(header="X-Own"), one, "pay", "POST")
    assert moved is not None
    assert (moved.place, moved.name) == ("header", "X-Own")


@pytest.mark.parametrize(("ours", "kept"), [("10m", 600.0), ("2h", 3600.0)])
def test_the_shorter_life_of_a_key_counts(ours: str, kept: float) -> None:
    rule = key_rule(settings(provider_key_ttl=ours), profile(), "pay", "POST")
    assert rule is not None
    assert rule.ttl_s == kept
