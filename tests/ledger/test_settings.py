"""An operator who sets nothing neither invents keys nor trusts a provider without proof."""

import pytest
from pydantic import ValidationError

from proxy.ledger.settings import IdempotencySettings


def test_by_default_nothing_is_trusted_generated_or_required() -> None:
    settings = IdempotencySettings()
    assert settings.mode == "auto"
    assert not any((settings.trusted, settings.generate, settings.require_key))
    assert settings.record_for == 86400.0


@pytest.mark.parametrize("header", ["", "a b", "x:y", "é"])
def test_a_header_that_could_not_be_sent_is_refused(header: str) -> None:
    with pytest.raises(ValidationError):
        IdempotencySettings(header=header)
