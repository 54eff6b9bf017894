"""Our books against Stripe's: whatever never reached us is caught up with, once."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.core import mail
from django.core.management import CommandError, call_command
from django.utils import timezone

from enrollments.models import (
    CheckoutAttempt,
    Dispute,
    Enrollment,
    Order,
    Payment,
    PaymentPlan,
    Reconciliation,
    Refund,
    StripeEvent,
)
from enrollments.operations.books import discrepancies
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.reconcile import reconcile, reconcile_if_due, settle_open_orders

LATER = timedelta(minutes=3)


@pytest.fixture
def endpoint(standin):
    """Stripe has somewhere to deliver to, and every delivery is lost."""
    standin.set_webhook("http://127.0.0.1:9/stripe/webhook/")
    standin.drop_webhooks()


def run(**changes) -> Reconciliation:
    return reconcile(**{"now": timezone.now() + LATER} | changes)


def facts() -> dict[str, object]:
    """Everything a second run could have changed."""
    return {
        "orders": list(Order.objects.values("uuid", "state", "attention", "paused_for")),
        "places": list(Enrollment.objects.values("pk", "state", "seat_number")),
        "payments": Payment.objects.count(),
        "refunds": list(Refund.objects.values("stripe_id", "state")),
        "disputes": list(Dispute.objects.values("stripe_id", "status")),
        "letters": len(mail.outbox),
    }


def test_when_no_webhook_comes_the_run_puts_everything_right(endpoint, standin, held_order):
    standin.pay(held_order.url)

    found = run()

    assert (found.events + found.orders, found.findings, found.error) == (1, [], "")
    assert held_order.refreshed().state == Order.State.PAID
    assert Enrollment.objects.get().state == Enrollment.State.ENROLLED


def test_a_second_run_changes_nothing(endpoint, standin, held_order):
    standin.pay(held_order.url)
    order_paid = Order.objects.get
    run()
    intent = order_paid().payments.get().payment_intent_id
    standin.refund(intent, amount=10_000)
    standin.dispute(intent)
    run()
    before = facts()

    again = run()

    assert facts() == before
    assert (again.events, again.orders, again.findings) == (0, 0, [])
    assert (Refund.objects.count(), Dispute.objects.count()) == (1, 1)


def test_a_refund_of_the_dashboard_is_found_without_any_event(standin, held_order):
    standin.pay(held_order.url)
    order = fulfil(held_order.session_id, now=timezone.now())
    standin.refund(order.payments.get().payment_intent_id)

    run()

    assert held_order.refreshed().state == Order.State.REFUNDED


def test_an_order_whose_answer_was_lost_is_found_by_its_reference(standin, held_order):
    standin.pay(held_order.url)
    CheckoutAttempt.objects.update(session_id=None, state="created")

    found = run()

    assert (found.orders, held_order.refreshed().state) == (1, Order.State.PAID)


def test_whoever_is_at_the_payment_page_right_now_is_left_alone(standin, held_order):
    asked = len(standin.requests())

    changed = settle_open_orders(now=timezone.now())

    assert (changed, len(standin.requests())) == (0, asked)


def test_an_open_order_is_settled_within_minutes(standin, held_order):
    standin.pay(held_order.url)

    changed = settle_open_orders(now=timezone.now() + LATER)

    assert (changed, held_order.refreshed().state) == (1, Order.State.PAID)


def test_events_are_taken_oldest_first_and_kept(endpoint, standin, held_order):
    standin.pay(held_order.url)

    run()

    assert StripeEvent.objects.get().outcome == StripeEvent.Outcome.DONE


def test_when_stripe_cannot_be_asked_the_run_says_so_and_the_next_goes_on(standin, held_order):
    standin.pay(held_order.url)
    standin.fault("refuse", count=2)

    failed = run()
    done = run()

    assert (failed.error != "", failed.finished_at is not None) == (True, True)
    assert (done.error, held_order.refreshed().state) == ("", Order.State.PAID)


def test_it_runs_once_an_hour_and_again_at_once_after_a_failure(standin, db):
    now = timezone.now()
    standin.fault("refuse", count=2)
    assert reconcile_if_due(now=now).error != ""

    assert reconcile_if_due(now=now).error == ""

    assert reconcile_if_due(now=now + timedelta(minutes=59)) is None
    assert reconcile_if_due(now=now + timedelta(minutes=60)) is not None


def test_what_does_not_balance_is_told_to_staff(standin, held_order):
    standin.pay(held_order.url)
    order = fulfil(held_order.session_id, now=timezone.now())
    Enrollment.objects.update(state="released")

    found = run()

    assert found.findings == [f"paid_without_place_or_refund {order.uuid}"]
    assert held_order.refreshed().attention == Order.Attention.DRIFT
    assert run().findings == []


def test_a_plan_without_an_end_is_told_to_staff(standin, held_order):
    PaymentPlan.objects.create(
        order=held_order.order,
        subscription_id="sub_1",
        customer_id="cus_1",
        instalment_count=3,
        instalment_cents=20_000,
        created_at=timezone.now() - timedelta(hours=1),
    )

    found = run()

    assert found.findings == [f"plan_without_end {held_order.order.uuid}"]


# Each breaks one rule of the books, and only that.
def _oversell(order):
    order.lines.get().quarter.__class__.objects.update(capacity=1)
    Enrollment.objects.update(seat_number=2)


def _lose_the_place(_order):
    Enrollment.objects.update(state="released")


def _forget_that_it_was_paid(order):
    Payment.objects.all().delete()
    order.lines.update(paid_cents=None)
    Order.objects.update(paid_at=None, state="pending")


def _give_back_without_ending(order):
    Refund.objects.create(
        order=order,
        payment=order.payments.get(),
        line=order.lines.get(),
        amount_cents=60_000,
        currency="usd",
        state="succeeded",
        reason="asked",
        requested_at=timezone.now(),
    )


def _pay_less(_order):
    Payment.objects.update(amount_cents=59_999)


def _give_back_more(order):
    for cents in (30_000, 30_001):
        Refund.objects.create(
            order=order,
            payment=order.payments.get(),
            amount_cents=cents,
            currency="usd",
            state="requested",
            reason="goodwill",
            requested_at=timezone.now(),
        )


@pytest.mark.parametrize(
    ("break_it", "rule"),
    [
        (_oversell, "oversold"),
        (_lose_the_place, "paid_without_place_or_refund"),
        (_forget_that_it_was_paid, "access_without_payment"),
        (_give_back_without_ending, "access_without_payment"),
        (_pay_less, "payments_are_not_lines"),
        (_give_back_more, "more_given_back_than_paid"),
    ],
)
def test_each_rule_of_the_books_finds_what_breaks_it(standin, held_order, break_it, rule):
    standin.pay(held_order.url)
    order = fulfil(held_order.session_id, now=timezone.now())
    assert discrepancies(timezone.now()) == []

    break_it(order)

    assert {found.rule for found in discrepancies(timezone.now())} == {rule}


def test_the_books_cost_the_same_however_many_orders_there_are(
    standin, held_order, django_assert_num_queries
):
    standin.pay(held_order.url)
    fulfil(held_order.session_id, now=timezone.now())

    with django_assert_num_queries(6):
        discrepancies(timezone.now())


def test_the_command_says_what_it_did(endpoint, standin, held_order, capsys):
    standin.pay(held_order.url)
    CheckoutAttempt.objects.update(created_at=timezone.now() - LATER)

    call_command("reconcile")

    assert "events caught up with: 1" in capsys.readouterr().out


def test_the_command_fails_when_stripe_cannot_be_asked(standin, db):
    standin.fault("refuse", count=2)

    with pytest.raises(CommandError):
        call_command("reconcile")
