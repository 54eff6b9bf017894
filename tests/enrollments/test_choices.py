"""What can be chosen on the enroll and the buy page, and what she is told before she pays."""

from __future__ import annotations

import re

import pytest
from django.test import Client

from core.discretion import leak_words_in
from enrollments.models import Installation, Order, Quarter
from tests.enrollments.test_views import enroll, form_of
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_code,
    make_member,
    make_place,
    make_price,
)
from tests.factories.pages import make_bundle
from tests.reading import told_by
from tests.stripe_fixtures import at_stripe
from tests.templates.markup import read

pytestmark = pytest.mark.django_db

REFUSED = "That code cannot be used here. Check it, or go on without it."


def text_of(answer) -> str:
    """What a page says in its main part, without markup."""
    page = answer.content.decode()
    main = page[page.index("<main") : page.index("</main>")]
    return " ".join(re.sub(r"<[^>]+>", " ", main).split())


def value_of(answer, field: str) -> str:
    return answer.context["form"][field].value()


def assert_asks_for_no_money(text: str) -> None:
    assert "What you are paying for" not in text
    assert "payment company" not in text
    assert "$" not in text


def with_plan(quarter: Quarter) -> Quarter:
    quarter.instalment_count, quarter.instalment_cents = 3, 21_000
    quarter.save()
    return quarter


def go_on(client: Client, shown, **typed: str):
    """Send a page that came back again, as a browser does."""
    form = shown.context["form"]
    fields = {name: form[name].value() for name in form.fields if form[name].value() is not None}
    return client.post(shown.request["PATH_INFO"], fields | typed)


def test_a_code_is_shown_with_its_price_before_anything_is_held(client, standin, quarter):
    make_code()

    shown = enroll(client, quarter, code=" quiet 25")

    assert shown.status_code == 200
    assert "Your code counts: you pay $450 instead of $600. Nothing is charged yet." in text_of(
        shown
    )
    assert "Saturday course $600 Your code \N{MINUS SIGN}$150 To pay now $450" in text_of(shown)
    assert (value_of(shown, "chosen_name"), Order.objects.count()) == ("Ann", 0)


def test_going_on_from_there_leads_to_a_page_with_that_price(client, standin, quarter):
    make_code()
    shown = enroll(client, quarter, code="QUIET25")

    sent = go_on(client, shown)

    assert sent["Location"].startswith(standin.base_url)
    assert "$450" in standin.read(sent["Location"])


def test_a_price_that_she_has_not_seen_is_shown_first(client, standin, quarter):
    make_price()
    make_code()
    shown = enroll(client, quarter, code="QUIET25")

    again = go_on(client, shown, bundles=[bundle().pk])

    assert again.status_code == 200
    assert "Your code \N{MINUS SIGN}$224.25 To pay now $672.75" in text_of(again)
    assert go_on(client, again).status_code == 303


def test_a_code_worth_everything_says_that_no_card_is_needed(client, standin, quarter):
    make_code(percent_off=100)

    shown = enroll(client, quarter, code="QUIET25")

    assert "there is nothing to pay, and no card is needed." in text_of(shown)
    assert "Continue, nothing to pay" in text_of(shown)
    assert go_on(client, shown).status_code == 303


@pytest.mark.parametrize(
    "terms",
    [{"code": "OTHER25"}, {"is_active": False}, {"most_uses": 0}],
    ids=["wrong", "switched off", "used up"],
)
def test_a_code_that_cannot_be_used_is_refused_alike_and_everything_typed_stays(
    client, standin, quarter, terms
):
    make_code(**terms)
    make_price()

    answer = enroll(client, quarter, code="quiet 25", bundles=[bundle().pk])

    assert answer.status_code == 422
    assert answer.context["form"].errors == {"code": [REFUSED]}
    kept = {name: value_of(answer, name) for name in ("chosen_name", "email", "code", "bundles")}
    assert kept == {
        "chosen_name": "Ann",
        "email": "ann@example.org",
        "code": "quiet 25",
        "bundles": [str(bundle().pk)],
    }
    assert '<details class="more" open>' in answer.content.decode()
    assert Order.objects.count() == 0


def test_after_a_wrong_code_she_can_go_on_without_it(client, standin, quarter):
    refused = enroll(client, quarter, code="WRONG")

    sent = go_on(client, refused, code="")

    assert sent["Location"].startswith(standin.base_url)


def test_a_code_that_stripe_refuses_keeps_the_order_and_says_the_same(
    client, standin, quarter, stripe_sdk
):
    code = at_stripe(make_code())
    shown = enroll(client, quarter, code="QUIET25")
    stripe_sdk.v1.promotion_codes.update(code.promotion_code_id, {"active": False})

    refused = go_on(client, shown)
    sent = go_on(client, refused, code="")

    assert (refused.status_code, refused.context["form"].errors) == (422, {"code": [REFUSED]})
    assert sent["Location"].startswith(standin.base_url)
    assert Order.objects.get().state == Order.State.PENDING


def test_while_a_new_code_cannot_be_told_to_stripe_she_can_try_again(client, standin, quarter):
    make_code()
    standin.fault("500", path="/v1/coupons", count=2)

    failed = enroll(client, quarter, code="QUIET25")
    again = go_on(client, failed)

    assert failed.status_code == 409
    assert "We could not reach the payment page. Nothing was charged." in text_of(failed)
    assert "you pay $450 instead of $600" in text_of(again)


def test_a_code_works_for_a_bundle_too(client, standin, loaded_site):
    make_price()
    make_code()
    address = f"/buy/{bundle().slug}/"

    shown = client.post(address, form_of(client, address, code="QUIET25"))

    assert "Video course $297 Your code \N{MINUS SIGN}$74.25 To pay now $222.75" in text_of(shown)
    assert go_on(client, shown).status_code == 303


def test_the_bundle_is_offered_under_its_discreet_name_with_its_price(client, quarter):
    make_price()

    page = client.get(f"/enroll/{quarter.slug}/")

    assert "They open as soon as you have paid. Video course, for $297" in text_of(page)
    assert "the payment page shows the new sum before you pay" in text_of(page)
    assert leak_words_in(told_by(page)) == []


@pytest.mark.parametrize(
    ("price", "included"),
    [({"on_sale": False}, False), ({"currency": "eur"}, False), ({}, True)],
    ids=["not on sale", "another currency", "included"],
)
def test_a_bundle_that_cannot_be_added_is_not_offered(client, quarter, price, included):
    make_price(**price)
    if included:
        quarter.bundles.add(bundle())

    page = client.get(f"/enroll/{quarter.slug}/")

    assert "Would you like to add something?" not in text_of(page)
    assert "the new sum" not in text_of(page)


def test_the_payment_page_and_the_order_list_both(client, standin, quarter):
    make_price()
    sent = enroll(client, quarter, bundles=[bundle().pk])

    order_page = text_of(client.get(f"/orders/{Order.objects.get().uuid}/"))

    hosted = standin.read(sent["Location"])
    assert "Saturday course $600 Video course $297 To pay now $897" in order_page
    assert all(each in hosted for each in ("Saturday course", "Video course", "$897"))


def test_something_that_is_not_offered_cannot_be_added(client, standin, quarter):
    answer = enroll(client, quarter, bundles=["999"])

    assert answer.status_code in (303, 422)
    assert [line.bundle for order in Order.objects.all() for line in order.lines.all()] in (
        [],
        [None],
    )


def test_what_can_no_longer_be_added_is_said_and_nothing_is_held(client, standin, quarter):
    make_price()

    answer = enroll(client, quarter, bundles=["999"])

    assert answer.context["form"].errors == {
        "bundles": ["That can no longer be added. Look at what is left."]
    }
    assert (answer.status_code, Order.objects.count()) == (422, 0)


def test_monthly_payments_are_offered_with_their_sum(client, quarter):
    page = client.get(f"/enroll/{with_plan(quarter).slug}/")

    assert "How would you like to pay? Pay $600 now 3 monthly payments of $210 ($630 in all)" in (
        text_of(page)
    )


def test_a_monthly_order_says_what_is_paid_now_and_what_later(client, standin, quarter):
    make_price()
    enroll(client, with_plan(quarter), paying="monthly", bundles=[bundle().pk])

    page = text_of(client.get(f"/orders/{Order.objects.get().uuid}/"))

    assert "Saturday course $630 Video course $297 To pay now $507" in page
    assert "Then $210 on December 23 and January 23 In all $927" in page


def test_a_code_and_monthly_payments_are_refused_in_words(client, standin, quarter):
    make_code()

    answer = enroll(client, with_plan(quarter), paying="monthly", code="QUIET25")

    assert answer.status_code == 422
    assert "A code cannot be used with monthly payments." in text_of(answer)
    assert Order.objects.count() == 0


def test_a_member_is_offered_what_she_has_not_and_is_asked_for_nothing_known(client, quarter):
    make_price()
    ann = make_member()
    client.force_login(ann)
    before = text_of(client.get(f"/enroll/{quarter.slug}/"))
    make_access(ann)

    after = client.get(f"/enroll/{quarter.slug}/")

    assert "Video course, for $297" in before
    assert "Video course" not in text_of(after)
    assert value_of(after, "chosen_name") == "Ann"
    assert "Your receipt goes to ann@example.org" in text_of(after)
    assert "email" not in after.context["form"].fields


def test_a_member_who_has_a_place_reads_so_before_she_types_anything(client, quarter):
    ann = make_member()
    make_place(quarter, ann)
    client.force_login(ann)

    page = client.get(f"/enroll/{quarter.slug}/")

    assert "You already have a place in the Saturday course" in text_of(page)
    assert 'name="chosen_name"' not in page.content.decode()
    assert_asks_for_no_money(text_of(page))


def test_dates_that_are_closed_say_nothing_of_the_payment_page(client, quarter):
    Quarter.objects.update(state=Quarter.State.CLOSED)

    text = text_of(client.get(f"/enroll/{quarter.slug}/"))

    assert "Enrollment for these dates is closed." in text
    assert "About these dates" in text
    assert "Step 1" not in text
    assert "What you are paying for" not in text
    assert "payment company" not in text


def test_a_member_who_has_the_bundle_reads_so_before_she_types_anything(client, loaded_site):
    make_price()
    ann = make_member()
    make_access(ann)
    client.force_login(ann)

    page = client.get(f"/buy/{bundle().slug}/")

    assert "This is already unlocked for you." in text_of(page)
    assert 'name="chosen_name"' not in page.content.decode()
    assert_asks_for_no_money(text_of(page))


def test_from_her_order_she_can_change_what_she_asked_for(client, standin, quarter):
    make_price()
    enroll(client, quarter, bundles=[bundle().pk])
    order = Order.objects.get()
    waits = client.get(f"/orders/{order.uuid}/").content.decode()
    address = f"/enroll/{quarter.slug}/?order={order.uuid}"

    form = client.get(address).context["form"]

    assert f'href="{address}"' in waits
    asked = {name: form[name].value() for name in ("chosen_name", "email", "bundles")}
    assert asked == {
        "chosen_name": "Ann",
        "email": "ann@example.org",
        "bundles": [bundle().pk],
    }


def test_nobody_elses_browser_is_told_what_she_asked_for(client, standin, quarter):
    enroll(client, quarter)
    addresses = [f"?order={Order.objects.get().uuid}", "?order=nonsense", ""]

    told = [
        Client().get(f"/enroll/{quarter.slug}/{query}").context["form"]["email"].value()
        for query in addresses
    ]
    told.append(client.get(f"/enroll/{quarter.slug}/").context["form"]["email"].value())

    assert told == [None, None, None, None]


def test_every_page_with_choices_is_valid_html_and_tells_nothing(client, standin, quarter):
    make_price()
    make_code()
    with_plan(quarter)
    hers = Client()
    hers.force_login(make_member("rose@example.org"))
    address = f"/enroll/{quarter.slug}/"
    pages = {
        "choices": client.get(address),
        "member": hers.get(address),
        "wrong code": enroll(client, quarter, code="WRONG"),
        "code": enroll(client, quarter, code="QUIET25", bundles=[bundle().pk]),
        "mistakes": client.post(address, {"code": "x", "paying": "y", "bundles": "z"}),
    }
    enroll(client, quarter, paying="monthly", bundles=[bundle().pk])
    pages["waiting"] = client.get(f"/orders/{Order.objects.get().uuid}/")

    mistakes = {name: read(page.content.decode()).errors for name, page in pages.items()}

    assert {name: found for name, found in mistakes.items() if found} == {}
    assert [name for name, page in pages.items() if leak_words_in(told_by(page))] == []


@pytest.mark.parametrize("taken", [1, 7])
def test_taking_a_seat_asks_the_database_as_often_however_many_are_taken(
    client, standin, quarter, django_assert_num_queries, taken
):
    for number in range(1, taken + 1):
        make_place(quarter, make_member(f"member{number}@example.org"), seat_number=number)
    client.get(f"/enroll/{quarter.slug}/")
    Installation.own_code()

    with django_assert_num_queries(38):
        answer = enroll(client, quarter)

    assert answer.status_code == 303


@pytest.mark.parametrize("bundles", [1, 3])
def test_the_enroll_page_asks_the_database_as_often_however_much_is_offered(
    client, quarter, django_assert_num_queries, bundles
):
    make_price()
    for _ in range(1, bundles):
        make_price(bundle=make_bundle())
    client.get(f"/enroll/{quarter.slug}/")

    with django_assert_num_queries(5):
        page = client.get(f"/enroll/{quarter.slug}/")

    assert len(page.context["form"].fields["bundles"].choices) == bundles
