"""A config as its text: what it means, or what is wrong with it."""

import pytest

from proxy.settings import ConfigError, Fault, Settings
from proxy.settings.file import parse
from proxy.settings.load import build


def faults(text: str | bytes, **environ: str) -> tuple[Fault, ...]:
    data = text.encode() if isinstance(text, str) else text
    with pytest.raises(ConfigError) as caught:
        build(parse(data), environ)
    return caught.value.faults


def settings(text: str, **environ: str) -> Settings:
    return build(parse(text.encode()), environ)


def provider(*lines: str) -> str:
    """A config with one provider, whose own lines begin on line 4."""
    return "\n".join(
        ["providers:", "  x:", "    base_url: https://x.example", *("    " + x for x in lines)]
    )
