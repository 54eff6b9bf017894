"""Plans that are over: more than was agreed, given back, ended, and what seldom happens."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from django.utils import timezone

from enrollments.errors import UnknownPlan
from enrollments.models import CheckoutAttempt, LedgerEntry, Order, Payment, PaymentPlan, Refund
from enrollments.operations import instalments, plans, refunds
from enrollments.operations.attempts import checkout_request
from enrollments.operations.books import discrepancies
from enrollments.operations.fulfilment import fulfil
from enrollments.stripe_gateway import (
    Checkout,
    GatewayRefused,
    InvoiceView,
    create_checkout,
    get_plan,
    pay_invoice,
)
from tests.enrollments.plan_stage import MONTH, amounts, begin_plan, hear, place_order, settle
from tests.factories.enrollments import make_member, make_quarter
from tests.stripe_fixtures import ORDER_ADDRESS, waiting

State, Attention = PaymentPlan.State, Order.Attention


@pytest.fixture
def quarter(loaded_site):
    """A quarter for $600, or three payments of $210."""
    return make_quarter(instalment_count=3, instalment_cents=21_000)


@pytest.fixture
def plan(standin, quarter):
    """Ann has paid the first of three instalments."""
    return begin_plan(standin, quarter)


# --- more than agreed ---------------------------------------------------------------------------


@pytest.fixture
def endless(standin, quarter, stripe_sdk):
    """Ann's plan lost its end, and nobody heard of it for four months."""
    plan = begin_plan(standin, quarter)
    stripe_sdk.v1.subscription_schedules.release(plan.row.schedule_id)
    standin.advance(days=MONTH * 3)
    return plan


def test_one_more_than_agreed_goes_back_ends_the_plan_and_alarms_staff(endless, standin):
    endless.hear()
    settle()
    endless.hear()

    [refund] = Refund.objects.all()
    assert amounts() == [21_000] * 4
    assert (refund.reason, refund.state, refund.amount_cents) == (
        Refund.Reason.TOO_MANY_INSTALMENTS,
        Refund.State.SUCCEEDED,
        21_000,
    )
    assert refund.payment == Payment.objects.order_by("received_at").last()
    assert (endless.row.instalments.count(), endless.paid_cents) == (3, 63_000)
    assert endless.subscription()["status"] == "canceled"
    assert endless.order.attention == Attention.PLAN_TROUBLE
    assert endless.place.state == "enrolled"
    assert discrepancies(timezone.now()) == []


def test_one_more_than_agreed_goes_back_once(endless):
    events = endless.news() * 3

    hear(events)
    plans.check_plans(now=timezone.now())
    settle()

    assert (Refund.objects.count(), Payment.objects.count()) == (1, 4)


def test_an_amount_that_was_not_agreed_is_kept_and_alarms_staff(plan, standin, stripe_sdk):
    PaymentPlan.objects.update(instalment_cents=20_000)

    plan.months_pass()

    assert plan.paid_cents == 42_000
    assert plan.order.attention == Attention.PLAN_TROUBLE


def test_a_subscription_without_a_plan_is_ended(standin, quarter):
    plan = begin_plan(standin, quarter)
    PaymentPlan.objects.update(subscription_id="sub_other", schedule_id="x")
    PaymentPlan.objects.update(state=State.ENDED, subscription_ended_at=timezone.now())

    plans.check_plans(now=timezone.now())
    assert standin.subscriptions()[0]["status"] == "active"
    plans.check_plans(now=timezone.now() + timedelta(hours=2))

    assert standin.subscriptions()[0]["status"] == "canceled"
    assert plan.order.attention == Attention.PLAN_TROUBLE


def test_a_page_that_was_paid_otherwise_than_agreed_is_not_asked_for_again(standin, quarter):
    page = waiting(place_order(quarter))
    Order.objects.update(instalment_cents=20_000)
    standin.pay(page.url)

    order = fulfil(page.session_id, now=timezone.now())

    assert (order.state, order.attention) == ("review", Attention.AMOUNT_MISMATCH)
    assert standin.subscriptions()[0]["status"] == "canceled"
    assert PaymentPlan.objects.count() == 0


# --- ended --------------------------------------------------------------------------------------


def line_of(plan):
    return plan.order.lines.get()


def give_back(plan, cents: int, **changes):
    asked = {
        "line_id": line_of(plan).pk,
        "amount_cents": cents,
        "reason": Refund.Reason.ASKED,
        "note": "",
        "by": make_member("money@example.org", is_staff=True),
        "now": timezone.now(),
    }
    return refunds.request_refund(**asked | changes)


def test_all_that_was_paid_so_far_given_back_ends_the_plan_at_stripe(plan, standin):
    plan.months_pass()

    given = give_back(plan, 42_000)
    settle()
    standin.advance(days=MONTH * 3)

    assert [refund.amount_cents for refund in given] == [21_000, 21_000]
    assert (plan.row.state, plan.place.state, plan.order.state) == ("ended", "refunded", "refunded")
    assert plan.row.subscription_ended_at is not None
    assert (plan.subscription()["status"], len(standin.invoices())) == ("canceled", 2)


def test_a_part_comes_from_the_newest_instalments_first_and_the_plan_goes_on(plan):
    plan.months_pass()
    newest = Payment.objects.order_by("received_at").last()

    first, second = give_back(plan, 30_000)

    assert (first.payment, first.amount_cents, second.amount_cents) == (newest, 21_000, 9_000)
    assert (plan.row.state, plan.place.state) == (State.ACTIVE, "enrolled")
    plan.months_pass()
    assert plan.row.state == State.FINISHED


def test_access_that_goes_on_for_some_days_is_not_paid_for_again(plan, standin):
    give_back(plan, 21_000, access_ends_at=timezone.now() + timedelta(days=60))
    settle()

    standin.advance(days=MONTH)

    assert (plan.row.state, plan.place.state) == (State.ENDED, "enrolled")
    assert len(standin.invoices()) == 1


def test_while_stripe_is_down_an_ended_plan_waits_to_be_stopped(plan, standin):
    give_back(plan, 21_000)
    standin.fault("refuse", "DELETE /v1/subscriptions", count=2)

    assert settle() == 0
    assert plan.row.subscription_ended_at is None
    assert settle() == 1

    assert plan.row.subscription_ended_at is not None
    assert settle() == 0


def test_an_instalment_of_an_ended_plan_goes_back(plan, standin):
    instalment_ended = PaymentPlan.objects.update(state=State.ENDED)

    plan.months_pass()

    assert instalment_ended == 1
    assert Refund.objects.get().reason == Refund.Reason.TOO_MANY_INSTALMENTS
    assert plan.order.attention == Attention.PLAN_TROUBLE


def test_a_plan_that_stripe_does_not_know_any_more_alarms_staff(plan):
    PaymentPlan.objects.update(state=State.ENDED, subscription_id="sub_gone")

    settle()

    assert plan.order.attention == Attention.PLAN_TROUBLE
    assert plan.row.subscription_ended_at is None


def test_what_happened_is_told_in_the_ledger_without_a_person(plan):
    plan.months_pass()

    told = LedgerEntry.objects.filter(action="plan").values_list("detail", flat=True)

    assert list(told) == ["its end is set"]


def test_a_view_that_is_not_a_plan_of_ours_is_refused(plan):
    view = replace(get_plan(plan.row.subscription_id), subscription_id="sub_other")

    with pytest.raises(UnknownPlan):
        instalments.take_in(view, now=timezone.now())


# --- what seldom happens ------------------------------------------------------------------------


def paid_invoice(**changes) -> InvoiceView:
    """The second instalment, as Stripe may have it in odd ways."""
    return InvoiceView(
        **{
            "invoice_id": "in_2",
            "status": "paid",
            "was_tried": True,
            "amount_paid_cents": 21_000,
            "currency": "usd",
            "payment_intent_id": "",
            "hosted_url": "",
            "paid_at": None,
        }
        | changes
    )


def take_in(plan, *invoices: InvoiceView) -> None:
    view = get_plan(plan.row.subscription_id)
    more = replace(view, invoices=(*view.invoices, *invoices))
    instalments.take_in(more, now=timezone.now())


def test_an_instalment_that_was_paid_elsewhere_counts_and_is_no_payment(plan):
    take_in(plan, paid_invoice())

    assert plan.row.instalments.get(number=2).payment is None
    assert (amounts(), plan.paid_cents) == ([21_000], 21_000)
    assert discrepancies(timezone.now()) == []


def test_one_too_many_that_was_for_nothing_needs_nothing(plan):
    PaymentPlan.objects.update(state=State.ENDED)

    take_in(plan, paid_invoice(amount_paid_cents=0))

    assert (Payment.objects.count(), Refund.objects.count()) == (1, 0)
    assert plan.order.attention == Attention.NONE


def test_an_end_set_for_another_day_in_the_dashboard_is_left_and_alarms_staff(plan, stripe_sdk):
    stripe_sdk.v1.subscription_schedules.release(plan.row.schedule_id)
    stripe_sdk.v1.subscriptions.update(plan.row.subscription_id, {"cancel_at_period_end": True})

    plan.hear()
    settle()

    assert plan.order.attention == Attention.PLAN_TROUBLE
    assert get_plan(plan.row.subscription_id).months == 1
    assert PaymentPlan.objects.without_end().count() == 0


def test_what_is_done_already_is_not_done_again(plan, standin):
    asked = len(standin.requests())

    plans.set_end(plan_id=plan.row.pk, now=timezone.now())
    plans.stop(plan_id=plan.row.pk, now=timezone.now())
    instalments.rest_again(plan_id=plan.row.pk, now=timezone.now())

    assert len(standin.requests()) == asked
    assert plan.order.paused_for == ""


def test_an_invoice_that_cannot_be_voided_does_not_keep_the_plan_running(plan, standin):
    standin.break_card(plan.row.customer_id)
    plan.months_pass()
    PaymentPlan.objects.update(state=State.ENDED, past_due_since=None)
    standin.fault("500", "POST /v1/invoices", count=2)

    assert settle() == 0
    assert settle() == 1

    assert standin.invoices()[-1]["status"] == "void"
    assert plan.row.subscription_ended_at is not None


def another_page(order: Order) -> Checkout:
    """A second payment page of an order, open in another window."""
    now = timezone.now()
    attempt = CheckoutAttempt.objects.create(
        order=order,
        number=2,
        fingerprint="x",
        state="open",
        created_at=now,
        expires_at=now + timedelta(minutes=35),
    )
    request = checkout_request(attempt, ORDER_ADDRESS)
    page = create_checkout(request, idempotency_key=f"checkout:{order.uuid}:2")
    CheckoutAttempt.objects.filter(pk=attempt.pk).update(session_id=page.session_id)
    return page


def test_a_second_page_of_an_order_that_was_paid_is_not_asked_for_again(standin, quarter):
    first = waiting(place_order(quarter))
    first_id = first.session_id
    second = another_page(first.order)
    standin.pay(first.url)
    fulfil(first_id, now=timezone.now())
    standin.pay(second.url)

    order = fulfil(second.session_id, now=timezone.now())

    assert [each["status"] for each in standin.subscriptions()] == ["active", "canceled"]
    assert order.attention == Attention.PAID_TWICE
    assert Refund.objects.get().reason == Refund.Reason.PAID_TWICE


def test_a_subscription_that_could_not_be_ended_is_found_by_the_hourly_run(standin, quarter):
    page = waiting(place_order(quarter))
    Order.objects.update(instalment_cents=20_000)
    standin.pay(page.url)
    standin.fault("refuse", "DELETE /v1/subscriptions", count=2)
    fulfil(page.session_id, now=timezone.now())
    assert standin.subscriptions()[0]["status"] == "active"

    plans.check_plans(now=timezone.now() + timedelta(hours=2))

    assert standin.subscriptions()[0]["status"] == "canceled"


def test_a_customer_without_a_plan_is_nobody_of_ours(db):
    with pytest.raises(UnknownPlan):
        plans.take_in_card(("cus_other", "pm_1"), now=timezone.now())


def test_an_invoice_that_was_paid_meanwhile_is_not_paid_twice(plan, standin):
    standin.break_card(plan.row.customer_id)
    plan.months_pass()
    view = get_plan(plan.row.subscription_id)
    standin.pay_invoice(view.invoices[-1].hosted_url)

    with pytest.raises(GatewayRefused):
        pay_invoice(view.invoices[-1].invoice_id, view.card_id)

    assert len(standin.events("invoice.paid")) == 2
