"""What works and is seldom meant is warned of; limits name routes that are there."""

from pathlib import Path

import pytest

from proxy.settings import (
    Address,
    BaseUrl,
    Fault,
    Settings,
    check_routes,
    load,
    redacted,
    warnings,
)
from proxy.settings.file import parse
from proxy.settings.load import build


def settings(text: str) -> Settings:
    return build(parse(text.encode()), {"KEY": "key"})


@pytest.mark.item(117)
@pytest.mark.parametrize(
    ("text", "path", "line"),
    [
        ("listen: 0.0.0.0:8080\nproviders: {x: {base_url: simulator}}", "listen", 1),
        ("admin_token: t\nproviders: {x: {base_url: simulator}}", "admin_token", 1),
        (
            "providers:\n  x:\n    base_url: simulator\n    headers: {X-Api-Key: k}",
            "providers.x.headers.X-Api-Key",
            4,
        ),
        (
            "providers:\n  x:\n    base_url: http://x.example\n    allow_plaintext: true",
            "providers.x.base_url",
            3,
        ),
        (
            "providers:\n  x: {base_url: simulator, tls: {verify: false}}",
            "providers.x.tls.verify",
            2,
        ),
        (
            "drain: {timeout: 5s}\nproviders: {x: {base_url: simulator}}",
            "drain.timeout",
            1,
        ),
    ],
)
def test_what_is_unwise_is_warned_of(text: str, path: str, line: int) -> None:
    [fault] = warnings(settings(text))
    assert (fault.path, fault.line) == (path, line)


@pytest.mark.parametrize("member", ["generate", "trusted"])
def test_keys_that_are_off_do_nothing(member: str) -> None:
    keys = f"{{mode: off, {member}: true}}"
    found = settings(f"providers: {{x: {{base_url: simulator, idempotency: {keys}}}}}")
    assert [fault.path for fault in warnings(found)] == [f"providers.x.idempotency.{member}"]


def test_payments_without_a_key_are_warned_of_where_the_profile_places_none() -> None:
    keys = "{generate: true}"
    found = settings(f"providers: {{x: {{base_url: simulator, idempotency: {keys}}}}}")
    assert warnings(found) == ()
    assert [fault.path for fault in warnings(found, keyless={"x"})] == [
        "providers.x.idempotency",
        "providers.x.idempotency.generate",
    ]


@pytest.mark.parametrize(("mode", "paths"), [("native", ["errors.mode"]), ("envelope", [])])
def test_a_shape_that_nobody_knows_is_warned_of_where_it_is_asked_for(
    mode: str, paths: list[str]
) -> None:
    found = settings(f"providers: {{x: {{base_url: simulator, errors: {{mode: {mode}}}}}}}")
    assert warnings(found) == ()
    told = [fault.path for fault in warnings(found, shapeless={"x"})]
    assert told == [f"providers.x.{path}" for path in paths]


def test_a_key_that_is_not_wanted_is_not_warned_of() -> None:
    found = settings("providers: {x: {base_url: simulator, idempotency: {mode: off}}}")
    assert warnings(found, keyless={"x"}) == ()


def test_a_secret_by_reference_and_a_plain_header_are_not_warned_of() -> None:
    headers = "{Authorization: 'Bearer ${env:KEY}', X-Env: prod}"
    found = settings(f"providers: {{x: {{base_url: simulator, headers: {headers}}}}}")
    assert warnings(found) == ()


def test_a_limit_names_routes_of_the_config_or_of_the_profile() -> None:
    found = settings(
        "providers:\n"
        "  x:\n"
        "    base_url: simulator\n"
        "    routes: [{name: a, match: GET /a}]\n"
        "    rate_limits:\n"
        "      - {name: l, rate: 1/s, routes: [a, b, c]}\n"
    )
    assert check_routes(found, {"x": {"b"}}) == (
        Fault(
            "providers.x.rate_limits[0].routes[2]",
            "names a route that neither `routes` nor the profile has",
            6,
        ),
    )
    assert len(check_routes(found)) == 2


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
    found = settings(f"providers: {{x: {{base_url: {text!r}}}}}").providers["x"].base_url
    assert found == url
    assert found.authority == authority


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
    found = settings(f"listen: {text!r}\nproviders: {{x: {{base_url: simulator}}}}").listen
    assert found == (address,)
    assert str(found[0]) == text
    assert found[0].is_local is is_local


def test_the_dump_keeps_rates_and_lists() -> None:
    limits = "[{name: l, rate: 1000/1m, per: 'header:X'}]"
    found = settings(f"providers: {{x: {{base_url: simulator, rate_limits: {limits}}}}}")
    dump = redacted(found)
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
