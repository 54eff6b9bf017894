"""The desk of help codes: for the people who deal with money, and for nobody else."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from enrollments.models import HelpCode
from enrollments.operations import checkout
from enrollments.operations.wishes import Wishes
from tests.enrollments.desk_cast import address, browser_of, make_staff, outcome, text_of
from tests.factories.enrollments import make_buyer, make_code, make_quarter
from tests.stripe_fixtures import at_stripe

pytestmark = pytest.mark.django_db

NEW = address("helpcode", "create")


@pytest.fixture
def money(db) -> Client:
    """Somebody who may make codes and see them."""
    return browser_of(make_staff("money@example.org", "add_helpcode", "view_helpcode"))


def fill_in(client: Client, **typed: str):
    form = {"code": "QUIET25", "percent_off": "25", "most_uses": "3", "currency": "usd"}
    return client.post(NEW, form | typed)


def test_a_new_code_can_be_used_at_once(money, standin):
    answer = fill_in(money, code="quiet 25")

    code = HelpCode.objects.get()
    assert (code.code, code.percent_off, code.most_uses) == ("QUIET25", 25, 3)
    assert (code.is_at_stripe, code.created_by.email) == (True, "money@example.org")
    assert answer.url == address("helpcode", "inspect", code.pk)
    assert "QUIET25 was added and can be used." in text_of(money, answer.url)


def test_an_amount_off_is_read_without_a_float(money, standin):
    fill_in(money, percent_off="", amount="$1,250.50")

    code = HelpCode.objects.get()
    assert (code.amount_off_cents, code.percent_off, code.currency) == (125_050, None, "usd")


def test_while_stripe_is_down_the_code_is_kept_and_says_that_it_waits(money, standin):
    standin.fault("500", count=2)

    answer = fill_in(money)

    page = text_of(money, answer.url)
    assert "QUIET25 was added, but cannot be used yet." in page
    assert "Not yet at Stripe" in page
    assert HelpCode.objects.get().is_at_stripe is False


def test_a_code_that_stripe_does_not_take_is_not_kept_and_stays_typed(money, standin, stripe_sdk):
    other = stripe_sdk.v1.coupons.create({"percent_off": 10, "duration": "once"})
    stripe_sdk.v1.promotion_codes.create(
        {"promotion": {"type": "coupon", "coupon": other.id}, "code": "QUIET25"}
    )

    answer = fill_in(money)

    assert "Stripe does not take this code. Choose another." in answer.content.decode()
    assert 'value="QUIET25"' in answer.content.decode()
    assert HelpCode.objects.count() == 0


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"code": ""}, "Enter the code that people will type."),
        ({"code": "A25"}, "Four or more capitals or digits."),
        ({"code": "HEARTBREAK25"}, "Please leave out: heartbreak."),
        ({"code": "TAKEN25"}, "There is a code like this already. Choose another."),
        ({"percent_off": "101"}, "Enter a whole number from 1 to 100."),
        ({"percent_off": "some"}, "Enter a whole number from 1 to 100."),
        ({"percent_off": ""}, "Enter either a percentage or an amount."),
        ({"amount": "10"}, "Enter either a percentage or an amount."),
        ({"percent_off": "", "amount": "ten"}, "Write the price as a number"),
        ({"percent_off": "", "amount": "0"}, "The amount must be above zero."),
        ({"most_uses": "0"}, "Enter how often it may be used, at least once."),
        ({"most_uses": ""}, "Enter how often it may be used, at least once."),
        ({"ends_at": "2020-01-01 10:00"}, "Choose a moment that is still to come"),
    ],
    ids=lambda value: str(value)[:40],
)
def test_bad_input_gets_a_sentence_and_keeps_what_was_typed(money, standin, typed, sentence):
    make_code(code="TAKEN25")

    answer = fill_in(money, **typed)

    page = answer.content.decode()
    assert answer.status_code == 200
    assert sentence in page
    assert all(f'value="{value}"' in page for value in typed.values() if value)
    assert HelpCode.objects.count() == 1


def test_an_amount_fits_the_currency_of_its_quarter(money, standin, loaded_site):
    quarter = make_quarter(currency="eur")

    answer = fill_in(money, percent_off="", amount="10", quarter=str(quarter.pk))

    assert "This quarter is paid in EUR." in answer.content.decode()


def test_switching_off_ends_it(money, standin):
    code = at_stripe(make_code())
    url = address("helpcode", "switch-off", code.pk)
    asked = text_of(money, url)

    answer = money.post(url)

    page = text_of(money, answer.url)
    assert "Switch this code off?" in asked
    assert "Switched off" in page
    assert HelpCode.objects.get().is_active is False
    assert standin.requests()[-1]["body"] == {"active": "false"}


def test_its_page_says_who_used_it(money, standin, quarter):
    code = at_stripe(make_code(most_uses=3))
    order = checkout.enroll(
        quarter_id=quarter.pk,
        buyer=make_buyer(),
        wishes=Wishes(code_id=code.pk),
        now=timezone.now(),
    )

    page = text_of(money, address("helpcode", "inspect", code.pk))

    assert "25 % off" in page
    assert "1 of 3" in page
    assert str(order.uuid)[:8] in page


def test_each_state_is_said(money, standin):
    make_code(code="WAITING")
    make_code(code="OVER", ends_at=timezone.now() - timedelta(days=1))
    make_code(code="OFF", is_active=False)
    make_code(code="GOOD", promotion_code_id="promo_1")
    make_code(code="FIXED", amount_off_cents=15_000, promotion_code_id="promo_2")

    page = text_of(money, address("helpcode"))

    for said in ("Not yet at Stripe", "Over", "Switched off", "Can be used", "$150 off"):
        assert said in page


@pytest.mark.parametrize("rows", [1, 3])
def test_the_list_asks_the_database_as_often_however_long_it_is(
    money, loaded_site, django_assert_num_queries, rows
):
    quarter = make_quarter()
    for number in range(rows):
        make_code(code=f"QUIET{number}", quarter=quarter)
    money.get(address("helpcode"))

    with django_assert_num_queries(12):
        money.get(address("helpcode"))


@pytest.mark.parametrize(
    ("codenames", "list_page", "form", "switch_off"),
    [
        (["add_helpcode", "view_helpcode"], "page", "page", "page"),
        (["view_helpcode"], "page", "denied", "denied"),
        (["view_order", "view_enrollment", "view_quarter"], "denied", "denied", "denied"),
        ([], "denied", "denied", "denied"),
    ],
    ids=["makes codes", "sees codes", "deals with people", "other staff"],
)
def test_only_people_who_deal_with_money_come_in(
    loaded_site, codenames, list_page, form, switch_off
):
    code = make_code()
    client = browser_of(make_staff("somebody@example.org", *codenames))
    pages = [
        address("helpcode"),
        NEW,
        address("helpcode", "switch-off", code.pk),
        address("helpcode", "inspect", code.pk),
    ]

    outcomes = [outcome(client.get(page)) for page in pages]

    assert outcomes == [list_page, form, switch_off, list_page]


@pytest.mark.parametrize(
    ("codenames", "told"), [(["view_order"], 0), (["view_order", "view_helpcode"], 1)]
)
def test_orders_tell_only_people_who_see_codes_which_one_was_used(
    standin, quarter, codenames, told
):
    code = at_stripe(make_code())
    order = checkout.enroll(
        quarter_id=quarter.pk,
        buyer=make_buyer(),
        wishes=Wishes(code_id=code.pk),
        now=timezone.now(),
    )
    client = browser_of(make_staff("somebody@example.org", *codenames))

    pages = [address("order"), address("order", "inspect", order.pk)]

    told_on = [page for page in pages if "QUIET25" in client.get(page).content.decode()]
    assert told_on == pages[1:][:told]


@pytest.mark.parametrize("action", ["edit", "delete"])
def test_what_was_made_is_neither_changed_nor_deleted(money, loaded_site, action):
    code = make_code()

    answer = money.post(address("helpcode", action, code.pk), {})

    assert outcome(answer) in ("denied", "404")
    assert HelpCode.objects.count() == 1
