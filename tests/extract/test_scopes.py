"""The members of an object by squashed name, and JSON read by two parsers to the same end."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.extract.document import read_document
from proxy.extract.scopes import Names, find_scopes, form_of

WORDS = Names("code", "type")


def test_of_two_names_that_become_one_the_first_counts() -> None:
    form = form_of({"Error_Code": 1, "type": 2, "errorcode": 3})
    assert form[Names("errorcode")] == (("errorcode", "Error_Code"),)


def test_the_more_telling_name_stands_first_and_each_once() -> None:
    form = form_of({"type": 1, "other": 2, "CODE": 3, "c-o-d-e": 4})
    assert form[WORDS] == (("code", "CODE"), ("type", "type"))


@pytest.mark.parametrize("length", [1, 128, 2000])
def test_a_form_is_read_however_long_its_names_are(length: int) -> None:
    name = "x" * length
    form = form_of({name: 1, "Code": 2})
    assert form[WORDS] == (("code", "Code"),)
    squashed = name[:128]
    assert form[Names(squashed)] == ((squashed, name),)


def test_the_same_form_with_other_values_is_read_anew() -> None:
    for value in (1, 2):
        (scope,) = find_scopes({"code": value})
        assert scope.members == {"code": value}


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=12,
)


@given(JSON, st.booleans())
def test_whatever_is_json_is_read_as_the_standard_library_reads_it(
    value: object, is_ascii: bool
) -> None:
    text = json.dumps({"a": value}, ensure_ascii=is_ascii)
    tree = read_document(text).tree
    assert json.dumps(tree) == json.dumps(json.loads(text))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ('{"a":1,"a":2}', {"a": 2}),
        ('{"a":18446744073709551616}', {"a": 2**64}),
        ('{"a":-9223372036854775809}', {"a": -(2**63) - 1}),
        ('{"a":NaN}', {"a": None}),
        ('{"a":1e999}', {"a": "1e999"}),
        ('{"a":"\\ud800"}', {"a": "\ud800"}),
        ('{"a":"b\tc"}', {"a": "b\tc"}),
        ('{"a":1} and more', {"a": 1}),
    ],
)
def test_what_json_does_not_allow_is_read_all_the_same(text: str, tree: object) -> None:
    assert read_document(text).tree == tree
