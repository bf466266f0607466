"""What is warned of beside what a profile knows: keys, effects, two layers that repeat."""

import pytest

from proxy.providers import Profile
from proxy.providers import load as load_profile
from proxy.providers import names as profile_names
from proxy.providers import parse as parse_profile
from proxy.settings import warnings
from proxy.settings.file import parse
from proxy.settings.load import build

PROFILE = """
version: 1
name: x
title: X
sources: {docs: https://docs.x.example}
routes:
  - {name: pay, match: POST /pay, effect: payment, grade: documented, evidence: docs}
  - {name: search, match: POST /search, effect: read, grade: documented, evidence: docs}
  - {name: put, match: PUT /pay, effect: payment, grade: documented, evidence: docs}
"""
KEY = "place: header, name: Key, methods: [POST]"
DOCUMENTED = f"{{{KEY}, ttl: 24h, key_stores: all, grade: documented, evidence: docs}}"
SILENT = f"{{{KEY}, grade: documented, evidence: docs}}"  # of what a failure leaves under the key
SUCCESSES = f"{{{KEY}, key_stores: success_only, grade: documented, evidence: docs}}"
ASSUMED = f"{{{KEY}, key_stores: all, grade: assumed, evidence: docs}}"
FIRST = "{place: header, name: Key, operations: pay, ttl: 1h, grade: assumed, evidence: docs}"
NATIVE = """
native_errors: {body: {error: {message: '{message}'}}, grade: assumed, evidence: docs}
"""
STOP = "stop: {header: Should-Retry, value: 'false', grade: GRADE, evidence: docs}\n"


def profile(keys: str | None = None, more: str = "") -> Profile:
    claims = "" if keys is None else f"idempotency: {keys}\n"
    return parse_profile(PROFILE + claims + more, name="x")


def found(provider: str, known: Profile) -> list[tuple[str, str]]:
    """Give rule and place of each finding."""
    url = "" if "base_url" in provider else "base_url: https://api.example.com, "
    settings = build(parse(f"providers: {{x: {{{url}{provider}}}}}".encode()), {})
    told = warnings(settings, {"x": known})
    return [(each.rule.value, each.fault.path.removeprefix("providers.x.")) for each in told]


NO_KEY = ("no-key", "idempotency")
MOVED = ("no-key", "idempotency.header")
VOUCHED = ("key-on-your-word", "idempotency.trusted")


def idle(member: str) -> tuple[str, str]:
    return ("no-effect", f"idempotency.{member}")


@pytest.mark.parametrize(
    ("keys", "claims", "expected"),
    [
        ("{}", None, [NO_KEY]),
        ("{header: X-Key}", None, []),
        ("{trusted: true}", None, [VOUCHED]),
        ("{header: X-Key, trusted: true}", None, [VOUCHED]),
        ("{mode: off}", None, []),
        ("{}", ASSUMED, []),
        ("{}", DOCUMENTED, []),
        ("{header: Key}", DOCUMENTED, []),
        ("{header: X-Key}", DOCUMENTED, [MOVED]),
        ("{header: X-Key}", ASSUMED, []),
        ("{header: X-Key, trusted: true}", DOCUMENTED, [VOUCHED]),
    ],
)
def test_keys_that_make_no_repeat_safe_are_warned_of(
    keys: str, claims: str | None, expected: list[tuple[str, str]]
) -> None:
    assert found(f"idempotency: {keys}", profile(claims)) == expected


@pytest.mark.parametrize(
    ("keys", "claims", "expected"),
    [
        ("{}", None, []),
        ("{mode: forward}", None, [NO_KEY]),
        ("{header: X-Key}", DOCUMENTED, [MOVED]),
    ],
)
def test_a_durable_ledger_guards_what_nobody_else_does(
    keys: str, claims: str | None, expected: list[tuple[str, str]]
) -> None:
    known = profile(claims)
    text = (
        "stores: {ledger: 'sqlite:/x/ledger.db'}\n"
        f"providers: {{x: {{base_url: https://api.example.com, idempotency: {keys}}}}}"
    )
    told = warnings(build(parse(text.encode()), {}), {"x": known})
    assert [
        (each.rule.value, each.fault.path.removeprefix("providers.x.")) for each in told
    ] == expected


@pytest.mark.parametrize(
    ("claims", "expected"),
    [
        (None, VOUCHED),
        (ASSUMED, VOUCHED),
        (SILENT, VOUCHED),
        (f"[{FIRST}, {DOCUMENTED}]", VOUCHED),
        (DOCUMENTED, idle("trusted")),
        (SUCCESSES, idle("trusted")),
    ],
)
def test_your_word_is_warned_of_wherever_a_repeat_rests_on_it(
    claims: str | None, expected: tuple[str, str]
) -> None:
    assert found("idempotency: {trusted: true}", profile(claims)) == [expected]


@pytest.mark.parametrize(
    ("keys", "claims", "expected"),
    [
        ("{generate: true}", None, [NO_KEY, idle("generate")]),
        ("{generate: true, header: X-Key}", None, [idle("generate")]),
        ("{generate: true}", ASSUMED, [idle("generate")]),
        ("{generate: true}", SILENT, []),
        ("{generate: true, trusted: true}", ASSUMED, [VOUCHED]),
        ("{provider_key_ttl: 1h}", None, [NO_KEY, idle("provider_key_ttl")]),
        ("{provider_key_ttl: 48h}", DOCUMENTED, [idle("provider_key_ttl")]),
        ("{provider_key_ttl: 2h}", f"[{FIRST}, {DOCUMENTED}]", []),
        ("{provider_key_ttl: 48h}", SILENT, []),
        ("{mode: off, provider_key_ttl: 48h}", DOCUMENTED, [idle("provider_key_ttl")]),
    ],
)
def test_what_is_set_of_keys_and_changes_nothing_is_warned_of(
    keys: str, claims: str | None, expected: list[tuple[str, str]]
) -> None:
    assert found(f"idempotency: {keys}", profile(claims)) == expected


@pytest.mark.parametrize(
    ("provider", "ttl", "is_warned"),
    [
        ("idempotency: {}", "24h", False),
        ("idempotency: {}", "30s", False),
        ("idempotency: {}", "29s", True),
        ("timeouts: {total: 2m}", "1m", True),
        ("idempotency: {provider_key_ttl: 10s}", "24h", True),
        ("idempotency: {mode: off}", "1s", False),
        ("retry: {max_attempts: 1}", "1s", False),
    ],
)
def test_a_key_forgotten_before_the_last_repeat_is_warned_of(
    provider: str, ttl: str, *, is_warned: bool
) -> None:
    told = found(provider, profile(DOCUMENTED.replace("24h", ttl)))
    expected = ("key-forgotten-early", "idempotency.provider_key_ttl")
    assert told == ([expected] if is_warned else [])


@pytest.mark.parametrize(
    ("route", "is_warned"),
    [
        ("match: POST /pay, effect: idempotent", True),
        ("match: POST /pay, effect: read", True),
        ("match: POST /pay, effect: payment", False),
        ("match: POST /pay", False),
        ("match: POST /other, effect: read", True),
        ("match: POST /_paysluice/other, effect: read", True),
        ("match: POST /search, effect: read", False),
        ("match: POST /search, effect: payment", False),
        ("match: 'POST /{any}', effect: read", True),
        ("match: PUT /pay, effect: idempotent", True),
        ("match: 'DELETE /pay/{id}', effect: read", True),
        ("match: 'DELETE /pay/{id}', effect: idempotent", False),
        ("match: GET /pay, effect: payment", False),
    ],
)
def test_a_route_said_to_do_less_than_its_method_is_warned_of(
    route: str, *, is_warned: bool
) -> None:
    told = found(f"routes: [{{name: a, {route}}}]", profile(DOCUMENTED))
    assert told == ([("effect-on-your-word", "routes[0].effect")] if is_warned else [])


def test_what_the_profile_says_of_a_route_is_found_below_base_url() -> None:
    known = profile(DOCUMENTED, "prefixes: [/v1]\n")
    for base in ("https://x.example/v1", "https://x.example"):
        path = "/search" if base.endswith("v1") else "/v1/search"
        route = f"base_url: '{base}', routes: [{{name: a, match: POST {path}, effect: read}}]"
        assert found(route, known) == []


@pytest.mark.parametrize(
    ("errors", "more", "expected"),
    [
        ("errors: {mode: native}", "", "no-native-errors"),
        ("errors: {mode: native}", NATIVE, "two-retry-layers"),
        ("errors: {mode: native}, retry: {max_attempts: 1}", NATIVE, None),
        ("errors: {mode: native}", NATIVE + STOP.replace("GRADE", "documented"), None),
        ("errors: {mode: native}", NATIVE + STOP.replace("GRADE", "assumed"), "two-retry-layers"),
        ("errors: {mode: envelope}", "", None),
    ],
)
def test_an_sdk_that_repeats_by_itself_or_reads_nothing_is_warned_of(
    errors: str, more: str, expected: str | None
) -> None:
    told = found(errors, profile(DOCUMENTED, more))
    assert told == ([] if expected is None else [(expected, "errors.mode")])


@pytest.mark.parametrize(
    ("provider", "source", "is_warned"),
    [
        ("base_url: 'http://127.0.0.1:9000'", "https://docs.x.example", True),
        ("base_url: 'http://localhost:9000'", "https://docs.x.example", True),
        ("base_url: 'http://localhost:9000', retry: {max_attempts: 1}", "https://a.example", False),
        ("base_url: 'http://127.0.0.1:9000'", "docs/simulator.md", False),
        ("base_url: simulator", "https://docs.x.example", False),
        (
            "base_url: 'http://127.0.0.1:9000', egress_proxy: 'http://127.0.0.1:3128'",
            "https://docs.x.example",
            False,
        ),
    ],
)
def test_another_proxy_in_between_is_warned_of(
    provider: str, source: str, *, is_warned: bool
) -> None:
    known = profile(DOCUMENTED).model_copy(update={"sources": {"docs": source}})
    told = found(provider, known)
    assert told == ([("two-retry-layers", "base_url")] if is_warned else [])


def test_no_bundled_profile_is_warned_of_as_it_is_unless_it_knows_no_keys() -> None:
    for name in profile_names():
        known = load_profile(name)
        expected = [] if known.idempotency else [NO_KEY]
        assert found(f"profile: {name}", known) == expected, name
