"""An instalment that does not come: a letter, days of grace, rest, and how all opens again."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.utils import timezone

from devtools.stripe_standin.control import (
    LATER_AUTHENTICATED_CARD,
    LATER_DECLINED_CARD,
    SUCCESSFUL_CARD,
)
from enrollments import access
from enrollments.errors import PlanNotOverdue
from enrollments.models import MoneySettings, Order, Payment, PaymentPlan, Refund
from enrollments.operations import instalments, plans
from enrollments.stripe_gateway import get_plan
from tests.enrollments.plan_stage import MONTH, begin_plan, hear, letters, settle
from tests.factories.enrollments import bundle, make_member, make_quarter

State, Attention = PaymentPlan.State, Order.Attention
AFTER_GRACE = timedelta(days=7, minutes=1)


@pytest.fixture
def quarter(loaded_site):
    """Three payments of $210; the bundle is included."""
    quarter = make_quarter(instalment_count=3, instalment_cents=21_000)
    quarter.bundles.add(bundle())
    return quarter


@pytest.fixture
def plan(standin, quarter):
    """Ann has paid the first of three instalments."""
    plan = begin_plan(standin, quarter)
    mail.outbox.clear()
    return plan


@pytest.fixture
def overdue(plan, standin):
    """Ann's card has run out, and her second instalment did not come."""
    standin.break_card(plan.row.customer_id)
    plan.months_pass()
    return plan


@pytest.fixture
def suspended(overdue):
    """The days of grace are over as well."""
    settle(AFTER_GRACE)
    return overdue


@pytest.fixture
def staff(db):
    return make_member("money@example.org", is_staff=True)


def is_open(plan) -> bool:
    """Whether Ann can enter; her place and what came with it rest together."""
    member = plan.order.member
    has_place = bool(access.places_of(member))
    assert has_place is access.may_open_bundle(member, bundle())
    return has_place


# --- the days of grace --------------------------------------------------------------------------


def test_she_is_told_once_and_keeps_everything_for_the_days_of_grace(overdue, standin):
    standin.advance(days=3)
    overdue.hear()
    standin.advance(days=5)
    overdue.hear()
    settle(timedelta(days=6))

    row = overdue.row
    assert len(standin.events("invoice.payment_failed")) == 3
    assert (row.state, row.past_due_since is not None) == (State.PAST_DUE, True)
    assert letters() == ["A payment did not go through"]
    assert (is_open(overdue), overdue.order.attention) == (True, Attention.NONE)


def test_the_letter_is_quiet_about_the_amount_and_leads_to_her_payments(overdue):
    [letter] = mail.outbox

    said = letter.body.replace(f"/orders/plan/{overdue.order.uuid}/", "/her payments/")
    for word in ("$", "210", "overdue", "behind", "debt", "failed"):
        assert word not in said
    assert "/her payments/" in said
    assert "stripe" not in letter.body.lower()


def test_after_the_days_of_grace_everything_rests_and_staff_decide(overdue):
    assert settle(AFTER_GRACE) == 1

    assert (overdue.row.state, overdue.order.paused_for) == (State.SUSPENDED, "instalment")
    assert overdue.order.attention == Attention.PLAN_OVERDUE
    assert (is_open(overdue), overdue.place.state) == (False, "enrolled")
    assert letters() == ["A payment did not go through", "About your payments"]
    assert settle(AFTER_GRACE) == 0


def test_the_days_of_grace_are_what_the_practice_has_set(plan, standin):
    money = MoneySettings.load()
    money.days_of_grace = 2
    money.save()
    standin.break_card(plan.row.customer_id)
    plan.months_pass()

    settle(timedelta(days=2, minutes=1))

    assert plan.row.state == State.SUSPENDED


def test_nobody_is_suspended_while_stripe_cannot_be_asked(overdue, standin):
    standin.fault("refuse", "GET /v1/subscriptions", count=2)

    assert settle(AFTER_GRACE) == 0
    assert is_open(overdue)


def test_nobody_is_suspended_who_has_paid_meanwhile_without_our_hearing(overdue, standin):
    standin.pay_invoice(standin.invoices()[-1]["hosted_invoice_url"])

    settle(AFTER_GRACE)

    assert (overdue.row.state, is_open(overdue)) == (State.ACTIVE, True)
    assert letters() == ["A payment did not go through", "Your payment has arrived"]


def test_an_end_that_was_taken_away_meanwhile_is_set_again(overdue, stripe_sdk):
    stripe_sdk.v1.subscription_schedules.release(overdue.row.schedule_id)
    overdue.hear()
    assert (overdue.row.state, overdue.row.schedule_id) == (State.PAST_DUE, "")

    settle()

    assert (overdue.row.state, get_plan(overdue.row.subscription_id).months) == (State.PAST_DUE, 3)


# --- mended -------------------------------------------------------------------------------------


def test_a_new_card_in_the_portal_opens_everything_by_itself(suspended, standin):
    page = plans.portal_page(suspended.row, return_url="http://testserver/orders/")

    standin.update_card(page)
    suspended.hear()

    row = suspended.row
    assert (row.state, row.past_due_since, row.grace_ends_at) == (State.ACTIVE, None, None)
    assert (is_open(suspended), suspended.order.paused_for) == (True, "")
    assert suspended.order.attention == Attention.NONE
    assert letters()[-1] == "Your payment has arrived"
    assert suspended.paid_cents == 42_000


def test_a_portal_that_leaves_the_plan_its_old_card_is_helped(suspended, standin):
    standin.let_portal_only_save()
    page = plans.portal_page(suspended.row, return_url="http://testserver/orders/")

    standin.update_card(page)
    suspended.hear()
    suspended.months_pass()

    assert (suspended.row.state, suspended.paid_cents) == (State.FINISHED, 63_000)
    assert is_open(suspended)


def test_a_new_card_that_is_declined_changes_nothing(suspended, standin):
    standin.let_portal_only_save()
    page = plans.portal_page(suspended.row, return_url="http://testserver/orders/")

    standin.update_card(page, LATER_DECLINED_CARD)
    suspended.hear()

    assert (suspended.row.state, is_open(suspended)) == (State.SUSPENDED, False)


def test_a_retry_that_stripe_makes_by_itself_opens_everything(suspended, standin):
    standin.mend_card(suspended.row.customer_id)

    standin.advance(days=3)
    suspended.hear()

    assert (suspended.row.state, is_open(suspended)) == (State.ACTIVE, True)


def test_paying_on_the_page_of_the_invoice_opens_everything(suspended, standin):
    page = plans.page_to_pay(suspended.row, now=timezone.now())

    standin.pay_invoice(page)
    suspended.hear()

    assert (suspended.row.state, is_open(suspended)) == (State.ACTIVE, True)
    assert plans.page_to_pay(suspended.row, now=timezone.now()) == ""


def test_news_that_comes_twice_late_or_in_reverse_changes_nothing_more(suspended, standin):
    failed = suspended.news()
    standin.pay_invoice(standin.invoices()[-1]["hosted_invoice_url"])
    news = [*failed, *suspended.news()]

    hear([*reversed(news), *news])

    assert (suspended.row.state, is_open(suspended)) == (State.ACTIVE, True)
    assert Payment.objects.count() == 2
    assert letters()[2:] == ["Your payment has arrived"]


def test_old_news_of_a_failure_is_no_failure(overdue, standin):
    old = get_plan(overdue.row.subscription_id)
    standin.pay_invoice(standin.invoices()[-1]["hosted_invoice_url"])
    overdue.hear()

    instalments.take_in(old, now=timezone.now())

    assert (overdue.row.state, is_open(overdue)) == (State.ACTIVE, True)


def test_old_news_of_a_plan_in_order_mends_nothing(plan, standin):
    old = get_plan(plan.row.subscription_id)
    standin.break_card(plan.row.customer_id)
    plan.months_pass()

    instalments.take_in(old, now=timezone.now())

    assert plan.row.state == State.PAST_DUE
    assert letters() == ["A payment did not go through"]


def test_an_invoice_that_staff_voided_in_the_dashboard_is_not_waited_for(suspended, stripe_sdk):
    stripe_sdk.v1.invoices.void_invoice(suspended.standin.invoices()[-1]["id"])

    suspended.hear()

    assert (suspended.row.state, is_open(suspended)) == (State.ACTIVE, True)
    assert suspended.paid_cents == 21_000


def test_the_next_instalment_that_fails_is_told_again(overdue, standin):
    standin.pay_invoice(standin.invoices()[-1]["hosted_invoice_url"])
    overdue.hear()

    overdue.months_pass()

    assert overdue.row.state == State.PAST_DUE
    assert letters() == [
        "A payment did not go through",
        "Your payment has arrived",
        "A payment did not go through",
    ]


# --- a bank that wants to hear it from her -------------------------------------------------------


def test_a_bank_that_wants_to_hear_it_from_her_gets_a_letter_of_its_own(standin, quarter):
    plan = begin_plan(standin, quarter, card=LATER_AUTHENTICATED_CARD)
    mail.outbox.clear()

    plan.months_pass()

    [letter] = mail.outbox
    assert letter.subject == "Please confirm a payment"
    assert f"/orders/plan/{plan.order.uuid}/pay/" in letter.body
    assert "/i/in_" not in letter.body
    assert plan.row.state == State.PAST_DUE


def test_once_she_has_confirmed_it_all_is_well(standin, quarter):
    plan = begin_plan(standin, quarter, card=LATER_AUTHENTICATED_CARD)
    plan.months_pass()

    page = plans.page_to_pay(plan.row, now=timezone.now())
    standin.authenticate(standin.pay_invoice(page, LATER_AUTHENTICATED_CARD))
    plan.hear()

    assert (plan.row.state, plan.paid_cents) == (State.ACTIVE, 42_000)


# --- stopped at Stripe --------------------------------------------------------------------------


def test_a_plan_that_was_cancelled_in_the_dashboard_rests_and_is_never_ended_silently(
    plan, stripe_sdk
):
    stripe_sdk.v1.subscriptions.cancel(plan.row.subscription_id)

    plan.hear()
    settle()

    assert (plan.row.state, plan.place.state) == (State.SUSPENDED, "enrolled")
    assert (plan.order.attention, is_open(plan)) == (Attention.PLAN_OVERDUE, False)
    assert letters() == ["About your payments"]
    assert "we will look at it and write to you" in mail.outbox[0].body.lower()


def test_when_stripe_has_given_up_staff_decide(overdue, standin):
    standin.advance(days=40)

    overdue.hear()

    assert overdue.subscription()["status"] == "canceled"
    assert (overdue.row.state, is_open(overdue)) == (State.SUSPENDED, False)
    assert overdue.order.attention == Attention.PLAN_OVERDUE


def test_when_stripe_gives_up_after_the_days_of_grace_she_is_not_told_twice(suspended, standin):
    standin.advance(days=40)

    suspended.hear()

    assert letters() == ["A payment did not go through", "About your payments"]


# --- what staff decide --------------------------------------------------------------------------


def test_more_days_open_everything_until_then(suspended, staff):
    instalments.give_more_days(plan_id=suspended.row.pk, days=10, by=staff, now=timezone.now())
    settle(timedelta(days=9))
    assert (suspended.row.state, is_open(suspended)) == (State.PAST_DUE, True)
    assert suspended.order.attention == Attention.NONE

    settle(timedelta(days=10, minutes=1))

    assert (suspended.row.state, is_open(suspended)) == (State.SUSPENDED, False)
    assert letters()[2:] == ["Your pages are open again", "About your payments"]


def test_access_that_staff_have_opened_stays_open_until_another_instalment_is_missing(
    suspended, staff, standin
):
    instalments.open_access(plan_id=suspended.row.pk, by=staff, now=timezone.now())
    standin.advance(days=3)
    suspended.hear()
    settle(timedelta(days=60))
    assert (suspended.row.state, is_open(suspended)) == (State.PAST_DUE, True)
    assert suspended.row.grace_ends_at is None

    PaymentPlan.objects.update(overdue_invoice_id="in_another")
    plans.bring_up_to_date(plan_id=suspended.row.pk, now=timezone.now())

    assert suspended.row.grace_ends_at is not None


def test_what_is_opened_after_stripe_has_given_up_is_let_go(suspended, staff, standin):
    standin.advance(days=40)
    suspended.hear()

    instalments.open_access(plan_id=suspended.row.pk, by=staff, now=timezone.now())
    settle()

    assert (suspended.row.state, suspended.place.state) == (State.ENDED, "enrolled")
    assert is_open(suspended)


def test_a_plan_that_staff_end_ends_with_its_place_and_at_stripe(suspended, staff, standin):
    instalments.end(plan_id=suspended.row.pk, by=staff, now=timezone.now())
    settle()
    standin.advance(days=MONTH * 2)

    assert (suspended.row.state, suspended.place.state) == (State.ENDED, "ended")
    assert suspended.place.quarter.enrollments.occupying().count() == 0
    assert suspended.subscription()["status"] == "canceled"
    assert (suspended.order.attention, suspended.order.paused_for) == (Attention.NONE, "")
    assert not is_open(suspended)
    assert letters()[-1] == "Your monthly payments have ended"


def test_what_was_unpaid_cannot_be_paid_any_more_once_the_plan_has_ended(suspended, staff, standin):
    instalments.end(plan_id=suspended.row.pk, by=staff, now=timezone.now())

    settle()

    assert standin.invoices()[-1]["status"] == "void"
    assert Refund.objects.count() == 0


def test_after_the_group_has_begun_the_seat_of_an_ended_plan_stays_empty(suspended, staff):
    first = suspended.place.quarter.meetings.first()
    first.starts_at = timezone.now() - timedelta(hours=1)
    first.save()

    instalments.end(plan_id=suspended.row.pk, by=staff, now=timezone.now())

    assert suspended.place.state == "ended"


def test_what_staff_decide_before_anything_rests_needs_no_letter(overdue, staff):
    instalments.give_more_days(plan_id=overdue.row.pk, days=20, by=staff, now=timezone.now())
    instalments.open_access(plan_id=overdue.row.pk, by=staff, now=timezone.now())

    assert settle(timedelta(days=30)) == 0
    assert (is_open(overdue), letters()) == (True, ["A payment did not go through"])


@pytest.mark.parametrize("decide", ["give_more_days", "open_access", "end"])
def test_a_plan_in_order_needs_no_decision(plan, staff, decide):
    extra = {"days": 3} if decide == "give_more_days" else {}

    with pytest.raises(PlanNotOverdue):
        getattr(instalments, decide)(plan_id=plan.row.pk, by=staff, now=timezone.now(), **extra)

    assert (plan.row.state, is_open(plan)) == (State.ACTIVE, True)


# --- beside a dispute ---------------------------------------------------------------------------


def test_a_dispute_that_is_won_does_not_open_what_rests_for_an_instalment(overdue, standin):
    money = MoneySettings.load()
    money.pauses_access_on_dispute = True
    money.save()
    dispute = standin.dispute(Payment.objects.first().payment_intent_id)
    overdue.hear()
    settle(AFTER_GRACE)
    assert (overdue.row.state, overdue.order.paused_for) == (State.SUSPENDED, "dispute")

    standin.change_dispute(dispute["id"], "won")
    overdue.hear()
    settle()

    assert (overdue.order.paused_for, is_open(overdue)) == ("instalment", False)


def test_an_instalment_that_is_mended_does_not_open_what_rests_for_a_dispute(
    suspended, staff, standin
):
    money = MoneySettings.load()
    money.pauses_access_on_dispute = True
    money.save()
    standin.dispute(Payment.objects.first().payment_intent_id)
    suspended.hear()

    instalments.give_more_days(plan_id=suspended.row.pk, days=3, by=staff, now=timezone.now())

    assert (suspended.order.paused_for, is_open(suspended)) == ("dispute", False)


def test_a_card_that_pays_is_no_news(plan, standin):
    page = plans.portal_page(plan.row, return_url="http://testserver/orders/")

    standin.update_card(page, SUCCESSFUL_CARD)
    plan.hear()

    assert (plan.row.state, Payment.objects.count(), letters()) == (State.ACTIVE, 1, [])
