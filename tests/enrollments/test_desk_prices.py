"""Prices as staff type them, and the desk of what bundles cost."""

from __future__ import annotations

import pytest
from django.core.exceptions import ValidationError

from enrollments.desks.prices import as_typed, cents_from, refuse_what_cannot_be_paid
from enrollments.models import BundlePrice
from tests.enrollments.desk_cast import address
from tests.factories.enrollments import (
    bundle,
    make_price,
)
from tests.sent_forms import fields_of


def mistakes(response) -> dict[str, list[str]]:
    """What the form on a page says is wrong, by field."""
    return {name: list(errors) for name, errors in response.context["form"].errors.items()}


@pytest.mark.parametrize(
    ("typed", "currency", "cents"),
    [
        ("600", "usd", 60_000),
        (" 600.50 ", "usd", 60_050),
        ("600.5", "usd", 60_050),
        ("$1,249.99", "usd", 124_999),
        ("0", "usd", 0),
        ("0.29", "usd", 29),
        ("90000", "jpy", 90_000),
        ("12.5", "kwd", 12_500),
        ("999999.99", "usd", 99_999_999),
    ],
)
def test_a_price_is_read_as_people_write_it(typed, currency, cents):
    assert cents_from(typed, currency) == cents


@pytest.mark.parametrize(
    "typed",
    ["", "-1", "1e3", "600,50", "6,00", "1.2.3", "٦٠٠", "600.", ".5", "€600", "NaN", "1000000"],
)
def test_what_could_be_misread_is_refused(typed):
    with pytest.raises(ValidationError):
        cents_from(typed, "usd")


def test_a_currency_without_a_smaller_unit_takes_whole_amounts():
    with pytest.raises(ValidationError) as refusal:
        cents_from("600.50", "jpy")

    assert refusal.value.messages == [
        "Prices in JPY have no digits after the point, for example 600."
    ]


@pytest.mark.parametrize(
    ("cents", "currency", "sentence"),
    [
        (0, "usd", "At least $0.50 has to be paid."),
        (49, "usd", "At least $0.50 has to be paid."),
        (49, "jpy", "At least ¥50 has to be paid."),
        (12_345, "kwd", "This amount cannot be paid in KWD. Choose 12.340 or 12.350."),
        (60_050, "isk", "This amount cannot be paid in ISK. Choose 600 or 601."),
    ],
)
def test_a_price_that_stripe_does_not_take_is_refused_with_one_that_it_takes(
    cents, currency, sentence
):
    with pytest.raises(ValidationError) as refusal:
        refuse_what_cannot_be_paid(cents, currency)

    assert refusal.value.messages == [sentence]


@pytest.mark.parametrize(
    ("cents", "currency"), [(50, "usd"), (50, "jpy"), (12_340, "kwd"), (1_000, "bhd")]
)
def test_a_price_that_stripe_takes_is_taken(cents, currency):
    assert refuse_what_cannot_be_paid(cents, currency) is None


def test_a_price_that_cannot_be_paid_is_said_beside_it(staff_client, loaded_site):
    price = make_price()

    url = address("bundleprice", "edit", price.pk)
    sent = fields_of(staff_client.get(url)) | {"price": "12.345", "currency": "kwd"}
    answer = staff_client.post(url, sent)

    assert mistakes(answer) == {
        "price": ["This amount cannot be paid in KWD. Choose 12.340 or 12.350."]
    }


@pytest.mark.parametrize("cents", [1, 99, 100, 60_000, 60_050, 99_999_999])
@pytest.mark.parametrize("currency", ["usd", "jpy", "kwd"])
def test_a_price_in_a_form_means_what_it_says(cents, currency):
    assert cents_from(as_typed(cents, currency), currency) == cents


def test_a_bundle_gets_one_price(loaded_site, staff_client):
    typed = {"bundle": bundle().pk, "price": "297", "currency": "usd", "on_sale": "on"}

    first = staff_client.post(address("bundleprice", "create"), typed)
    second = staff_client.post(address("bundleprice", "create"), typed)

    price = BundlePrice.objects.get()
    assert (price.bundle, price.price_cents, price.on_sale) == (bundle(), 29_700, True)
    assert first.status_code == 302
    assert mistakes(second) == {"bundle": ["This bundle has a price already. Change that one."]}


def test_a_price_changes_and_leaves_the_sale(loaded_site, staff_client):
    price = make_price()
    url = address("bundleprice", "edit", price.pk)

    opened = fields_of(staff_client.get(url))

    refused = staff_client.post(url, opened | {"price": "dear"})
    staff_client.post(url, opened | {"price": "310.25", "on_sale": ""})

    fresh = BundlePrice.objects.get()
    assert list(mistakes(refused)) == ["price"]
    assert (fresh.bundle, fresh.price_cents, fresh.on_sale) == (bundle(), 31_025, False)
