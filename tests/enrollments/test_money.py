"""Amounts in minor units, written for people."""

from __future__ import annotations

import pytest

from enrollments.money import decimal_places, written


@pytest.mark.parametrize(
    ("cents", "currency", "expected"),
    [
        (60_000, "usd", "$600"),
        (29_750, "usd", "$297.50"),
        (124_905, "usd", "$1,249.05"),
        (0, "usd", "$0"),
        (-60_000, "usd", "-$600"),
        (90_000, "jpy", "¥90,000"),
        (12_500, "kwd", "KWD 12.500"),
        (60_000, "chf", "CHF 600"),
    ],
    ids=str,
)
def test_an_amount_is_written_as_people_write_it(cents, currency, expected):
    assert written(cents, currency) == expected


def test_currencies_have_none_two_or_three_places():
    assert [decimal_places(code) for code in ("jpy", "usd", "kwd")] == [0, 2, 3]
