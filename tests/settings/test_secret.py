"""A secret is read again when its file changes, and shown to nobody."""

import json
import os
from pathlib import Path

import pytest

from proxy.settings import ConfigError, Rule, SecretText, load, redacted, warnings
from proxy.settings.file import parse
from proxy.settings.load import build
from proxy.settings.secret import MAX_BYTES, SecretError

CANARY = "sk_live_CANARY"


def test_text_and_references_mix(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("two\n")
    text = SecretText.parse(f"${{env:ONE}}:${{file:{file}}}!", {"ONE": "one\n"})
    assert text.reveal(0.0) == "one:two!"


def test_a_file_that_changed_is_read_again_after_a_second(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("old")
    text = SecretText.parse(f"Bearer ${{file:{file}}}", {})
    assert text.reveal(10.0) == "Bearer old"
    file.write_text("newer")
    assert text.reveal(10.9) == "Bearer old"
    assert text.reveal(11.0) == "Bearer newer"


def test_a_file_that_was_replaced_is_read_again(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    file.write_text("one")
    os.utime(file, ns=(0, 0))
    text = SecretText.parse(f"${{file:{file}}}", {})
    other = tmp_path / "other"
    other.write_text("two")
    os.utime(other, ns=(0, 0))
    other.rename(file)
    assert text.reveal(0.0) == "two"


@pytest.mark.parametrize("content", [None, "", "\n", "a\nb", "x" * (MAX_BYTES + 1)])
def test_the_old_text_stays_where_the_new_one_is_of_no_use(
    tmp_path: Path, content: str | None
) -> None:
    file = tmp_path / "secret"
    file.write_text("good")
    text = SecretText.parse(f"${{file:{file}}}", {})
    if content is None:
        file.unlink()
    else:
        file.write_text(content)
    assert text.reveal(5.0) == "good"
    file.write_text("better")
    assert text.reveal(6.0) == "better"


def test_text_without_a_file_is_never_looked_at_again() -> None:
    assert SecretText.literal("a").reveal(1e300) == "a"


@pytest.mark.parametrize("content", [b"", b"a\nb", b"\xff", b"\0", b"x" * (MAX_BYTES + 1)])
def test_a_file_of_no_use_is_refused_and_not_shown(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "secret"
    file.write_bytes(content)
    with pytest.raises(SecretError) as caught:
        SecretText.parse(f"${{file:{file}}}", {})
    assert str(file) in str(caught.value)


def test_a_pipe_is_refused_and_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(SecretError, match="not a regular file"):
        SecretText.parse(f"${{file:{tmp_path}/pipe}}", {})


def test_equal_where_the_parts_are_equal() -> None:
    one = SecretText.parse("a${env:X}", {"X": "1"})
    same = SecretText.parse("a${env:X}", {"X": "1"})
    other = SecretText.parse("a${env:X}", {"X": "2"})
    assert one == same
    assert hash(one) == hash(same)
    assert one != other
    assert one != "a1"


def _everywhere(canary: str) -> bytes:
    """A config with *canary* wherever a secret may stand."""
    return f"""
admin: 0.0.0.0:9090
admin_token: {canary}
stores: {{ledger: "postgresql://u:{canary}@h/d", limits: "redis://:{canary}@h/x"}}
providers:
  x:
    base_url: https://api.example.com
    headers: {{Authorization: Bearer {canary}}}
    egress_proxy: socks5://u:{canary}@p
    outcomes: {{credential: {canary}}}
    webhook: {{secret: {canary}}}
""".encode()


def _wrong(canary: str) -> bytes:
    """A config with *canary* where it makes faults of every kind."""
    return f"""
admin: {canary}
admin_token: ["{canary}"]
listen: {{a: {canary}}}
log: {{level: {canary}}}
max_body: {canary}
stores: {{ledger: "mongo://u:{canary}@h/d", ledger_key: "{canary}\\n", limits: [{canary}]}}
providers:
  x:
    base_url: https://u:{canary}@api.example.com
    profile: "{canary} !"
    headers: {{"Authorization Bearer {canary}": 1, X: "{canary}\\r\\n", Y: "{canary} ${{oops}}"}}
    retry: {{max_attempts: {canary}, backoff: {canary}}}
    timeouts: {{total: {canary}}}
    rate_limits: [{{name: "{canary}-", rate: {canary}, per: {canary}}}]
    idempotency: {{header: "{canary} x"}}
    account: ["{canary}"]
    egress_proxy: {{"{canary} x": 1}}
    routes: [{{name: {canary}, match: {canary}}}]
    tls: {{ca: {canary}, min_version: {canary}}}
    mount: {canary}
  y: {{base_url: "https://[{canary}]:x"}}
  z: {{base_url: "https://x:{canary}", paused: {canary}}}
""".encode()


def test_each_secret_in_plain_text_is_warned_of() -> None:
    text = SecretText.literal(CANARY)
    settings = load(None, {})
    provider = settings.providers["sim"]
    secretive = provider.model_copy(
        update={
            "outcomes": provider.outcomes.model_copy(update={"credential": text}),
            "webhook": provider.webhook.model_copy(update={"secret": text}),
        }
    )
    found = warnings(settings.model_copy(update={"providers": {"sim": secretive}}))
    assert [each.fault.path for each in found if each.rule is Rule.PLAIN_SECRET] == [
        "providers.sim.outcomes.credential",
        "providers.sim.webhook.secret",
    ]


@pytest.mark.parametrize("config", [_everywhere(CANARY), _wrong(CANARY)])
def test_no_fault_shows_a_secret(config: bytes) -> None:
    with pytest.raises(ConfigError) as caught:
        build(parse(config), {})
    assert len(caught.value.faults) >= 3
    assert CANARY not in str(caught.value)
    assert CANARY not in repr(caught.value)


def test_no_fault_of_the_environment_shows_a_secret() -> None:
    environ = {
        "PAYSLUICE__ADMIN_TOKEN": f"{CANARY}\n",
        "PAYSLUICE__MAX_BODY": CANARY,
        "PAYSLUICE__LISTEN": f'["{CANARY}',
        "PAYSLUICE__PROVIDERS__SIM__HEADERS": f'{{"{CANARY} ": "{CANARY}"}}',
        "PAYSLUICE__PROVIDERS__SIM__HEADERS__A": "${env:SECRET}",
        "SECRET": f"{CANARY}\nB: c",
    }
    with pytest.raises(ConfigError) as caught:
        load(None, environ)
    assert len(caught.value.faults) == 5
    assert CANARY not in str(caught.value)


def test_neither_repr_nor_dump_nor_warning_shows_a_secret() -> None:
    config = f"""
admin: 0.0.0.0:9090
admin_token: {CANARY}
providers:
  x:
    base_url: https://api.example.com
    headers: {{Authorization: Bearer {CANARY}, X-Api-Key: "${{env:SECRET}}"}}
"""
    settings = build(parse(config.encode()), {"SECRET": CANARY})
    assert settings.providers["x"].headers["X-Api-Key"].reveal(0.0) == CANARY
    shown = [repr(settings), str(settings), json.dumps(redacted(settings))]
    shown += [str(fault) for fault in warnings(settings)]
    shown += [str(settings.model_dump()), settings.model_dump_json(), format(settings.admin_token)]
    assert CANARY not in "".join(shown)
    assert redacted(settings)["admin_token"] == "***"
