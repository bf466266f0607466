"""A file that is no config, whatever it holds, is told of with a line; YAML keeps its words."""

import json
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.settings import ConfigError, Fault, Settings, load
from proxy.settings.file import MAX_BYTES, parse
from proxy.settings.load import build
from tests.support.config import faults, provider, settings


@pytest.mark.parametrize(
    ("text", "line", "told"),
    [
        ("a: [1", 2, "not YAML"),
        ("a: 1\nb: :\n  - c: d: e", 2, "not YAML"),
        ("a: 1\n\tb: 2", 2, "not YAML"),
        ("a: *none", 1, "alias"),
        ("a: 1\nb: !!python/none x", 2, "tag"),
        ("a: !!str 1", 1, "tag"),
        ("a: &a [*a]", 1, "alias"),
        ("listen: x\nadmin: y\nlisten: z", 3, "is set twice; the first time on line 1"),
        ("- a", 1, "must be a mapping"),
        ("a", 1, "must be a mapping"),
        ("? {a: b}\n: c", 1, "a key must be plain text"),
        ("a: 1\n---\nb: 2", 2, "a second document"),
        ("a: \x00", 1, "not YAML"),
        ("a: 1\nb: \x07", 2, "not YAML"),
        ("a: " + "[" * 100_000, 1, "nested too deeply"),
        ("a: " + "{a: " * 1000, 1, "nested too deeply"),
        ("a: [" + "1," * 30_000 + "]", 1, "more than"),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_told_with_a_line(
    text: str, line: int, told: str
) -> None:
    assert any(each.line == line and told in each.message for each in faults(text))


def test_aliases_that_multiply_are_refused() -> None:
    rows = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    rows += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    assert any("more than" in each.message for each in faults("\n".join(rows)))


def test_an_alias_stands_for_what_its_anchor_says() -> None:
    found = settings(
        "providers:\n  a: {base_url: simulator, timeouts: &t {total: 20s}}\n"
        "  b: {base_url: simulator, timeouts: *t}\n"
    )
    assert found.providers["b"].timeouts.total == 20.0


def test_a_file_that_is_not_text_is_told_with_a_line() -> None:
    assert faults(b"a: 1\nb: \xff") == (Fault("", "the file is not UTF-8", 2),)


def test_a_file_larger_than_a_mebibyte_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "large.yaml"
    path.write_bytes(b"#" * (MAX_BYTES + 1))
    with pytest.raises(ConfigError, match="larger than 1 MiB"):
        load(str(path), {})


@pytest.mark.parametrize("text", ["", "# nothing\n", "---\n", "null", "{}"])
def test_an_empty_file_has_no_provider(text: str) -> None:
    assert faults(text) == (Fault("providers", "is required"),)


@pytest.mark.parametrize("path", ["/none/x.yaml", "/", "\0"])
def test_a_file_that_cannot_be_read_is_one_line(path: str) -> None:
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        load(path, {})
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("line", "mode"),
    [("mode: off", "off"), ("mode: 'off'", "off"), ("mode: forward", "forward")],
)
def test_words_that_yaml_once_took_for_switches_stay_words(line: str, mode: str) -> None:
    found = settings(provider(f"idempotency: {{{line}}}")).providers["x"]
    assert found.idempotency.mode == mode


def test_an_octal_mode_needs_no_quotes() -> None:
    assert settings("socket_mode: 0640\n" + provider()).socket_mode == "0640"


@given(st.text())
def test_no_text_raises_anything_but_a_config_error(text: str) -> None:
    with pytest.raises(ConfigError):
        build(parse(text.encode(errors="surrogatepass")), {})


_plain = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=12),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["base_url", "x", "routes", "headers", "name", "listen", "tls", "total"]
            ),
            inner,
            max_size=3,
        )
    ),
    max_leaves=12,
)


@given(st.sampled_from([*Settings.model_fields, "other"]), _plain)
def test_no_value_raises_anything_but_a_config_error(key: str, value: object) -> None:
    environ = {f"PAYSLUICE__{key.upper()}": json.dumps(value)}
    with suppress(ConfigError):
        build(parse(b"providers: {x: {base_url: simulator}}"), environ)
