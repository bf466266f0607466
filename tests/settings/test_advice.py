"""What works and is seldom meant is warned of; limits name routes that are there."""

import re
from pathlib import Path

import pytest

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
from proxy.settings.address import parse_store
from proxy.settings.advice.process import MAX_PAIRS
from proxy.settings.file import parse
from proxy.settings.load import build


def settings(text: str) -> Settings:
    return build(parse(text.encode()), {"KEY": "key"})


PLAIN = "providers: {x: {base_url: simulator, %s}}"


def found(text: str) -> list[tuple[str, str]]:
    """Give rule and path of each finding."""
    return [(each.rule.value, each.fault.path) for each in warnings(settings(text))]


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
        (
            "providers:\n  x: {base_url: simulator, listen: '0.0.0.0:1'}",
            "open-address",
            "providers.x.listen",
            2,
        ),
        (
            "providers:\n  x: {base_url: simulator, egress_proxy: 'http://u:p@127.0.0.1:1'}",
            "plain-secret",
            "providers.x.egress_proxy",
            2,
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


KEYS = ["header: K", "trusted: true", "generate: true", "provider_key_ttl: 1h"]


@pytest.mark.parametrize("member", KEYS)
def test_what_is_set_of_keys_does_nothing_where_they_are_off(member: str) -> None:
    path = f"providers.x.idempotency.{member.partition(':')[0]}"
    assert found(PLAIN % f"idempotency: {{mode: off, {member}}}") == [("no-effect", path)]
    assert found(PLAIN % f"idempotency: {{{member}}}") == []


def routes(count: int) -> str:
    each = (f"{{name: r{number}, match: GET /r/{number}}}" for number in range(count))
    return f"routes: [{', '.join(each)}]"


def providers(*given: str) -> str:
    each = (f"p{number}: {{base_url: simulator, {text}}}" for number, text in enumerate(given))
    return f"providers: {{{', '.join(each)}}}"


@pytest.mark.parametrize(
    ("text", "path"),
    [
        (PLAIN % routes(MAX_PAIRS - 1), None),
        (PLAIN % routes(MAX_PAIRS), "providers.x.routes"),
        (providers(routes(9), routes(MAX_PAIRS - 10)), "providers.p1.routes"),
        (providers(*[routes(0)] * MAX_PAIRS), None),
        (providers(*[routes(0)] * (MAX_PAIRS + 1)), "providers"),
    ],
)
def test_more_routes_than_a_metric_has_room_for_are_warned_of(text: str, path: str | None) -> None:
    assert found(text) == ([] if path is None else [("many-series", path)])


@pytest.mark.parametrize(
    ("listen", "url", "is_warned"),
    [
        ("'127.0.0.1:8080'", "http://127.0.0.1:8080/a", True),
        ("'[::]:8080'", "http://localhost:8080", True),
        ("'127.0.0.1:8080'", "http://127.0.0.1:8081", False),
        ("'127.0.0.1:443'", "https://api.example.com", False),
        ("unix:/run/paysluice.sock", "http://127.0.0.1:8080", False),
    ],
)
def test_a_provider_that_is_this_sidecar_is_warned_of(
    listen: str, url: str, *, is_warned: bool
) -> None:
    told = found(f"listen: {listen}\nproviders: {{x: {{base_url: '{url}'}}}}")
    place = ("two-retry-layers", "providers.x.base_url")
    assert [each for each in told if each[0] != "open-address"] == ([place] if is_warned else [])


@pytest.mark.parametrize(
    ("egress", "is_warned"), [("127.0.0.1", False), ("[::1]", False), ("egress.example", True)]
)
def test_the_loopback_behind_an_egress_proxy_is_not_ours(egress: str, *, is_warned: bool) -> None:
    url = f"{{base_url: 'http://127.0.0.1:8080', egress_proxy: 'http://{egress}:3128'}}"
    expected = [("plaintext-upstream", "providers.x.base_url")] if is_warned else []
    assert found(f"providers: {{x: {url}}}") == expected


@pytest.mark.parametrize(
    ("header", "is_warned"),
    [
        ("X-Api-Key: k", True),
        ("X-Passphrase: k", True),
        ("X-Tenant: Bearer abc", True),
        ("X-Tenant: sk_live_abc", True),
        ("X-Tenant: bearer", False),
        ("X-Tenant: acme", False),
        ("Authorization: 'Bearer ${env:KEY}'", False),
    ],
)
def test_a_secret_is_known_by_its_field_or_by_its_look(header: str, *, is_warned: bool) -> None:
    path = f"providers.x.headers.{header.partition(':')[0]}"
    expected = [("plain-secret", path)] if is_warned else []
    assert found(PLAIN % f"headers: {{{header}}}") == expected


def test_a_secret_that_a_variable_holds_is_not_in_plain_text() -> None:
    text = b"providers: {x: {base_url: simulator, headers: {X-Api-Key: k, X-Token: t}}}"
    environ = {"PAYSLUICE__PROVIDERS__X__HEADERS__X_API_KEY": "other"}
    told = warnings(build(parse(text), environ))
    assert [each.fault.path for each in told] == ["providers.x.headers.X-Token"]


@pytest.mark.parametrize(
    ("url", "is_warned"),
    [
        ("postgresql://paysluice:word@db/ledger", True),
        ("postgresql://db/ledger?password=word", True),
        ("postgresql://paysluice@db:5432/ledger", False),
        ("sqlite:/var/lib/paysluice/ledger.db", False),
    ],
)
def test_a_password_within_the_url_of_a_store_is_warned_of(url: str, *, is_warned: bool) -> None:
    plain = settings(PLAIN % "paused: none")
    stores = plain.stores.model_copy(update={"ledger": parse_store(url)})
    told = warnings(plain.model_copy(update={"stores": stores}))
    assert [each.fault.path for each in told] == (["stores.ledger"] if is_warned else [])


def test_each_rule_has_its_section_and_each_section_its_rule() -> None:
    page = (Path(__file__).parents[2] / "docs" / "checks.md").read_text()
    _, *parts = re.split(r"^## ", page, flags=re.MULTILINE)
    assert [part.partition("\n")[0] for part in parts] == [f"`{rule}`" for rule in Rule]
    for part in parts:
        marks = re.findall(r"^\*\*(\w+):\*\* \S", part, re.MULTILINE)
        assert marks == ["Mend", "Accept"], part


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
