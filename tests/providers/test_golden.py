"""Every recorded answer of the bundled providers comes out as its case says."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from proxy.classify import Classifier
from proxy.providers import load, names
from proxy.terms import Answer, Delivery, ErrorCode, ErrorType, Kind
from tests.support.cases import (
    Case,
    case_providers,
    judge,
    load_cases,
    misses,
    outcome_of,
    route_of,
)

BUNDLED = names()
FIRST = {"akua", "batchdata", "generic", "kineticpay", "sim", "spectrocoin", "spotflow"}
PROFILES = {name: load(name) for name in BUNDLED}
CLASSIFIERS = {name: Classifier(profile) for name, profile in PROFILES.items()}
OWN_CASES = [case for name in BUNDLED for case in load_cases(name)]
FOREIGN_CASES = [
    case
    for name in case_providers()
    if name not in FIRST  # `generic` is judged by those it was not made with, described or not
    for case in load_cases(name, is_recorded=True)
    if case.status >= 400
]
MIN_GENERIC = 0.95
MISSES = json.loads((Path(__file__).parent / "misses.json").read_text(encoding="utf-8"))


def test_every_known_miss_is_a_case_with_a_reason_and_they_are_few() -> None:
    assert set(MISSES) <= {str(case) for case in OWN_CASES}
    assert all(MISSES.values())
    assert len(MISSES) <= len(OWN_CASES) * 0.03


@pytest.mark.parametrize("name", BUNDLED)
def test_every_bundled_profile_has_cases(name: str) -> None:
    assert load_cases(name)


@pytest.mark.parametrize("case", OWN_CASES, ids=str)
def test_an_answer_of_a_bundled_provider_means_what_its_case_says(case: Case) -> None:
    answered = judge(case, PROFILES[case.provider], CLASSIFIERS[case.provider])
    # A miss is known and has its reason (docs/providers.md), or there is none.
    assert bool(list(misses(case, answered))) is (str(case) in MISSES)
    if str(case) in MISSES:
        return
    if answered.error_code is not None:
        assert answered.is_embedded is (case.status < 400)


def test_generic_finds_the_error_type_of_providers_nobody_described() -> None:
    misses = [
        f"{case} {case.status}: {answered.error_code}, not {case.meaning['error_code']}"
        for case in FOREIGN_CASES
        if (answered := judge(case, PROFILES["generic"], CLASSIFIERS["generic"])).error_code is None
        or answered.error_code.type != case.meaning["error_type"]
    ]
    share = 1 - len(misses) / len(FOREIGN_CASES)
    print(f"generic: {share:.1%} of {len(FOREIGN_CASES)}", *misses, sep="\n  ")  # noqa: T201
    assert share >= MIN_GENERIC


@pytest.mark.parametrize("case", FOREIGN_CASES, ids=str)
def test_generic_is_never_bolder_about_a_payment_than_its_status(case: Case) -> None:
    answered = judge(case, PROFILES["generic"], CLASSIFIERS["generic"])
    outcome = outcome_of(answered)
    if case.method == "POST" and (case.status in {408, 409, 423} or case.status >= 500):
        assert outcome == "unknown"
        assert answered.error_code is not None
        assert answered.error_code.type is not ErrorType.DECLINED
    assert (outcome == "declined") is (case.status == 402)
    assert answered.is_transient is (case.status in {408, 425, 429, 500, 502, 503, 504})


@pytest.mark.item(73)
@pytest.mark.parametrize(
    "case",
    [case for name in case_providers() for case in load_cases(name) if case.status < 400],
    ids=str,
)
def test_generic_never_calls_a_success_an_error(case: Case) -> None:
    answered = judge(case, PROFILES["generic"], CLASSIFIERS["generic"])
    assert (answered.kind, answered.error_code) == (Kind.OK, None)


@pytest.mark.item(76)
@given(
    body=st.one_of(
        st.binary(max_size=400),
        st.text(max_size=200).map(lambda text: text.encode("utf-8", "surrogatepass")),
        st.recursive(
            st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=20),
            lambda inner: (
                st.lists(inner, max_size=4)
                | st.dictionaries(
                    st.sampled_from(
                        ["error", "errors", "code", "message", "details", "field", "x"]
                    ),
                    inner,
                    max_size=5,
                )
            ),
        ).map(lambda tree: json.dumps(tree).encode()),
    ),
    status=st.integers(100, 999),
    content_type=st.binary(max_size=40),
    coding=st.sampled_from([b"", b"gzip", b"deflate", b"br", b"gzip, deflate"]),
    name=st.sampled_from(BUNDLED),
    operation=st.sampled_from(["", "create_payment", "wallet_send"]),
)
def test_no_answer_is_too_odd_to_judge(
    body: bytes, status: int, content_type: bytes, coding: bytes, name: str, operation: str
) -> None:
    answer = Answer(
        status=status,
        reason=b"",
        headers=((b"Content-Type", content_type), (b"Content-Encoding", coding)),
        body=body,
    )
    answered = CLASSIFIERS[name].classify(
        answer,
        method="POST",
        operation=operation,
        effect=route_of(PROFILES[name], "POST", "/")[1],
        delivery=Delivery.COMPLETE,
        wall=0.0,
    )
    assert (answered.error_code is None) is (answered.kind is Kind.OK)
    assert answered.error_code is None or isinstance(answered.error_code, ErrorCode)
    facts = answered.facts
    texts = [facts.code, facts.type, facts.message, facts.trace_id, facts.span_id]
    texts += [text for detail in facts.details for text in (detail.field, detail.description)]
    for text in filter(None, texts):
        assert len(text) <= 1000
        assert not any(
            ord(c) < 32 or 127 <= ord(c) < 160 or 0xD800 <= ord(c) < 0xE000 for c in text
        )
    assert facts.message is None or facts.message.strip()
