"""What works and is seldom meant is warned of; limits name routes that are there."""

import re
from pathlib import Path

import pytest

from proxy.providers import Profile
from proxy.providers import load as load_profile
from proxy.providers import parse as parse_profile
from proxy.settings import (
    Address,
    BaseUrl,
    Fault,
    Rule,
    Settings,
    check_routes,
    load,
    redacted,
    warnings,
)
from proxy.settings.advice import MAX_ROUTES
from proxy.settings.file import parse
from proxy.settings.load import build


def settings(text: str) -> Settings:
    return build(parse(text.encode()), {"KEY": "key"})


PLAIN = "providers: {x: {base_url: simulator, %s}}"
DOCUMENTED = """
version: 1
name: x
title: X
sources: {docs: https://docs.x.example}
idempotency: {place: header, name: Key, methods: [POST], ttl: TTL, grade: GRADE, evidence: docs}
"""
NATIVE = """
native_errors: {body: {error: {message: '{message}'}}, grade: assumed, evidence: docs}
"""
STOP = "stop: {header: Should-Retry, value: 'false', grade: assumed, evidence: docs}\n"


def profile(
    *, grade: str = "documented", ttl: str = "24h", more: str = "", has_claim: bool = True
) -> Profile:
    text = DOCUMENTED if has_claim else DOCUMENTED.partition("idempotency")[0]
    return parse_profile(text.replace("GRADE", grade).replace("TTL", ttl) + more, name="x")


def found(text: str, known: Profile | None = None) -> list[tuple[str, str]]:
    """Give rule and path of each finding."""
    told = warnings(settings(text), {} if known is None else {"x": known})
    return [(each.rule.value, each.fault.path) for each in told]


@pytest.mark.item(117)
@pytest.mark.parametrize(
    ("text", "rule", "path", "line"),
    [
        (
            "listen: 0.0.0.0:8080\nproviders: {x: {base_url: simulator}}",
            "open-address",
            "listen",
            1,
        ),
        ("admin_token: t\nproviders: {x: {base_url: simulator}}", "plain-secret", "admin_token", 1),
        (
            "providers:\n  x:\n    base_url: simulator\n    headers: {X-Api-Key: k}",
            "plain-secret",
            "providers.x.headers.X-Api-Key",
            4,
        ),
        (
            "providers:\n  x:\n    base_url: http://x.example\n    allow_plaintext: true",
            "plaintext-upstream",
            "providers.x.base_url",
            3,
        ),
        (
            "providers:\n  x: {base_url: simulator, tls: {verify: false}}",
            "unverified-upstream",
            "providers.x.tls.verify",
            2,
        ),
        (
            "drain: {timeout: 5s}\nproviders: {x: {base_url: simulator}}",
            "short-drain",
            "drain.timeout",
            1,
        ),
        (
            "providers:\n  x: {base_url: simulator, timeouts: {attempt: 30s, total: 30s}}",
            "attempt-takes-all",
            "providers.x.timeouts.attempt",
            2,
        ),
    ],
)
def test_what_is_unwise_is_warned_of(text: str, rule: str, path: str, line: int) -> None:
    [finding] = warnings(settings(text))
    assert (finding.rule, finding.fault.path, finding.fault.line) == (rule, path, line)
    assert str(finding).endswith(f" (line {line}) [{rule}]")


def test_an_attempt_may_take_all_where_it_is_the_only_one() -> None:
    alone = "timeouts: {attempt: 30s, total: 30s}, retry: {max_attempts: 1}"
    assert found(PLAIN % alone) == []


@pytest.mark.parametrize("member", ["generate", "trusted"])
def test_keys_that_are_off_do_nothing(member: str) -> None:
    keys = f"idempotency: {{mode: off, {member}: true}}"
    assert found(PLAIN % keys, profile()) == [("no-effect", f"providers.x.idempotency.{member}")]


NO_KEY = ("no-key", "providers.x.idempotency")
ON_YOUR_WORD = ("key-on-your-word", "providers.x.idempotency.trusted")


@pytest.mark.parametrize(
    ("keys", "grade", "expected"),
    [
        ("{}", None, [NO_KEY]),
        ("{generate: true}", None, [NO_KEY, ("no-effect", "providers.x.idempotency.generate")]),
        ("{header: X-Key}", None, []),
        ("{trusted: true}", None, [ON_YOUR_WORD]),
        ("{mode: off}", None, []),
        ("{trusted: true}", "assumed", [ON_YOUR_WORD]),
        ("{trusted: true}", "documented", []),
        ("{}", "assumed", []),
        ("{}", "documented", []),
    ],
)
def test_repeats_that_rest_on_no_document_are_warned_of(
    keys: str, grade: str | None, expected: list[tuple[str, str]]
) -> None:
    known = profile(grade=grade or "documented", has_claim=grade is not None)
    assert found(PLAIN % f"idempotency: {keys}", known) == expected


@pytest.mark.parametrize(
    ("keys", "ttl", "is_warned"),
    [
        ("{}", "24h", False),
        ("{}", "30s", False),
        ("{}", "29s", True),
        ("{provider_key_ttl: 10s}", "24h", True),
        ("{mode: off}", "1s", False),
    ],
)
def test_a_key_forgotten_before_the_last_repeat_is_warned_of(
    keys: str, ttl: str, *, is_warned: bool
) -> None:
    told = found(PLAIN % f"idempotency: {keys}", profile(ttl=ttl))
    path = "providers.x.idempotency.provider_key_ttl"
    assert told == ([("key-forgotten-early", path)] if is_warned else [])


@pytest.mark.parametrize(
    ("errors", "more", "expected"),
    [
        ("errors: {mode: native}", "", "no-native-errors"),
        ("errors: {mode: native}", NATIVE, "two-retry-layers"),
        ("errors: {mode: native}, retry: {max_attempts: 1}", NATIVE, None),
        ("errors: {mode: native}", NATIVE + STOP, None),
        ("errors: {mode: envelope}", "", None),
    ],
)
def test_an_sdk_that_repeats_by_itself_or_reads_nothing_is_warned_of(
    errors: str, more: str, expected: str | None
) -> None:
    told = found(PLAIN % errors, profile(more=more))
    assert told == ([] if expected is None else [(expected, "providers.x.errors.mode")])


@pytest.mark.parametrize(("count", "is_warned"), [(MAX_ROUTES, False), (MAX_ROUTES + 1, True)])
def test_a_route_for_each_path_is_warned_of(count: int, *, is_warned: bool) -> None:
    routes = ", ".join(f"{{name: r{number}, match: GET /r/{number}}}" for number in range(count))
    told = found(PLAIN % f"routes: [{routes}]")
    assert told == ([("many-series", "providers.x.routes")] if is_warned else [])


def test_what_is_shipped_with_a_documented_provider_is_not_warned_of() -> None:
    for name in ("stripe", "sim"):
        assert found(PLAIN % f"profile: {name}", load_profile(name)) == []


def test_each_rule_has_its_section_and_each_section_its_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
    sections = re.findall(r"^## `([a-z-]+)`$", page, re.MULTILINE)
    assert sections == [rule.value for rule in Rule]


def test_a_secret_by_reference_and_a_plain_header_are_not_warned_of() -> None:
    headers = "{Authorization: 'Bearer ${env:KEY}', X-Env: prod}"
    assert found(PLAIN % f"headers: {headers}") == []


def test_a_limit_names_routes_of_the_config_or_of_the_profile() -> None:
    limited = settings(
        "providers:\n"
        "  x:\n"
        "    base_url: simulator\n"
        "    routes: [{name: a, match: GET /a}]\n"
        "    rate_limits:\n"
        "      - {name: l, rate: 1/s, routes: [a, b, c]}\n"
    )
    assert check_routes(limited, {"x": {"b"}}) == (
        Fault(
            "providers.x.rate_limits[0].routes[2]",
            "names a route that neither `routes` nor the profile has",
            6,
        ),
    )
    assert len(check_routes(limited)) == 2


@pytest.mark.item(25)
@pytest.mark.parametrize(
    ("text", "url", "authority"),
    [
        ("https://x.example", BaseUrl("https", "x.example", 443), "x.example"),
        ("https://X.example/", BaseUrl("https", "x.example", 443), "x.example"),
        ("https://x.example:8443/a/", BaseUrl("https", "x.example", 8443, "/a"), "x.example:8443"),
        ("http://[::1]:80/a", BaseUrl("http", "::1", 80, "/a"), "[::1]"),
        ("http://localhost:81", BaseUrl("http", "localhost", 81), "localhost:81"),
    ],
)
def test_a_base_url_is_taken_apart(text: str, url: BaseUrl, authority: str) -> None:
    base_url = settings(f"providers: {{x: {{base_url: {text!r}}}}}").providers["x"].base_url
    assert base_url == url
    assert base_url.authority == authority


@pytest.mark.parametrize(
    ("text", "address", "is_local"),
    [
        ("127.0.0.1:0", Address("127.0.0.1", 0), True),
        ("[::1]:8080", Address("::1", 8080), True),
        ("localhost:8080", Address("localhost", 8080), True),
        ("unix:/run/a b.sock", Address(path="/run/a b.sock"), True),
        ("0.0.0.0:8080", Address("0.0.0.0", 8080), False),
        ("[::]:8080", Address("::", 8080), False),
        ("host.example:8080", Address("host.example", 8080), False),
    ],
)
def test_an_address_is_taken_apart_and_put_together(
    text: str, address: Address, *, is_local: bool
) -> None:
    listen = settings(f"listen: {text!r}\nproviders: {{x: {{base_url: simulator}}}}").listen
    assert listen == (address,)
    assert str(listen[0]) == text
    assert listen[0].is_local is is_local


def test_the_dump_keeps_rates_and_lists() -> None:
    limits = "[{name: l, rate: 1000/1m, per: 'header:X'}]"
    limited = settings(f"providers: {{x: {{base_url: simulator, rate_limits: {limits}}}}}")
    dump = redacted(limited)
    providers = dump["providers"]
    assert isinstance(providers, dict)
    assert providers["x"]["rate_limits"][0]["rate"] == "1000/60s"
    assert dump["listen"] == ["127.0.0.1:8080"]


def test_loading_twice_gives_equal_settings(tmp_path: Path) -> None:
    path = tmp_path / "c.yaml"
    path.write_text("providers: {x: {base_url: simulator}}")
    one = load(str(path), {})
    path.write_text("\n\nproviders: {x: {base_url: simulator}}")
    assert one == load(str(path), {})
