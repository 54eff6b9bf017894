"""Nothing to pay: done on our own page, by the same rules, and Stripe hears nothing of it."""

from __future__ import annotations

import pytest
from django.core import mail
from django.test import Client
from django.utils import timezone

from core.discretion import leak_words_in
from enrollments import stripe_gateway
from enrollments.errors import CodeNotUsable, QuarterFull, TooManyTries
from enrollments.models import BundleAccess, Enrollment, HelpCode, LedgerEntry, Order, Quarter
from enrollments.operations import books, checkout, waitlist
from enrollments.operations.wishes import Wishes
from tests.enrollments.test_choices import go_on, text_of
from tests.enrollments.test_views import enroll, form_of
from tests.factories.enrollments import (
    bundle,
    make_buyer,
    make_code,
    make_entry,
    make_member,
    make_place,
    make_price,
    make_quarter,
)

pytestmark = pytest.mark.django_db


@pytest.fixture
def free(standin) -> HelpCode:
    """A code that leaves nothing to pay, and of which Stripe has never heard."""
    return make_code(percent_off=100)


def begin(quarter: Quarter, code: HelpCode, email: str = "ann@example.org", **buyer) -> Order:
    return checkout.enroll(
        quarter_id=quarter.pk,
        buyer=make_buyer(email, **buyer),
        wishes=Wishes(code_id=code.pk),
        now=timezone.now(),
    )


def send_with_code(client: Client, address: str, **typed: str):
    """Type the code, read what it comes to, go on."""
    return go_on(client, client.post(address, form_of(client, address, code="QUIET25", **typed)))


def test_a_free_place_is_given_in_one_step_and_stripe_hears_nothing(
    client, standin, quarter, free, mailoutbox
):
    quarter.bundles.add(bundle())

    answer = send_with_code(client, f"/enroll/{quarter.slug}/")

    order = Order.objects.get()
    assert (answer.status_code, answer["Location"]) == (303, f"/orders/{order.uuid}/")
    assert (order.state, order.payments.count()) == (Order.State.PAID, 0)
    seat = Enrollment.objects.get(line__order=order)
    assert (seat.state, seat.member) == (Enrollment.State.ENROLLED, order.member)
    assert BundleAccess.objects.get().enrollment == seat
    assert [letter.subject for letter in mailoutbox] == ["Your receipt"]
    assert "Nothing to pay" in mailoutbox[0].body
    told = list(order.ledger.values_list("action", flat=True))
    assert LedgerEntry.Action.ENROLLED in told
    assert books.discrepancies(timezone.now()) == []
    assert standin.requests() == []


def test_the_page_before_says_that_there_is_no_payment_page(client, quarter, free):
    shown = enroll(client, quarter, code="QUIET25")

    assert "there is nothing to pay, and no card is needed." in text_of(shown)
    assert "You pay on our payment company" not in text_of(shown)
    assert "Continue, nothing to pay" in text_of(shown)


def test_the_page_afterwards_confirms_no_place_to_a_browser_that_is_not_signed_in(
    client, quarter, free
):
    done = send_with_code(client, f"/enroll/{quarter.slug}/")

    page = client.get(done["Location"])

    assert "A letter tells you how to go on." in text_of(page)
    assert "place is yours" not in text_of(page)


def test_a_signed_in_member_reads_that_the_place_is_hers(client, quarter, free):
    client.force_login(make_member())

    done = send_with_code(client, f"/enroll/{quarter.slug}/")

    assert "Your place is yours" in text_of(client.get(done["Location"]))


def test_a_known_address_is_answered_alike_and_its_owner_reads_the_truth(
    quarter, standin, mailoutbox
):
    make_code(percent_off=100)
    make_place(quarter, make_member("known@example.org"), seat_number=9)
    browsers = {email: Client() for email in ("known@example.org", "new@example.org")}

    answers = {
        email: send_with_code(browser, f"/enroll/{quarter.slug}/", email=email)
        for email, browser in browsers.items()
    }
    again = {
        email: enroll(browser, quarter, email=email, code="QUIET25")
        for email, browser in browsers.items()
    }

    assert [answer.status_code for answer in answers.values()] == [303, 303]
    assert {email: a["Location"] for email, a in again.items()} == {
        email: a["Location"] for email, a in answers.items()
    }
    letters = {letter.to[0]: letter for letter in mailoutbox}
    assert letters["known@example.org"].subject == "You have this already"
    assert "Nothing was charged" in letters["known@example.org"].body
    assert "on its way back" not in letters["known@example.org"].body
    assert leak_words_in(letters["known@example.org"].body) == []
    assert letters["new@example.org"].subject == "Your receipt"
    assert quarter.enrollments.occupying().count() == 2


def test_a_free_bundle_opens_at_once(client, standin, loaded_site, free):
    make_price()

    send_with_code(client, f"/buy/{bundle().slug}/")

    assert BundleAccess.objects.get().member.email == "ann@example.org"
    assert standin.requests() == []


@pytest.mark.parametrize("off", [60_000, 90_000], ids=["the price", "more than the price"])
def test_an_amount_that_leaves_nothing_counts_as_well(quarter, standin, off):
    order = begin(quarter, make_code(amount_off_cents=off))

    assert order.state == Order.State.PAID


def test_what_costs_nothing_needs_no_code(standin, loaded_site):
    quarter = make_quarter(price_cents=0)

    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now())

    assert (order.state, standin.requests()) == (Order.State.PAID, [])


def test_a_code_of_one_use_is_used_up_by_it(quarter, standin):
    code = make_code(percent_off=100, most_uses=1)
    begin(quarter, code)

    with pytest.raises(CodeNotUsable):
        begin(quarter, code, "rose@example.org")

    assert Enrollment.objects.get().state == Enrollment.State.ENROLLED


def test_a_full_quarter_gives_no_free_place(standin, loaded_site, free):
    quarter = make_quarter(capacity=1)
    make_place(quarter, make_member("rose@example.org"))

    with pytest.raises(QuarterFull):
        begin(quarter, free)

    assert Order.objects.count() == 0


def test_free_places_count_against_the_limits(settings, quarter, free):
    settings.ORDER_LIMITS = "address=1/h"
    begin(quarter, free, address_digest="somewhere")

    with pytest.raises(TooManyTries):
        begin(quarter, free, "rose@example.org", address_digest="somewhere")

    assert quarter.enrollments.occupying().count() == 1


def test_a_code_typed_after_going_to_pay_ends_that_page_and_gives_the_place(
    standin, held_order, quarter, free
):
    page = held_order.session_id

    order = begin(quarter, free, own_orders=[held_order.order.uuid])

    assert (order, order.state) == (held_order.order, Order.State.PAID)
    assert stripe_gateway.get_checkout(page).is_expired
    assert quarter.enrollments.get().state == Enrollment.State.ENROLLED


def test_a_place_kept_on_the_waitlist_can_be_free(client, standin, loaded_site, free):
    quarter = make_quarter(capacity=1)
    entry = make_entry(quarter, "ann@example.org")
    waitlist.follow_up(now=timezone.now())
    mail.outbox.clear()

    address = f"/waitlist/offer/{entry.uuid}/"
    form = client.get(address).context["form"]
    sent = {"chosen_name": "Ann", "form_id": str(form["form_id"].value()), "code": "QUIET25"}
    done = go_on(client, client.post(address, sent))

    assert done["Location"] == f"/orders/{Order.objects.get().uuid}/"
    entry.refresh_from_db()
    assert entry.state == "accepted"
    assert [letter.subject for letter in mail.outbox] == ["Your receipt"]
