"""How long the provider asks to wait."""

import pytest

from proxy.terms.http import Headers
from tests.support.judging import judge


@pytest.mark.parametrize(
    ("headers", "seconds"),
    [
        ((), None),
        (((b"Retry-After", b"3"),), 3.0),
        (((b"Retry-After", b" 1.5 "),), 1.5),
        (((b"Retry-After", b"-1"),), None),
        (((b"Retry-After", b"soon"),), None),
        (((b"Retry-After", b"x" * 100),), None),
        (((b"Retry-After", b"1e5"),), None),
        (((b"Retry-After", b"99999999999"),), 86_400.0),
        (((b"Retry-After", b"9" * 21),), None),
        (((b"retry-after", b"Tue, 14 Nov 2023 22:13:50 GMT"),), 30.0),
        (((b"Retry-After", b"Tue, 14 Nov 2023 22:13:50 -0000"),), 30.0),
        (((b"Retry-After", b"Tue Nov 14 22:13:50 2023"),), 30.0),
        (((b"Retry-After", b"Fri, 31 Dec 1999 23:59:59 GMT"),), 0.0),
        (((b"Retry-After", b"Fri, 31 Dec 9999999 23:59:59 GMT"),), None),
        (((b"Retry-After", b"Wed, 21 Oct 2037 07:28:00 GMT"),), 86_400.0),
        (
            (
                (b"Date", b"Wed, 21 Oct 2037 07:27:00 GMT"),
                (b"Retry-After", b"Wed, 21 Oct 2037 07:28:00 GMT"),
            ),
            60.0,
        ),
        (((b"Retry-After-Ms", b"1500"),), 1.5),
        (((b"Retry-After-Ms", b"1500"), (b"Retry-After", b"1")), 1.5),
        (((b"Retry-After-Ms", b"abc"),), None),
    ],
)
def test_how_long_to_wait(headers: Headers, seconds: float | None) -> None:
    assert judge(429, "", *headers).retry_after_s == seconds
