"""What the operator has set as a secret is known by its text, whatever its shape."""

from proxy.app.hiding import hidden, secrets_of


def test_a_key_that_a_provider_repeats_goes_wherever_it_stands() -> None:
    secrets = secrets_of(["Bearer blue-heron-5521", "x"])
    view = [{"message": "no such key: blue-heron-5521!", "status": 401, "trace": None}]
    assert hidden(view, secrets) == [
        {"message": "no such key: [secret]!", "status": 401, "trace": None}
    ]


def test_of_two_that_begin_alike_nothing_is_left() -> None:
    assert hidden("blue-heron-5521", {"blue-heron", "blue-heron-5521"}) == "[secret]"


def test_the_name_and_the_password_of_basic_go_as_well() -> None:
    secrets = secrets_of(["Basic bWVyY2hhbnQ6aHVudGVyMg=="])
    assert hidden("merchant hunter2 bWVyY2hhbnQ6aHVudGVyMg==", secrets) == (
        "[secret] [secret] [secret]"
    )


def test_what_only_says_basic_is_a_word_like_others() -> None:
    assert secrets_of(["Basic no-base-64!", "Basic /////w=="]) == {"no-base-64!", "/////w=="}
