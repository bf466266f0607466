"""Profiles are read with all faults at once, each with its place and line."""

from pathlib import Path

import pytest

from proxy.providers import Grade, ProfileError, load, names, parse, text
from proxy.providers.loader import _Loader

HEAD = "version: 1\nname: acme\ntitle: Acme\n"
CLAIM = "grade: {grade}\n    evidence: https://acme.example/errors\n"


def faults(source: str) -> list[tuple[str, int, str]]:
    with pytest.raises(ProfileError) as caught:
        parse(source, name="acme")
    return [(fault.path, fault.line, fault.message) for fault in caught.value.faults]


def rule(body: str, grade: str = "documented") -> str:
    return (
        f"{HEAD}routes:\n  - {{name: pay, match: POST /pay, effect: payment, grade: assumed,"
        f" evidence: docs/x.md}}\nrules:\n  - name: one\n    {CLAIM.format(grade=grade)}    {body}"
    )


def test_the_bundled_profiles_load_and_print() -> None:
    first = {"akua", "batchdata", "generic", "kineticpay", "sim", "spectrocoin", "spotflow"}
    assert first <= set(names())
    assert names() == sorted(names())
    for name in names():
        assert load(name).name == name
        assert f"name: {name}\n" in text(name)


def test_an_unknown_name_tells_the_known_ones() -> None:
    with pytest.raises(ProfileError, match=r"bundled are: .*akua, .*batchdata"):
        load("nope")


def test_a_file_is_taken_by_its_path(tmp_path: Path) -> None:
    file = tmp_path / "acme.yaml"
    file.write_bytes(b"\xef\xbb\xbf" + HEAD.encode())
    assert load(str(file)).title == "Acme"
    assert str(ProfileError("f", ())) == ""


def test_a_file_that_cannot_be_read_is_a_fault(tmp_path: Path) -> None:
    for name, content in {"odd.yaml": b"a: \xff", "big.yaml": b"#" * (1024 * 1024 + 1)}.items():
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ProfileError, match=r"UTF-8|1 MiB"):
            load(str(tmp_path / name))
    with pytest.raises(ProfileError, match="No such file"):
        load("./nope.yaml")


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("", ("", 1, "Input should be a valid dictionary or instance of Profile")),
        ("a: [", ("", 2, "is not YAML: ")),
        ("a: 1\nb: \x00", ("", 1, "is not YAML")),
        (f"{HEAD}x: &a 1\ny: *a\n", ("", 5, "an alias; write it out")),
        (f"{HEAD}x: 2024-99-99\n", ("", 1, "cannot be read: month")),
        (f"{HEAD}x: {'[' * 99}\n", ("", 4, "is nested too deep")),
        (f"{HEAD}name: other\n", ("name", 4, "stands twice")),
        (f"{HEAD}prefixes: [/caf\xe9]\n", ("prefixes.0", 4, "String should match pattern")),
        (f"{HEAD}nmae: x\n", ("nmae", 4, "Extra inputs are not permitted")),
        ("version: 2\nname: acme\ntitle: A\n", ("version", 1, "Input should be 1")),
        ("version: 1\nname: acme\n", ("title", 1, "Field required")),
    ],
)
def test_a_fault_tells_where_it_is(source: str, expected: tuple[str, int, str]) -> None:
    path, line, message = faults(source)[0]
    assert (path, line) == expected[:2]
    assert message.startswith(expected[2])


def test_all_faults_come_at_once_in_the_order_of_the_file() -> None:
    found = faults(
        "version: 1\nname: Acme\ntitle: A\nfields:\n  code: {paths: ['a['], grade: sure,"
        " evidence: x}\nrules:\n  - name: r\n    when: {status: 99}\n"
    )
    assert [(path, line) for path, line, _ in found] == [
        ("name", 2),
        ("fields.code.grade", 5),
        ("fields.code.paths.0", 5),
        ("rules.0.grade", 7),
        ("rules.0.evidence", 7),
        ("rules.0.then", 7),
        ("rules.0.when.status", 8),
    ]


@pytest.mark.parametrize(
    ("body", "grade", "message"),
    [
        # Rule 1: only what is documented licenses a repeat.
        ("when: {status: 503}\n    then: {transient: true}", "assumed", "license a repeat"),
        ("when: {status: 423}\n    then: {kind: throttled}", "observed", "license a repeat"),
        ("when: {status: 409}\n    then: {kind: in_progress}", "observed", "license a repeat"),
        # Rule 2: or frees a key.
        ("when: {status: 503}\n    then: {effect: none}", "assumed", "frees the key"),
        ("when: {code: X}\n    then: {effect: none}", "observed", "frees the key"),
        # Rule 3: or settles a payment.
        (
            "when: {status: 400}\n    then: {kind: declined}",
            "observed",
            "the provider decided",
        ),
        # Rule 5: errors inside a 2xx.
        (
            "embedded: true\n    when: {status: 200}\n    then: {kind: declined}",
            "documented",
            "names its `operations`",
        ),
        (
            "embedded: true\n    when: {operations: pay}\n    then: {kind: rejected}",
            "documented",
            "says `kind` and `effect`",
        ),
        (
            "embedded: true\n    when: {operations: pay, status: 404}\n    then: {kind: declined}",
            "documented",
            "its statuses are 2xx",
        ),
        ("when: {status: 200}\n    then: {transient: false}", "documented", "400 to 599"),
        # Rule 6, and contradictions.
        (
            "when: {status: 500}\n    then: {error_code: expired_card}",
            "documented",
            "a decline needs",
        ),
        ("when: {status: 400}\n    then: {kind: ok}", "documented", "`kind: ok` is none"),
        (
            "when: {status: 400}\n    then: {kind: throttled, effect: unknown}",
            "documented",
            "contradict each other",
        ),
        ("when: {status: 400}\n    then: {effect: settled}", "documented", "needs `kind:"),
        (
            "when: {status: 402}\n    then: {kind: declined, transient: true}",
            "documented",
            "never sent again",
        ),
        ("when: {}\n    then: {}", "documented", "at least one condition"),
        ("when: {body: [{path: a}]}\n    then: {}", "documented", "needs one of"),
        ("when: {message: '('}\n    then: {}", "documented", "not a regular expression"),
        ("when: {operations: nope}\n    then: {}", "documented", "no route is called 'nope'"),
        ("when: {status: {}}\n    then: {}", "documented", "frozenset"),
    ],
)
def test_a_rule_that_claims_too_much_is_refused(body: str, grade: str, message: str) -> None:
    assert message in " ".join(fault[2] for fault in faults(rule(body, grade)))


@pytest.mark.parametrize("grade", ["documented", "observed", "assumed"])
def test_a_rule_that_is_only_more_careful_needs_no_proof(grade: str) -> None:
    for body in (
        "when: {status: 5xx}\n    then: {transient: false}",
        "when: {status: 400}\n    then: {kind: duplicate}",
        "when: {status: [400, 404, 410-411]}\n    then: {effect: none}",
        "when: {status: 402}\n    then: {kind: declined, error_code: expired_card}",
        "when: {status: 422}\n    then: {error_code: expired_card}",
        "when: {code: X}\n    then: {error_code: invalid_amount, effect: unknown}",
    ):
        assert parse(rule(body, grade), name="acme").rules[0].grade == Grade(grade)


def test_names_that_lead_nowhere_are_faults() -> None:
    source = (
        f"{HEAD}codes: {{grade: assumed, evidence: nowhere, table: {{}}}}\n"
        "idempotency: {place: header, name: K, operations: [nope], grade: assumed,"
        " evidence: docs/x.md}\n"
    )
    assert faults(source) == [
        ("codes.evidence", 4, "'nowhere' is neither in `sources` nor a URL"),
        ("idempotency.0.operations", 5, "no route is called 'nope'"),
    ]


def test_a_fault_in_a_value_of_the_wrong_kind_points_at_the_value() -> None:
    found = faults(f"{HEAD}rules: 5\nroutes: [1]\nfields: {{code: [x]}}\n")
    assert [(path, line) for path, line, _ in found] == [
        ("rules", 4),
        ("routes.0", 5),
        ("fields.code", 6),
    ]


def test_rules_have_names_of_their_own() -> None:
    one = "  - {name: r, when: {status: 400}, then: {}, grade: assumed, evidence: docs/x.md}\n"
    assert "two rules are called 'r'" in faults(f"{HEAD}rules:\n{one}{one}")[0][2]


def test_a_field_says_where_and_a_pattern_what() -> None:
    tail = "grade: assumed, evidence: docs/x.md}\n"
    assert "needs `paths` or" in faults(f"{HEAD}fields:\n  code: {{{tail}")[0][2]
    bad = faults(f"{HEAD}fields:\n  code: {{paths: a, pattern: x, {tail}")[0][2]
    assert "named group" in bad


def test_a_bomb_of_brackets_is_a_fault_and_no_traceback() -> None:
    for bomb in ("[" * 5000, "[" * 5000 + "]" * 5000, f"{HEAD}routes:\n  {'- ' * 3000}x\n"):
        with pytest.raises(ProfileError):
            parse(bomb, name="acme")


def test_the_key_of_spotflow_is_a_guess_and_that_of_the_simulator_is_not() -> None:
    (spotflow,), (sim,) = load("spotflow").idempotency, load("sim").idempotency
    assert not spotflow.is_documented
    assert not spotflow.covers_failures
    assert sim.is_documented
    assert sim.covers_failures
    assert sim.ttl == 24 * 3600
    assert sim.covers("create_payment", "POST")
    assert not sim.covers("get_payment", "GET")


def test_a_key_may_be_for_named_operations() -> None:
    profile = parse(
        f"{HEAD}routes: [{{name: pay, match: 'POST /pay/{{id}}', effect: payment, grade: assumed,"
        " evidence: docs/x.md}]\n"
        "idempotency: {place: body, name: key, operations: pay, grade: assumed,"
        " evidence: docs/x.md}\n",
        name="acme",
    )
    assert profile.idempotency_of("pay", "PUT") is profile.idempotency[0]
    assert profile.idempotency_of("refund", "POST") is None
    assert (profile.routes[0].method, profile.routes[0].template) == ("POST", "/pay/{id}")


def test_every_claim_of_a_bundled_profile_has_evidence() -> None:
    assert "SafeLoader" in _Loader.__name__
    for name in names():
        for _, claim in load(name).claims():
            assert claim.evidence


def test_the_profile_of_the_manual_is_one() -> None:
    manual = (Path(__file__).parents[2] / "docs" / "providers.md").read_text(encoding="utf-8")
    written = manual.partition("```yaml\n")[2].partition("```")[0]
    assert parse(written, name="docs/providers.md").name == "acme"


@pytest.mark.parametrize("grade", ["observed", "assumed"])
@pytest.mark.parametrize(
    ("match", "effect"), [("POST /search", "read"), ("PATCH /x", "idempotent"), ("PUT /x", "read")]
)
def test_a_route_that_does_less_than_its_method_needs_proof(
    match: str, effect: str, grade: str
) -> None:
    source = (
        "version: 1\nname: acme\ntitle: Acme\nroutes:\n"
        f"  - {{name: search, match: {match}, effect: {effect}, grade: GRADE, evidence: https://a.b/c}}"
    )
    with pytest.raises(ProfileError) as refused:
        parse(source.replace("GRADE", grade), name="acme")
    assert "licenses a repeat" in refused.value.faults[0].message
    assert parse(source.replace("GRADE", "documented"), name="acme").routes[0].effect == effect


def test_a_fault_deeper_than_the_file_goes_points_at_where_it_ends() -> None:
    found = faults(rule("when: {body: [{path: a, equals: [[1]]}]}\n    then: {transient: false}"))
    assert {(path, line) for path, line, _ in found} == {("rules.0.when.body.0.equals.0", 10)}


def test_a_pattern_that_its_reader_refuses_is_a_fault_of_its_line() -> None:
    def refuse(match: str) -> None:
        msg = f"{match} is none"
        raise ValueError(msg)

    source = (
        f"{HEAD}routes:\n"
        "  - {name: a, match: GET /a, effect: read, grade: assumed, evidence: docs/x.md}\n"
        "  - {name: b, match: GET /b, effect: read, grade: assumed, evidence: docs/x.md}\n"
    )
    with pytest.raises(ProfileError) as caught:
        parse(source, name="acme", read_match=refuse)
    told = [(fault.path, fault.line, fault.message) for fault in caught.value.faults]
    assert told == [
        ("routes.0.match", 5, "GET /a is none"),
        ("routes.1.match", 6, "GET /b is none"),
    ]
