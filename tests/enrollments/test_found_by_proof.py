"""What the long proofs have found, each in its shortest form."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.db import connection
from django.test import Client
from django.utils import timezone

from enrollments.models import Dispute, Order, Refund, StripeEvent
from enrollments.operations import checkout, giving_up
from enrollments.operations.books import discrepancies
from enrollments.operations.fulfilment import fulfil
from enrollments.operations.reconcile import reconcile
from enrollments.operations.refunds import request_refund
from enrollments.operations.refunds_at_stripe import mirror_payment, send_waiting_refunds
from enrollments.stripe_gateway import GatewayDown
from tests.enrollments.events import deliver, event_body
from tests.factories.enrollments import bundle, make_buyer, make_price
from tests.stripe_fixtures import ORDER_ADDRESS

LATER = timedelta(minutes=40)


def paid(standin, held_order) -> Order:
    standin.pay(held_order.url)
    return fulfil(held_order.session_id, now=timezone.now())


def test_what_the_dashboard_gives_back_while_ours_is_on_its_way_is_no_mistake_in_the_books(
    standin, held_order, queued
):
    order = paid(standin, held_order)
    line, payment = order.lines.get(), order.payments.get()
    request_refund(
        line_id=line.pk,
        amount_cents=60_000,
        reason=Refund.Reason.ASKED,
        note="",
        by=None,
        now=timezone.now(),
    )
    standin.refund(payment.payment_intent_id)

    mirror_payment(payment, now=timezone.now())

    assert discrepancies(timezone.now()) == []
    send_waiting_refunds(now=timezone.now())
    states = Refund.objects.order_by("pk").values_list("state", flat=True)
    assert list(states) == [Refund.State.REFUSED, Refund.State.SUCCEEDED]


def test_an_order_of_which_no_page_was_ever_made_ends_when_its_time_is_over(standin, loaded_site):
    make_price()
    now = timezone.now()
    order = checkout.buy_bundle(bundle_id=bundle().pk, buyer=make_buyer(), now=now)
    standin.fault("503", "POST /v1/checkout/sessions$", count=2)
    with pytest.raises(GatewayDown):
        checkout.open_checkout(order_id=order.pk, order_address=ORDER_ADDRESS, now=now)

    ended = [giving_up.end_orders_without_page(now=at) for at in (now, now + LATER, now + LATER)]

    assert ended == [0, 1, 0]
    assert Order.objects.get().state == Order.State.CANCELLED


def test_an_order_that_can_still_be_paid_does_not_end_by_the_clock(bundle_order, held_order):
    ended = giving_up.end_orders_without_page(now=timezone.now() + LATER)

    assert ended == 0


def test_a_dispute_told_before_its_payment_is_known_is_found_by_the_next_comparison(
    standin, held_order
):
    standin.pay(held_order.url)
    [intent] = [e["data"]["object"] for e in standin.events("payment_intent.succeeded")]
    dispute = standin.dispute(intent["id"])
    told = event_body(dispute["id"], type="charge.dispute.created")
    assert deliver(Client(), told).status_code == 200
    assert StripeEvent.objects.get().outcome == StripeEvent.Outcome.NOT_OURS

    fulfil(held_order.session_id, now=timezone.now())
    reconcile(now=timezone.now())

    assert Dispute.objects.get().status == "needs_response"
    assert held_order.refreshed().attention == Order.Attention.DISPUTED


def test_a_delivery_that_fails_never_overwrites_one_that_succeeds_meanwhile(standin, held_order):
    """Between its look at the row and its own line about the failure, the other one is done."""
    standin.pay(held_order.url)
    body = event_body(held_order.session_id)
    standin.fault("503", "GET /v1/checkout/sessions", count=2)
    assert deliver(Client(), body).status_code == 500

    def other_delivery_succeeds(execute, sql, *rest):
        if sql.startswith('UPDATE "enrollments_stripeevent"') and not other:
            other.append("came")
            StripeEvent.objects.update(outcome=StripeEvent.Outcome.DONE, error="")
        return execute(sql, *rest)

    other: list[str] = []
    standin.fault("503", "GET /v1/checkout/sessions", count=2)
    with connection.execute_wrapper(other_delivery_succeeds):
        assert deliver(Client(), body).status_code == 500

    row = StripeEvent.objects.get()
    assert (row.outcome, row.error, other) == (StripeEvent.Outcome.DONE, "", ["came"])
