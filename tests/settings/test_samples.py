"""The configurations that we ship are valid, complete and say what the models say."""

from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import BaseModel

from proxy.settings import Address, ProviderSettings, Settings, load, redacted, warnings

ROOT = Path(__file__).parents[2]
FULL = ROOT / "config" / "paysluice.yaml"
DOCS = ROOT / "docs" / "configuration.md"


def _members(model: type[BaseModel], prefix: str = "") -> list[str]:
    """All settings of *model*, those of the models inside it included."""
    found: list[str] = []
    for name, field in model.model_fields.items():
        annotation = field.annotation
        if isinstance(annotation, type) and issubclass(annotation, BaseModel):
            found += _members(annotation, f"{prefix}{name}.")
        else:
            found.append(f"{prefix}{name}")
    return found


def _at(values: Any, path: str) -> Any:
    for step in path.split("."):
        values = values[step]
    return values


def test_the_complete_sample_has_every_setting() -> None:
    written = yaml.safe_load(FULL.read_text())
    for path in _members(Settings):
        _at(written, path)
    for path in _members(ProviderSettings):
        _at(written["providers"]["acme"], path)


def test_the_complete_sample_says_nothing_but_the_defaults(tmp_path: Path) -> None:
    least = tmp_path / "least.yaml"
    least.write_text("providers: {acme: {base_url: https://api.example.com/api/v1}}")
    assert load(str(FULL), {}) == load(str(least), {})


def test_the_quickstart_in_the_package_is_the_one_in_config() -> None:
    packaged = ROOT / "proxy" / "quickstart.yaml"
    assert packaged.read_bytes() == (ROOT / "config" / "quickstart.yaml").read_bytes()


def test_without_a_file_the_quickstart_is_what_runs() -> None:
    settings = load(None, {})
    assert settings.listen == (Address("127.0.0.1", 8080),)
    assert settings.admin == Address("127.0.0.1", 9090)
    assert list(settings.providers) == ["sim"]
    sim = settings.providers["sim"]
    assert (sim.profile, sim.mount, sim.account) == ("sim", "/sim/", "sim")
    assert sim.base_url.is_simulator
    assert warnings(settings) == ()


def test_the_variable_names_the_file_where_the_command_line_does_not() -> None:
    settings = load(None, {"PAYSLUICE_CONFIG": str(FULL)})
    assert list(settings.providers) == ["acme"]


def test_the_effective_config_can_be_loaded_again(tmp_path: Path) -> None:
    settings = load(str(FULL), {})
    again = tmp_path / "again.yaml"
    again.write_text(yaml.safe_dump(redacted(settings)))
    assert load(str(again), {}) == settings


@pytest.mark.parametrize("path", _members(Settings) + _members(ProviderSettings))
def test_the_reference_explains_every_setting(path: str) -> None:
    assert f"`{path}`" in DOCS.read_text()
