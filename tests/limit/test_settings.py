"""What may be set of the limits."""

import pytest
from pydantic import ValidationError

from proxy.limit import RateLimitSettings
from proxy.terms.units import Rate


def test_a_limit_has_a_name_of_its_own() -> None:
    with pytest.raises(ValidationError, match="choose another"):
        RateLimitSettings.model_validate({"name": "concurrency", "rate": "5/s"})


def test_a_rate_is_read_as_it_is_written() -> None:
    settings = RateLimitSettings.model_validate({"name": "account", "rate": "1000/1m"})
    assert settings.rate == Rate(1000, 60.0)
