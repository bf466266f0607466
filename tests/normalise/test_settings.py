"""An operator who sets nothing gets what the contract says."""

import pytest
from pydantic import ValidationError

from proxy.normalise.settings import ErrorSettings


def test_errors_are_envelopes_that_keep_the_provider_s_body() -> None:
    settings = ErrorSettings()
    assert (settings.mode, settings.embedded, settings.include_body) == (
        "envelope",
        "envelope",
        True,
    )


@pytest.mark.parametrize("setting", [{"mode": "html"}, {"embedded": "native"}, {"modes": "native"}])
def test_what_is_no_setting_is_refused(setting: dict[str, str]) -> None:
    with pytest.raises(ValidationError):
        ErrorSettings.model_validate(setting)
