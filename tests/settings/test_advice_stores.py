"""What is warned of stores that are not meant for as many sidecars as there may be."""

import pytest

from proxy.settings import warnings
from proxy.settings.file import parse
from proxy.settings.load import build

LIMITED = "rate_limits: [{name: a, rate: 1/s}]"
PROBED = "admin: 0.0.0.0:9090\nadmin_token: ${env:T}\nadmin_open: [healthz, readyz]\n"
SQLITE = "ledger: 'sqlite:/l.db'"
POSTGRESQL = "ledger: 'postgresql://h/d'"
REDIS = "limits: 'redis://h'"


def found(top: str, stores: str, provider: str = LIMITED) -> list[tuple[str, str]]:
    text = f"{top}stores: {{{stores}}}\nproviders: {{x: {{base_url: simulator, {provider}}}}}"
    settings = build(parse(text.encode()), {"T": "token"})
    return [(each.rule.value, each.fault.path) for each in warnings(settings)]


@pytest.mark.parametrize(("top", "stores"), [(PROBED, SQLITE), ("", f"{SQLITE}, {REDIS}")])
def test_a_ledger_in_a_file_is_said_to_be_one_sidecars(top: str, stores: str) -> None:
    assert found(top, stores) == [("one-sidecar", "stores.ledger")]


def test_beside_its_application_alone_a_file_is_as_it_should_be() -> None:
    assert found("", SQLITE) == []
    assert found(PROBED, f"{POSTGRESQL}, {REDIS}") == []


@pytest.mark.parametrize("scheme", ["postgresql", "postgres"])
def test_where_the_ledger_is_shared_and_the_limits_are_not_that_is_said(scheme: str) -> None:
    stores = POSTGRESQL.replace("postgresql", scheme)
    assert found("", stores) == [("limits-apart", "stores.limits")]
    assert found("", stores, "paused: none") == []


def test_webhooks_of_payments_that_only_memory_knows_are_warned_of() -> None:
    told = "webhook: {secret: '${env:T}'}"
    listen = "webhooks: 127.0.0.1:9443\n"
    assert found(listen, "ledger: memory", told) == [("webhook-in-memory", "providers.x.webhook")]
    assert found(listen, SQLITE, told) == []
