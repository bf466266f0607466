"""The URL of an egress proxy may hold a password that rotates: used where it is this proxy's."""

from pathlib import Path

import pytest

from proxy.settings import SecretText
from proxy.settings.egress import EgressProxy, parse_egress_proxy

OLD = b"Basic dXNlcjpvbGQ="  # user:old
NEW = b"Basic dXNlcjpuZXc="  # user:new


def at(folder: Path) -> tuple[EgressProxy, Path]:
    file = folder / "proxy.url"
    file.write_text("http://user:old@proxy.test:3128")
    return parse_egress_proxy(SecretText.parse(f"${{file:{file}}}", {})), file


def test_a_password_that_rotates_is_used(tmp_path: Path) -> None:
    egress, file = at(tmp_path)
    assert (egress.host, egress.port) == ("proxy.test", 3128)
    assert egress.authorization(10.0) == OLD
    file.write_text("http://user:new@proxy.test:3128/")
    assert egress.authorization(10.5) == OLD
    assert egress.authorization(11.0) == NEW
    file.write_text("http://proxy.test:3128")
    assert egress.authorization(12.0) is None


@pytest.mark.parametrize(
    "text",
    [
        "http://user:new@other.test:3128",
        "http://user:new@proxy.test:3129",
        "https://user:new@proxy.test:3128",
        "http://user:new@[proxy.test:3128",
        "http://user:new@proxy.test:99999",
        "CANARY",
    ],
)
def test_what_is_no_url_of_this_proxy_changes_nothing(tmp_path: Path, text: str) -> None:
    egress, file = at(tmp_path)
    file.write_text(text)
    assert egress.authorization(10.0) == OLD
    assert (egress.host, egress.port) == ("proxy.test", 3128)
    file.write_text("http://user:new@proxy.test:3128")
    assert egress.authorization(20.0) == NEW


def test_it_is_shown_to_nobody_and_equal_where_its_url_is(tmp_path: Path) -> None:
    egress, _ = at(tmp_path)
    assert "old" not in f"{egress} {egress!r}"
    same = EgressProxy(SecretText.literal("http://user:old@proxy.test:3128"))
    other = EgressProxy(SecretText.literal("http://user:new@proxy.test:3128"))
    assert same == EgressProxy(SecretText.literal("http://user:old@proxy.test:3128"))
    assert hash(same) == hash(other)
    assert same != other
