"""Which Paysluice this is, and on what it runs."""

import platform
from importlib.metadata import PackageNotFoundError
from importlib.metadata import version as version_of


def paysluice_version() -> str:
    """Give the installed version, or `0+unknown` where only the source is there."""
    try:
        return version_of("paysluice")
    except PackageNotFoundError:
        return "0+unknown"


def describe() -> str:
    """Give the versions in one line."""
    python, aiohttp = platform.python_version(), version_of("aiohttp")
    return f"paysluice {paysluice_version()} (Python {python}, aiohttp {aiohttp})"
