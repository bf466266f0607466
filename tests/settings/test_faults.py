"""Whatever is wrong is told at once: with its path, its line and what to write instead."""

import pytest

from proxy.settings import Fault
from tests.support.config import faults, provider, settings


@pytest.mark.parametrize(
    ("lines", "path", "line", "told"),
    [
        (["retry: {max_attempts: 0}"], "retry.max_attempts", 4, "must be at least 1"),
        (["retry:", "  max_attemps: 2"], "retry.max_attemps", 5, "did you mean `max_attempts`?"),
        (["retry: {max_attempts: two}"], "retry.max_attempts", 4, "must be a whole number"),
        (["retry: 3"], "retry", 4, "must be a mapping"),
        (["retry: {backoff: {base: 9s}}"], "retry.backoff.base", 4, "not be longer than `cap`"),
        (["timeouts: {total: 5}", "x: 1"], "x", 5, "unknown key"),
        (["timeouts: {total: 5s}"], "timeouts.attempt", 4, "not be longer than `total`"),
        (["timeouts: {total: 5 s}"], "timeouts.total", 4, "a duration is a number with a unit"),
        (["timeouts: {total: 0s}"], "timeouts.total", 4, "must be more than 0"),
        (["connections: {age: 1s}"], "connections.idle", 4, "not be longer than `age`"),
        (["paused: yes"], "paused", 4, "must be one of 'none', 'payments' or 'all'"),
        (["mount: x"], "mount", 4, "begins and ends with `/`"),
        (["mount: /_paysluice/x/"], "mount", 4, "Paysluice's own"),
        (["mount: /a/../b/"], "mount", 4, "begins and ends"),
        (["account: 12"], "account", 4, "must be text"),
        (["account: ''"], "account", 4, "must not be empty"),
        (["account: '${env:HOME}'"], "account", 4, "environment variable HOME is not set"),
        (["headers: {Host: a}"], "headers.Host", 4, "Paysluice's own"),
        (["headers: {Paysluice-X: a}"], "headers.Paysluice-X", 4, "Paysluice's own"),
        (["headers: {a b: c}"], "headers.?", 4, "the name of a header is made of"),
        (["headers: {A: b, a: c}"], "headers", 4, "there twice"),
        (["headers: {A: 1}"], "headers.A", 4, "a number needs quotes"),
        (["headers:", '  A: "a\\r\\nB: c"'], "headers.A", 5, "holds a line break"),
        (["headers: {A: '${env:NONE}'}"], "headers.A", 4, "variable NONE is not set"),
        (["headers: {A: '${file:/none}'}"], "headers.A", 4, "/none cannot be read: No such file"),
        (["headers: {A: '${file:none}'}"], "headers.A", 4, "absolute path"),
        (["headers: {A: '${file:/}'}"], "headers.A", 4, "/ cannot be read: Is a directory"),
        (["headers: {A: '${NONE}'}"], "headers.A", 4, "is written ${env:NAME}"),
        (["tls: {ca: /none}"], "tls.ca", 4, "is no file that can be read"),
        (["tls: {cert: /dev/null}"], "tls.key", 4, "is required where `cert` is set"),
        (["tls: {min_version: 1.2}"], "tls.min_version", 4, "must be one of '1.2' or '1.3'"),
        (["idempotency: {mode: emulate}"], "idempotency.mode", 4, "set `stores.ledger`"),
        (["idempotency: {ignore_members: [amount]}"], "idempotency.ignore_members[0]", 4, "always"),
        (
            ["idempotency: {ignore_members: [a b]}"],
            "idempotency.ignore_members[0]",
            4,
            "no JMESPath",
        ),
        (["idempotency: {mode: on}"], "idempotency.mode", 4, "must be one of"),
        (["errors: {mode: raw}"], "errors.mode", 4, "must be one of"),
        (["outcomes: {lookup: maybe}"], "outcomes.lookup", 4, "must be one of"),
        (["webhook: {secret: a}"], "webhook.secret", 4, "set `webhooks` too"),
        (["listen: 127.0.0.1"], "listen", 4, "HOST:PORT"),
        (["listen: 127.0.0.1:9090"], "listen", 4, "listened on already"),
        (["egress_proxy: https://p:1"], "egress_proxy", 4, "must be http://HOST:PORT"),
        (["egress_proxy: http://p"], "egress_proxy", 4, "must be http://HOST:PORT"),
        (["egress_proxy: http://p:x"], "egress_proxy", 4, "must be http://HOST:PORT"),
        (["egress_proxy: http://p:1/x"], "egress_proxy", 4, "must be http://HOST:PORT"),
        (["egress_proxy: ''"], "egress_proxy", 4, "must be http://HOST:PORT"),
        (["tenant_headers: Stripe-Account"], "tenant_headers", 4, "must be a list"),
        (["tenant_headers: [a b]"], "tenant_headers[0]", 4, "the name of a header"),
        (["rate_limits:", "  - {name: a}"], "rate_limits[0].rate", 5, "is required"),
        (["rate_limits: [{name: a, rate: 5}]"], "rate_limits[0].rate", 4, "50/s"),
        (
            ["rate_limits:", "  - {name: a, rate: 1/s}", "  - {name: a, rate: 1/s}"],
            "rate_limits[1].name",
            6,
            "a is there twice",
        ),
        (["routes: [{name: a, match: /x}]"], "routes[0].match", 4, "a method and a path"),
        (["routes: [{name: a, match: 'GET /pay{id}'}]"], "routes[0].match", 4, "a whole segment"),
        (["routes: [{name: a, match: GET /a/../b}]"], "routes[0].match", 4, "no `..`"),
        (["routes: [{name: a, match: GET /caf\xe9}]"], "routes[0].match", 4, "visible ASCII"),
        (["routes: [{name: A, match: GET /x}]"], "routes[0].name", 4, "a name is made of"),
        (
            ["routes:", "- {name: a, match: 'GET /{x}'}", "- {name: b, match: 'GET /{y}'}"],
            "routes[1].match",
            6,
            "the route a matches the same",
        ),
        (["rate_limits: [{name: a, rate: 1/s, nmae: b}]"], "rate_limits[0].nmae", 4, "`name`?"),
        (["profile: Acme!"], "profile", 4, "a bundled profile, or a file"),
    ],
)
def test_a_fault_of_a_provider_has_its_path_its_line_and_its_reason(
    lines: list[str], path: str, line: int, told: str
) -> None:
    [fault] = [each for each in faults(provider(*lines)) if each.path == f"providers.x.{path}"]
    assert fault.line == line
    assert told in fault.message


@pytest.mark.item(26)
@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("ftp://x.example", "http:// or https://"),
        ("x.example", "http:// or https://"),
        ("https://", "http:// or https://"),
        ("https://x.example:99999", "http:// or https://"),
        ("https://user@x.example", "no user or password"),
        ("https://x.example/?a=b", "no query"),
        ("https://x.example/#a", "no query and no fragment"),
        ("https://x.example/a b", "percent-encoded"),
        ("https://x.example/a/../b", "dot segment"),
        ("https://x.example/%2e%2E/b", "dot segment"),
        ("https://x.example/..;x/y", "dot segment"),
        ("https://x.example/a%2F../b", "dot segment"),
        ("https://x.example/a%5Cb", "no backslash"),
        ("https://x.example/a//b", "empty segment"),
        ("https://x_-.example-", "host name"),
        ("https://999.1.1.1", "host name"),
        ("https://x.example:0", "port"),
        ("http://x.example", "plain http is for loopback only"),
        ("http://10.0.0.1:80", "plain http is for loopback only"),
    ],
)
def test_a_base_url_that_cannot_be_one_is_refused(url: str, told: str) -> None:
    [fault] = faults(f"providers:\n  x:\n    base_url: {url!r}")
    assert (fault.path, fault.line) == ("providers.x.base_url", 3)
    assert told in fault.message


@pytest.mark.parametrize(
    ("line", "path", "told"),
    [
        ("listen: 8080", "listen[0]", "HOST:PORT"),
        ("listen: :8080", "listen[0]", "HOST:PORT"),
        ("listen: 127.0.0.1:65536", "listen[0]", "HOST:PORT"),
        ("listen: ::1:80", "listen[0]", "HOST:PORT"),
        ("listen: [127.0.0.1:80, 'unix:x']", "listen[1]", "an absolute path"),
        (f"listen: unix:/{'x' * 120}", "listen[0]", "at most 107 bytes"),
        ("listen: []", "listen", "at least 1"),
        ("listen: [127.0.0.1:1, 127.0.0.1:1]", "listen", "listened on already"),
        ("admin: 127.0.0.1:8080", "admin", "listened on already"),
        ("admin: 0.0.0.0:9090", "admin_token", "is required"),
        ("admin_token: ''", "admin_token", "is empty"),
        ("admin_open: [config]", "admin_open[0]", "must be one of"),
        ("socket_mode: rw", "socket_mode", "octal mode"),
        ("max_body: 10MB", "max_body", "a size is a whole number with a unit"),
        ("log: {level: loud}", "log.level", "must be one of"),
        ("stores: {ledger: redis://x/0}", "stores.ledger", "a ledger is memory, sqlite:/path"),
        ("stores: {limits: postgresql://x/y}", "stores.limits", "is memory, or redis://"),
        ("stores: {limits: 'redis://'}", "stores.limits", "is memory, or redis://"),
        ("stores: {limits: 'redis://x:port'}", "stores.limits", "is memory, or redis://"),
        ("stores: {limits: 'redis://x/name'}", "stores.limits", "is memory, or redis://"),
        ("stores: {limits: 'redis://x/0?ssl_ca_certs'}", "stores.limits", "is memory, or redis://"),
        ("stores: {limits: 'redis://x/0?db=1'}", "stores.limits", "an option other than"),
        (
            "stores: {limits: 'rediss://x?ssl_keyfile=/none'}",
            "stores.limits",
            "ssl_keyfile no file",
        ),
        ("stores: {limits: mongo://x}", "stores.limits", "a store is memory"),
        ("listen_tls: {cert: /none, key: /none}", "listen_tls.cert", "no file that can be read"),
        ("listen_tls: {cert: /none}", "listen_tls.key", "is required"),
        ("webhooks: unix:/x", "webhooks", "HOST:PORT"),
        ("tracing: {otlp: collector}", "tracing.otlp", "an address such as"),
        ("tracing: {otlp: 'http://x/v1/traces'}", "tracing.otlp", "an address such as"),
        ("provider: {}", "provider", "did you mean `providers`?"),
        ("_env_file: /etc/passwd", "_env_file", "unknown key"),
        ("self: 1", "self", "unknown key"),
        ("drain: {<<: {delay: 1s}}", "drain", "merge keys"),
    ],
)
def test_a_fault_of_the_whole_is_told_beside_those_of_its_providers(
    line: str, path: str, told: str
) -> None:
    found = faults(f"providers: {{x: {{base_url: simulator, bad: 1}}}}\n{line}")
    [fault] = [each for each in found if each.path == path]
    assert told in fault.message
    assert fault.line == (None if path == "admin_token" and "admin:" in line else 2)
    assert "providers.x.bad" in {each.path for each in found}


def test_all_faults_come_at_once_whatever_kind_they_are() -> None:
    found = faults(
        "listen: nope\n"
        "admin: 0.0.0.0:9090\n"
        "providers:\n"
        "  a: {base_url: http://a.example, timeouts: {attempt: 40s}, typo: 1}\n"
        "  b: {headers: {X: '${env:NONE}'}, errors: {mode: raw}}\n"
        "  c: {base_url: simulator, mount: /a/}\n",
        PAYSLUICE__PROVIDERS__A__PAUSED="maybe",
        PAYSLUICE__NOPE="1",
    )
    assert {each.path for each in found} == {
        "listen[0]",
        "admin_token",
        "providers.a.base_url",
        "providers.a.timeouts.attempt",
        "providers.a.typo",
        "providers.a.paused",
        "providers.b.headers.X",
        "providers.b.base_url",
        "providers.b.errors.mode",
        "providers.c.mount",
        "nope",
    }


@pytest.mark.parametrize("name", ["A", "a__b", "a-b", "", "x" * 65])
def test_a_provider_needs_a_name_that_the_environment_can_spell(name: str) -> None:
    [fault] = faults(f"providers:\n  {name!r}: {{base_url: simulator}}")
    assert "a name is made of" in fault.message
    assert fault.line == 2


@pytest.mark.parametrize(
    ("mounts", "told"),
    [
        (("/a/", "/a/"), "collides with the mount of x0"),
        (("/a/", "/a/b/"), "collides with the mount of x0"),
        (("/a/", "/"), "`/` is for where there is one provider"),
    ],
)
def test_two_providers_cannot_share_a_path(mounts: tuple[str, str], told: str) -> None:
    rows = [f"  x{n}: {{base_url: simulator, mount: {m}}}" for n, m in enumerate(mounts)]
    [fault] = faults("\n".join(["providers:", *rows]))
    assert told in fault.message
    assert fault.line == 3


def test_a_providers_name_may_not_give_it_a_mount_of_ours() -> None:
    [fault] = faults("providers:\n  _paysluice: {base_url: simulator}")
    assert (fault.path, fault.line) == ("providers._paysluice.mount", 2)
    assert "Paysluice's own" in fault.message


def test_one_provider_may_have_all_paths() -> None:
    assert settings(provider("mount: /")).providers["x"].mount == "/"


def test_a_missing_setting_is_told_at_the_line_of_what_it_is_missing_in() -> None:
    assert faults("providers:\n  x: {mount: /}") == (
        Fault("providers.x.base_url", "is required", 2),
    )
