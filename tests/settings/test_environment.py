"""The environment beats the file; what it does not know is an error."""

import pytest

from proxy.settings import Address, ConfigError, Fault, Settings
from proxy.settings.file import parse
from proxy.settings.load import build

FILE = b"""
listen: 127.0.0.1:8080
providers:
  spotflow:
    base_url: https://api.example.com
    headers: {X-Api-Key: "${env:NOT_SET}", X-Other: other}
    timeouts: {attempt: 5s, total: 9s}
    routes: [{name: a, match: GET /a}, {name: b, match: GET /b}]
"""


def settings(**environ: str) -> Settings:
    return build(parse(FILE), {"NOT_SET": "key", **environ})


def faults(file: bytes = FILE, /, **environ: str) -> tuple[Fault, ...]:
    with pytest.raises(ConfigError) as caught:
        build(parse(file), {"NOT_SET": "key", **environ})
    return caught.value.faults


def test_one_value_is_overridden_and_its_neighbours_stay() -> None:
    found = settings(PAYSLUICE__PROVIDERS__SPOTFLOW__TIMEOUTS__TOTAL="7s")
    timeouts = found.providers["spotflow"].timeouts
    assert (timeouts.attempt, timeouts.total) == (5.0, 7.0)


def test_a_whole_number_a_switch_and_a_null_are_read_as_such() -> None:
    found = settings(
        PAYSLUICE__PROVIDERS__SPOTFLOW__RETRY__MAX_ATTEMPTS="1",
        PAYSLUICE__PROVIDERS__SPOTFLOW__IDEMPOTENCY__TRUSTED="true",
        PAYSLUICE__ADMIN_TOKEN="null",
    )
    provider = found.providers["spotflow"]
    assert (provider.retry.max_attempts, provider.idempotency.trusted) == (1, True)
    assert found.admin_token is None


def test_a_list_is_replaced_whole() -> None:
    found = settings(
        PAYSLUICE__PROVIDERS__SPOTFLOW__ROUTES='[{"name": "c", "match": "PUT /c"}]',
        PAYSLUICE__LISTEN='["[::1]:1", "unix:/run/x.sock"]',
    )
    assert [route.name for route in found.providers["spotflow"].routes] == ["c"]
    assert found.listen == (Address("::1", 1), Address(path="/run/x.sock"))


def test_an_address_in_brackets_is_no_list() -> None:
    assert settings(PAYSLUICE__LISTEN="[::1]:8080").listen == (Address("::1", 8080),)


def test_a_mapping_is_merged_into_the_file() -> None:
    found = settings(PAYSLUICE__PROVIDERS__SPOTFLOW__TIMEOUTS='{"total": "7s"}')
    assert found.providers["spotflow"].timeouts.attempt == 5.0


def test_a_provider_may_come_from_the_environment_alone() -> None:
    found = settings(PAYSLUICE__PROVIDERS__ACME__BASE_URL="https://acme.example/v1")
    assert found.providers["acme"].mount == "/acme/"
    assert str(found.providers["acme"].base_url) == "https://acme.example/v1"


def test_a_header_is_found_whatever_its_case_and_hyphens() -> None:
    found = settings(
        PAYSLUICE__PROVIDERS__SPOTFLOW__HEADERS__X_API_KEY="Key ${env:NEW}",
        PAYSLUICE__PROVIDERS__SPOTFLOW__HEADERS__X_NEW_ONE="1",
        NEW="new",
    )
    headers = found.providers["spotflow"].headers
    assert {name: value.reveal(0.0) for name, value in headers.items()} == {
        "X-Api-Key": "Key new",
        "X-Other": "other",
        "X-New-One": "1",
    }


def test_a_secret_that_is_overridden_need_not_be_there() -> None:
    found = build(
        parse(FILE), {"PAYSLUICE__PROVIDERS__SPOTFLOW__HEADERS__X_API_KEY": "from elsewhere"}
    )
    assert found.providers["spotflow"].headers["X-Api-Key"].reveal(0.0) == "from elsewhere"


@pytest.mark.parametrize(
    ("name", "value", "path", "told"),
    [
        ("PAYSLUICE__LISTEM", "x", "listem", "did you mean `listen`?"),
        ("PAYSLUICE__PROVIDERS__SPOTFLOW__RETRIES", "x", "providers.spotflow.retries", "`retry`?"),
        ("PAYSLUICE__", "x", "", "names no setting"),
        ("PAYSLUICE__LOG__", "x", "", "names no setting"),
        ("PAYSLUICE__LISTEN__0", "x", "listen.0", "a list is replaced whole"),
        ("PAYSLUICE__MAX_BODY", "large", "max_body", "a size is"),
        ("PAYSLUICE__LOG", "x", "log", "must be a mapping"),
        ("PAYSLUICE__ADMIN_OPEN", "[healthz", "admin_open", 'as JSON: ["a", "b"]'),
        ("PAYSLUICE__LOG", "[" * 500 + "]" * 500, "log", "nested too deeply"),
        ("PAYSLUICE__LOG", "[" * 100_000, "log", "must be a mapping"),
        ("PAYSLUICE__ADMIN_TOKEN", "${env:NO}", "admin_token", "NO is not set"),
        ("PAYSLUICE__PROVIDERS__SPOTFLOW__TIMEOUTS__TOTAL", "1s", None, "longer than `total`"),
    ],
)
def test_a_fault_of_the_environment_names_the_variable(
    name: str, value: str, path: str | None, told: str
) -> None:
    [fault] = faults(**{name: value})
    assert told in fault.message
    if path is None:  # the file's value no longer fits
        assert (fault.path, fault.line) == ("providers.spotflow.timeouts.attempt", 7)
    else:
        assert (fault.path, fault.line, fault.variable) == (path, None, name)
        assert str(fault).endswith(f"(from ${name})")


def test_two_variables_that_say_the_same_are_a_fault() -> None:
    found = faults(PAYSLUICE__LOG__LEVEL="debug", PAYSLUICE__log__level="info")
    assert [fault.path for fault in found] == ["log.level"]


def test_a_missing_setting_of_a_provider_in_the_environment_names_a_variable() -> None:
    [fault] = faults(PAYSLUICE__PROVIDERS__ACME__PAUSED="all")
    assert fault.path == "providers.acme.base_url"
    assert fault.variable == "PAYSLUICE__PROVIDERS__ACME__PAUSED"


def test_other_variables_are_nobodys_business() -> None:
    assert settings(PAYSLUICE_CONFIG="x", PAYSLUICEX="y", PATH="z") == settings()
