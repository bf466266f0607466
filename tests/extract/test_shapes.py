"""Codes, messages, ids and faulty fields are found where providers keep them."""

import json

import pytest

from proxy.extract import Extractor
from proxy.providers import compile_path, parse
from proxy.terms import Answer, Detail, Facts
from tests.support.reading import GENERIC, read

HEAD = "version: 1\nname: acme\ntitle: Acme\nfields:\n"
TAIL = "grade: assumed, evidence: docs/x.md}\n"


# Where common shapes keep things.


@pytest.mark.parametrize(
    ("body", "code", "message"),
    [
        ({"error": {"code": "E", "message": "m"}}, "E", "m"),
        ({"error": "invalid_grant", "error_description": "m"}, "invalid_grant", "m"),
        ({"error": "Too Many Requests", "message": "m"}, None, "m"),
        ({"error": "no such thing"}, None, "no such thing"),
        ({"errors": [{"id": "E", "message": "m"}]}, "E", "m"),
        ({"errors": "m m"}, None, "m m"),
        ({"fault": {"faultstring": "m", "detail": {"errorcode": "E"}}}, "E", "m"),
        ({"error_codes": ["E"], "error_type": "t"}, "E", "E"),
        ({"name": "STATE_INVALID", "message": "m"}, "STATE_INVALID", "m"),
        ({"name": "Bob", "id": "1", "message": "m"}, None, "m"),
        ({"type": "about:blank", "title": "m"}, None, "m"),
        ({"type": "https://acme.example/e", "title": "m"}, None, "m"),
        ([[], [{"code": "E", "message": "m"}]], "E", "m"),
        (["m", {"code": "E"}], "E", "m"),
        ({"amount": ["m"]}, None, "m"),
        ({"status": {"statusCode": "DENIED", "statusDesc": "m"}}, "DENIED", "m"),
    ],
)
def test_common_shapes_are_read(body: object, code: str | None, message: str | None) -> None:
    facts = read(body)
    assert (facts.code, facts.message) == (code, message)


def test_a_tree_of_errors_is_read_to_a_bound() -> None:
    body: object = {"code": "deep"}
    for _ in range(20):
        body = {"error": body}
    assert read(body).code is None
    wide = {f"k{n}": n for n in range(300)} | {"code": "E"}
    assert read(wide).code is None
    knot = {name: [{"errors": [{}], "data": {"x": 1}}] for name in ("error", "errors", "cause")}
    assert read({**knot, "status": {"a": 1}, "detail": {"b": 1}, "meta": {"c": 1}}).code is None
    nested: object = "x"
    for _ in range(12):
        nested = [nested]
    assert read({"errors": nested}).code is None


def test_what_hints_are_taken_from_is_bounded() -> None:
    body = {
        "errors": [f"E{n}" for n in range(99)],
        "error": {"errors": ["F"] * 9, "code": ["G"] * 9},
    }
    body = {"error": {"error": {"error": body, "code": "x"}, "errors": ["y"] * 9}, **body}
    answer = Answer(400, b"", (), json.dumps(body).encode())
    assert len(GENERIC.read(answer).words) <= 25


def test_ids_come_from_the_body_or_a_header() -> None:
    assert read({"traceId": "t", "spanId": "s"}).trace_id == "t"
    assert read({"spanId": "s"}).span_id == "s"
    assert read({}, (b"X-Request-Id", b"a, b")).trace_id == "a, b"
    assert read({}, (b"Paypal-Debug-Id", b"d"), (b"CF-RAY", b"c")).trace_id == "d"
    assert read({}, (b"CF-RAY", b"c"), (b"X-Amz-Cf-Id", b"x")).trace_id == "c"
    parent = b"00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"
    assert read({}, (b"traceparent", parent)).trace_id == "4bf92f3577b34da6a3ce929d0e0e4736"
    assert read({}, (b"traceparent", b"junk"), (b"Request-Id", b"")).trace_id is None


# Faulty fields.


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"errors": [{"field": "a", "message": "m"}]}, [("a", "m")]),
        ({"details": [{"issue": "I", "field": "/a"}]}, [("/a", "I")]),
        ({"errors": [{"source": {"pointer": "/a"}, "detail": "m"}]}, [("/a", "m")]),
        ({"errors": [{"source": {"x": 1}, "path": "p", "code": "c"}]}, [("p", "c")]),
        ({"errors": [{"source": {"parameter": "q"}}]}, [("q", "")]),
        ({"errors": [{"source": "api", "path": "p", "code": "c"}]}, [("p", "c")]),
        ({"detail": [{"loc": ["body", "a", 0], "msg": "m"}]}, [("body.a.0", "m")]),
        ({"detail": [{"loc": [], "msg": "m"}]}, []),
        ({"message": "x", "errors": {"a": ["m", "n"], "b": ["o"]}}, [("a", "m; n"), ("b", "o")]),
        ({"amount": ["m"], "non_field_errors": ["n"]}, [("amount", "m")]),
        ({"error_messages": ["m"]}, []),
        ({"error": {"message": "m", "param": "p"}}, [("p", "m")]),
        ({"error": {"param": "p"}}, [("p", "")]),
        ({"_embedded": {"errors": [{"path": "/a", "message": "m"}]}}, [("/a", "m")]),
        ({"errors": [[[{"errors": [{"field": "f"}]}]], "x", 3]}, [("f", "")]),
        ({"errors": [{"message": "no field"}]}, []),
        ({"errors": {"a": []}}, []),
        ([{"field": "a", "message": "m"}, {"field": "a", "message": "m"}], [("a", "m")]),
        ({"fieldType": 1, "errors": [{"fieldType": {"field": "a"}}]}, [("a", "")]),
    ],
)  # fmt: skip
def test_faulty_fields_are_found(body: object, expected: list[tuple[str, str]]) -> None:
    assert read(body).details == tuple(Detail(*pair) for pair in expected)


def test_faulty_fields_are_bounded() -> None:
    assert len(read({"errors": [{"field": f"f{n}"} for n in range(999)]}).details) == 50
    nested: object = [{"field": "f"}]
    for _ in range(9):
        nested = [nested]
    assert read({"errors": nested}).details == ()
    chain: object = {"errors": [{"field": "f"}]}
    for _ in range(30):
        chain = {"errors": [chain]}
    assert read(chain).details == ()


# The paths of a profile.


def test_a_profile_names_its_own_places() -> None:
    acme = Extractor(
        parse(
            f"{HEAD}  code: {{paths: ['a.b[0]', \"c || d\"], headers: X-Code,"
            f" pattern: '(?P<code>E\\d)( (?P<text>.+))?', {TAIL}"
            f"  message: {{paths: [note], {TAIL}"
            f"  trace_id: {{headers: [X-T], {TAIL}"
            f"  reference: {{paths: [id], {TAIL}"
            f"  details: {{paths: [x, bad], field: [n, 'm[0]'], description: t, {TAIL}",
            name="acme",
        )
    )

    def extract(body: object, *headers: tuple[bytes, bytes]) -> Facts:
        raw = json.dumps(body).encode()
        return acme.extract(Answer(status=400, reason=b"", headers=headers, body=raw))

    assert extract({"a": {"b": ["E1 text"]}}).code == "E1"
    assert extract({"a": {"b": ["E1 text"]}}).message == "text"
    assert extract({"a": {"b": []}, "d": "E2"}).code == "E2"
    assert extract({"a": []}, (b"x-code", b"odd")).code == "odd"
    assert extract({}).code is None
    assert extract({"code": "E9", "type": "t", "spanId": "s"}) == Facts(
        document={"code": "E9", "type": "t", "spanId": "s"}
    )
    found = extract({"note": "n", "id": 7}, (b"X-T", b"t"))
    assert (found.message, found.reference, found.trace_id) == ("n", "7", "t")
    assert extract({"message": "a common one"}).message == "a common one"
    assert extract({"bad": [{"n": "f", "t": "d"}, {"m": ["g"]}, 1]}).details == (
        Detail("f", "d"),
        Detail("g", ""),
    )
    assert extract({"x": [{}], "bad": 1, "errors": [{"field": "f"}]}).details == (Detail("f", ""),)
    assert acme.extract(Answer(400, b"", (), b"<html>no")).code is None


def test_a_pattern_may_have_no_text_and_a_code_no_pattern() -> None:
    bare = Extractor(
        parse(f"{HEAD}  code: {{paths: e, pattern: '(?P<code>\\w+)!', {TAIL}", name="acme")
    )
    facts = bare.extract(Answer(400, b"", (), b'{"e":"E!"}'))
    assert (facts.code, facts.message) == ("E", None)
    plain = Extractor(parse(f"{HEAD}  code: {{paths: e, {TAIL}", name="acme"))
    assert plain.extract(Answer(400, b"", (), b'{"e":"E!"}')).code == "E!"
    silent = Extractor(parse(f"{HEAD}  type: {{paths: t, {TAIL}", name="acme"))
    assert silent.extract(Answer(400, b"", (), b'{"e":"E!","code":"x"}')).code is None


@pytest.mark.parametrize(
    ("path", "tree", "value"),
    [
        ("a", {"a": 1}, 1),
        ("a", [1], None),
        ("a.b", {"a": {"b": 1}}, 1),
        ("a.b", {"a": [1]}, None),
        ("a[1]", {"a": [1, 2]}, 2),
        ("a[1]", {"a": [1]}, None),
        ("a[0].b", {"a": {"b": 1}}, None),
        ("type(@)", [], "array"),
        ("sum(a)", {"a": ["x"]}, None),
    ],
)
def test_a_path_gives_what_stands_there(path: str, tree: object, value: object) -> None:
    assert compile_path(path)(tree) == value


def test_a_path_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="JMESPath"):
        compile_path("a[")
