"""Cancelling a whole quarter: who gets what back, who is told, and that nobody enters."""

from __future__ import annotations

import pytest
from django.core import mail
from django.core.management import call_command
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from core import page_cache
from enrollments import access, offers, stripe_gateway
from enrollments.errors import NotReadyToOpen, QuarterClosed, QuarterNotCancellable
from enrollments.models import (
    BundleAccess,
    MoneySettings,
    Order,
    OrderLine,
    PaymentPlan,
    Quarter,
    Refund,
    WaitlistEntry,
)
from enrollments.operations import (
    checkout,
    departures,
    refunds,
    waitlist,
)
from enrollments.operations.books import discrepancies
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.quarters import open_enrollment
from tests.enrollments.buyers import buys, orders
from tests.enrollments.cancelling import SUBJECT, cancel, everything, given_back
from tests.enrollments.movers import move
from tests.enrollments.plan_stage import begin_plan, settle
from tests.enrollments.rows import fresh, place_of
from tests.factories.enrollments import (
    bundle,
    make_buyer,
    make_entry,
    make_member,
    make_place,
    make_price,
    make_quarter,
    workshop,
)
from tests.stripe_fixtures import WaitingOrder, waiting


def subjects() -> list[str]:
    return [letter.subject for letter in mail.outbox]


# --- everybody ------------------------------------------------------------------------------


def test_everybody_gets_all_her_money_back_and_one_letter(three, staff, quarter):
    cancel(quarter, staff)

    assert fresh(quarter).state == Quarter.State.CANCELLED
    assert [order.refreshed().state for order in three] == ["refunded"] * 3
    refunded = Refund.objects.values_list("amount_cents", "reason")
    assert sorted(refunded) == [(60_000, "quarter_cancelled")] * 3
    assert [given_back(order) for order in three] == [[60_000]] * 3
    assert quarter.enrollments.occupying().count() == 0
    assert subjects() == [SUBJECT] * 3
    assert discrepancies(timezone.now()) == []


def test_nobody_sees_it_any_more(three, staff, quarter):
    member = three[0].refreshed().member

    cancel(quarter, staff)

    assert access.places_of(member) == []


def test_the_story_says_who_cancelled(three, staff, quarter):
    cancel(quarter, staff)

    told = three[0].order.ledger.get(action="quarter_cancelled")
    assert (told.by, told.detail) == (staff, quarter.label)


def test_cancelling_again_changes_nothing(three, at_the_page, staff, quarter):
    cancel(quarter, staff)
    before = everything()

    cancel(quarter, staff)
    call_command("finish_cancellations", verbosity=0)

    assert everything() == before


def test_what_is_over_is_not_cancelled(quarter, staff):
    Quarter.objects.update(state=Quarter.State.ENDED)

    with pytest.raises(QuarterNotCancellable):
        cancel(quarter, staff)


def test_a_quarter_that_runs_is_given_back_whole(three, quarter, staff):
    Quarter.objects.update(state=Quarter.State.RUNNING)

    cancel(quarter, staff)

    assert [given_back(order) for order in three] == [[60_000]] * 3


def test_what_was_bought_beside_stays_and_what_was_included_ends(standin, quarter, staff):
    price = make_price()
    order = checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=timezone.now())
    OrderLine.objects.create(
        order=order, bundle=price.bundle, discreet_name="Lessons", unit_price_cents=29_700
    )
    both = waiting(order)
    standin.pay(both.url)
    fulfil(both.session_id, now=timezone.now())
    mail.outbox.clear()

    cancel(quarter, staff)

    assert both.refreshed().state == Order.State.PAID
    assert given_back(both) == [60_000]
    assert BundleAccess.objects.usable().count() == 1
    assert "Lessons" not in mail.outbox[0].body


def test_what_came_with_the_place_closes(standin, quarter, staff):
    quarter.bundles.add(bundle())
    buys(standin, quarter, "ann")

    cancel(quarter, staff)

    assert BundleAccess.objects.usable().count() == 0


def test_a_part_that_was_given_back_before_is_not_given_back_again(three, quarter, staff):
    ask_for(three[0], 25_000, staff)

    cancel(quarter, staff)

    assert sorted(given_back(three[0])) == [25_000, 35_000]
    assert three[0].refreshed().state == Order.State.REFUNDED


def ask_for(order: WaitingOrder, amount_cents: int, by) -> list[Refund]:
    return refunds.request_refund(
        line_id=order.order.lines.get().pk,
        amount_cents=amount_cents,
        reason=Refund.Reason.GOODWILL,
        note="",
        by=by,
        now=timezone.now(),
    )


def test_what_was_only_proposed_is_withdrawn_and_given_back_with_the_rest(
    three, quarter, staff, second_person_above_100
):
    [proposed] = ask_for(three[0], 25_000, staff)
    assert proposed.state == Refund.State.PROPOSED

    cancel(quarter, staff)

    assert fresh(proposed).state == Refund.State.CANCELED
    assert given_back(three[0]) == [60_000]


@pytest.fixture
def second_person_above_100(db):
    settings = MoneySettings.load()
    settings.second_person_above_cents = 10_000
    settings.save()


def test_a_place_that_cost_nothing_ends_without_a_refund(quarter, staff, standin):
    place = make_place(quarter, make_member("may@example.org"))

    cancel(quarter, staff)

    assert (fresh(place).state, Refund.objects.count()) == ("refunded", 0)


def test_monthly_payments_stop_and_what_was_paid_goes_back(standin, loaded_site, staff):
    plan = begin_plan(standin, make_quarter(instalment_count=3, instalment_cents=21_000))
    plan.months_pass()

    cancel(plan.place.quarter, staff)
    settle()
    plan.months_pass(2)

    assert plan.row.state == PaymentPlan.State.ENDED
    assert plan.subscription()["status"] == "canceled"
    assert sorted(Refund.objects.values_list("amount_cents", "state")) == [
        (21_000, "succeeded"),
        (21_000, "succeeded"),
    ]
    assert departures.progress(plan.place.quarter).done == 1


def test_whoever_was_moved_there_gets_it_back_and_whoever_was_moved_away_keeps_it(
    three, quarter, staff
):
    later = make_quarter(label="Later", slug="later")
    for order in three[:2]:
        move(place_of(order.order), later, staff)

    cancel(later, staff)

    assert [order.refreshed().state for order in three] == ["refunded", "refunded", "paid"]
    assert departures.progress(later).done == 2


# --- whoever is paying ----------------------------------------------------------------------


def test_whoever_is_at_the_payment_page_is_ended_there(at_the_page, quarter, staff):
    cancel(quarter, staff)

    assert at_the_page.refreshed().state == Order.State.CANCELLED
    assert stripe_gateway.get_checkout(at_the_page.session_id).is_expired


def test_while_stripe_is_down_whoever_has_paid_is_seen_to_and_the_others_wait(
    three, at_the_page, quarter, staff, standin
):
    standin.fault("refuse", path="POST /v1/checkout/sessions", count=4)

    cancel(quarter, staff)

    assert [place_of(order.order).state for order in three] == ["refunded"] * 3
    assert departures.progress(quarter).waiting == 1
    standin.forget_faults()
    call_command("finish_cancellations", verbosity=0)
    assert departures.progress(quarter).waiting == 0


def test_whoever_paid_at_the_last_moment_gets_it_all_back(at_the_page, standin, quarter, staff):
    standin.pay(at_the_page.url)

    cancel(quarter, staff)

    assert at_the_page.refreshed().state == Order.State.REFUNDED
    assert given_back(at_the_page) == [60_000]
    assert Refund.objects.get().reason == Refund.Reason.QUARTER_CANCELLED
    assert WaitlistEntry.objects.count() == 0
    assert subjects()[-1] == SUBJECT
    assert subjects().count(SUBJECT) == 1


def test_a_bank_payment_that_arrives_after_it_goes_back(at_the_page, standin, quarter, staff):
    standin.pay_by_bank(at_the_page.url)
    fulfil(at_the_page.session_id, now=timezone.now())
    cancel(quarter, staff)
    assert departures.progress(quarter).waiting == 1

    standin.settle(at_the_page.session_id)
    fulfil(at_the_page.session_id, now=timezone.now())

    assert at_the_page.refreshed().state == Order.State.REFUNDED
    assert subjects()[-1] == SUBJECT
    assert departures.progress(quarter).done == 1


def test_until_it_arrives_its_page_promises_no_place(at_the_page, standin, quarter, staff, client):
    standin.pay_by_bank(at_the_page.url)
    fulfil(at_the_page.session_id, now=timezone.now())
    cancel(quarter, staff)
    session = client.session
    session["orders"] = [str(at_the_page.order.uuid)]
    session.save()

    page = client.get(reverse("order", args=[at_the_page.order.uuid])).content.decode()

    assert "will not take place: when it arrives, all of it goes back by itself." in page
    assert "Your place is kept" not in page


# --- nobody enters --------------------------------------------------------------------------


def test_the_waitlist_is_closed_and_told(quarter, staff, standin):
    entry = make_entry(quarter, "may@example.org")

    cancel(quarter, staff)

    assert fresh(entry).state == "closed"
    assert len(mail.outbox) == 1


def test_a_seat_that_was_offered_is_offered_no_more(quarter, staff, standin):
    entry = make_entry(quarter, "may@example.org")
    waitlist.follow_up(now=timezone.now())
    assert fresh(entry).state == "offered"

    cancel(quarter, staff)

    assert (fresh(entry).state, quarter.enrollments.occupying().count()) == ("closed", 0)


def test_nobody_enrolls_and_it_cannot_be_opened_again(quarter, staff, standin):
    cancel(quarter, staff)

    with pytest.raises(QuarterClosed):
        orders(quarter, "may")
    with pytest.raises(NotReadyToOpen, match="cancelled"):
        open_enrollment(quarter_id=quarter.pk, now=timezone.now())


def test_public_pages_offer_it_no_more(quarter, staff, standin):
    cancel(quarter, staff)

    coming = offers.quarter_offers(workshop(), timezone.now())
    enroll = Client().get(reverse("enroll", args=[quarter.slug])).content.decode()

    assert quarter.label not in [offer.label for offer in coming]
    assert "These dates will not take place." in enroll
    assert "<form" not in enroll.partition("<main")[2].partition("</main>")[0]


def test_the_kept_pages_are_forgotten(quarter, staff, standin, django_capture_on_commit_callbacks):
    with django_capture_on_commit_callbacks() as afterwards:
        cancel(quarter, staff)

    assert page_cache.evict in afterwards


def test_her_order_says_what_happened(three, at_the_page, quarter, staff):
    cancel(quarter, staff)

    ann, may = page_of(three[0]), page_of(at_the_page)

    assert "Your money is on its way back" in ann
    assert "These dates will not take place" in may
    assert "Start again" not in may


def page_of(order: WaitingOrder) -> str:
    browser = Client()
    # What became of a paid order is told to its member; what was never paid, to its browser.
    if member := Order.objects.get(pk=order.order.pk).member:
        browser.force_login(member)
    session = browser.session
    session["orders"] = [str(order.order.uuid)]
    session.save()
    return browser.get(reverse("order", args=[order.order.uuid])).content.decode()
