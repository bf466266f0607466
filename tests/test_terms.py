"""The words are total: each code has its status, each join its rule."""

import pytest

from proxy.terms import CODES, Effect, ErrorCode, join


def test_every_error_code_has_a_type_and_a_status() -> None:
    assert set(CODES) == set(ErrorCode)


@pytest.mark.parametrize("latest", list(Effect))
def test_an_unknown_effect_absorbs_whatever_comes_after_it(latest: Effect) -> None:
    assert join(Effect.UNKNOWN, latest, is_keyed=False) is Effect.UNKNOWN


@pytest.mark.parametrize(
    ("latest", "joined"),
    [
        (Effect.NONE, Effect.UNKNOWN),
        (Effect.UNKNOWN, Effect.UNKNOWN),
        (Effect.SETTLED, Effect.SETTLED),
    ],
)
def test_only_a_decision_under_an_honoured_key_lifts_unknown(
    latest: Effect, joined: Effect
) -> None:
    assert join(Effect.UNKNOWN, latest, is_keyed=True) is joined


@pytest.mark.parametrize("known", [Effect.NONE, Effect.SETTLED])
def test_an_attempt_that_did_nothing_changes_nothing(known: Effect) -> None:
    assert join(known, Effect.NONE, is_keyed=False) is known
