"""Paths that are followed without JMESPath give what JMESPath gives."""

import jmespath
import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.providers import compile_path

LEAVES = st.sampled_from([None, True, False, 0, 1, 0.0, "", "x", [], {}])
TREES = st.recursive(
    LEAVES,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from("ab"), inner),
    max_leaves=8,
)


@pytest.mark.parametrize(
    "path", ["a", "a.b", "a[1]", "a[0].b", "a || b", "a.b||b[0] || b", "b.a || a.a || a"]
)
@given(tree=TREES)
def test_a_plain_path_gives_what_jmespath_gives(path: str, tree: object) -> None:
    assert compile_path(path)(tree) == jmespath.search(path, tree)
