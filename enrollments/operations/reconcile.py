"""Our books against Stripe's: what never reached us is caught up with, and what differs is told.

Everything goes through the same operations as the webhook, so a second run changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q
from django.utils import timezone

from accounts.models import User
from enrollments import stripe_gateway
from enrollments.errors import UnknownCheckout
from enrollments.models import CheckoutAttempt, Order, Payment, PaymentPlan, Reconciliation
from enrollments.operations import inbox, plans, refunds_at_stripe
from enrollments.operations.books import Discrepancy, discrepancies
from enrollments.operations.disputes import take_in_dispute
from enrollments.operations.fulfilment import settle
from enrollments.operations.orders import ask_for_a_person, lock_order
from enrollments.operations.unrecorded import take_up_unrecorded
from enrollments.stripe_gateway import GatewayError

logger = logging.getLogger(__name__)

# Stripe keeps events for thirty days.
EVENTS_KEPT = timedelta(days=29)
# How far back payments are compared; older ones change only by events.
COMPARED = timedelta(days=3)
# How far back everything that was paid is looked for in our books.
LOOKED_FOR = timedelta(days=30)
# An order whose page is this old is over, one way or another.
LONGEST_OPEN = timedelta(days=2)
# An order that is being placed right now is nobody's mistake.
SETTLED_DOWN = timedelta(minutes=2)
HOUR = timedelta(hours=1)


def reconcile_if_due(*, now: datetime) -> Reconciliation | None:
    """The run that was due; None when there was one within the hour."""
    last = Reconciliation.objects.filter(error="").first()
    if last and now - last.started_at < HOUR:
        return None
    return reconcile(now=now)


def reconcile(
    *, now: datetime, by: User | None = None, since: datetime | None = None
) -> Reconciliation:
    """One run, kept with what it found. A run that could not reach Stripe says so.

    What was paid is looked for in our books from ``since`` on, for thirty days unless it is given.
    """
    unrecorded: list[Discrepancy] = []
    run = Reconciliation.objects.create(started_at=now, by=by)
    try:
        run.events = _catch_up_with_events(now)
        run.orders = settle_open_orders(now=now)
        unrecorded = take_up_unrecorded(since=since or now - LOOKED_FOR, now=now)
        _mirror_payments(now)
        refunds_at_stripe.send_waiting_refunds(now=now)
        plans.settle_plans(now=now)
        plans.check_plans(now=now)
    except GatewayError as error:
        run.error = str(error)[:200]
        logger.warning("reconciliation could not reach Stripe: %s", error)
    run.findings = [f"{finding.rule} {finding.about}" for finding in _report(unrecorded, now)]
    run.finished_at = timezone.now()
    run.save()
    return run


def _catch_up_with_events(now: datetime) -> int:
    """How many events Stripe could not deliver and that had an effect now, oldest first."""
    events = stripe_gateway.undelivered_events(types=inbox.HANDLED, since=now - EVENTS_KEPT)
    caught_up = 0
    for event in events:
        try:
            caught_up += inbox.receive(event)
        except inbox.HandlingFailed:
            logger.exception("event %s still fails", event.id)
    return caught_up


def settle_open_orders(*, now: datetime) -> int:
    """How many orders that wait for payment stand differently now that Stripe was asked.

    Also a command of its own, run every minute: whoever paid must not wait an hour for her place
    because a webhook went astray.

    Raises:
        GatewayError: Stripe could not be asked.
    """
    changed = 0
    for session_id in _sessions_to_ask(now):
        try:
            checkout = stripe_gateway.get_checkout(session_id)
            before = Order.objects.get(uuid=checkout.order_reference).state
            changed += settle(checkout, now=now).state != before
        except (UnknownCheckout, stripe_gateway.NoSuchObject):
            logger.warning("session %s is about nothing of ours", session_id)
    return changed


def _sessions_to_ask(now: datetime) -> list[str]:
    """The pages of orders that wait; of those whose answer was lost, whatever Stripe made."""
    waiting = CheckoutAttempt.objects.filter(
        order__state__in=(Order.State.PENDING, Order.State.PROCESSING),
        created_at__lte=now - SETTLED_DOWN,
    )
    with_page = waiting.exclude(session_id=None)
    known = [session_id or "" for session_id in with_page.values_list("session_id", flat=True)]
    lost = waiting.filter(session_id=None, created_at__gte=now - LONGEST_OPEN)
    oldest = lost.order_by("created_at").values_list("created_at", flat=True).first()
    if oldest is None:
        return known
    references = {str(uuid) for uuid in lost.values_list("order__uuid", flat=True)}
    made = stripe_gateway.list_checkouts(oldest - SETTLED_DOWN)
    return known + [c.session_id for c in made if c.order_reference in references]


def _mirror_payments(now: datetime) -> None:
    """Refunds and disputes of recent payments, and of those whose refunds are unsettled.

    What Stripe told of a payment before we had it was about nothing of ours, and is not told again.
    """
    unsettled = Q(refunds__state__in=("requested", "pending"))
    payments = Payment.objects.filter(Q(received_at__gte=now - COMPARED) | unsettled).distinct()
    for payment in payments:
        refunds_at_stripe.mirror_payment(payment, now=now)
        for dispute in reversed(stripe_gateway.list_disputes(payment.payment_intent_id)):
            take_in_dispute(dispute, now=now)


def _report(unrecorded: list[Discrepancy], now: datetime) -> list[Discrepancy]:
    """What does not balance; staff find each such order on their list."""
    found = unrecorded + discrepancies(now) + _plans_without_end(now)
    for finding in found:
        order = Order.objects.filter(uuid=finding.about).first() if "-" in finding.about else None
        logger.error("the books do not balance: %s %s", finding.rule, finding.about)
        if order and not order.attention:
            _ask_about(order, now)
    return found


def _ask_about(order: Order, now: datetime) -> None:
    with transaction.atomic():
        ask_for_a_person(lock_order(order.pk), Order.Attention.DRIFT, now=now)


def _plans_without_end(now: datetime) -> list[Discrepancy]:
    """Every plan that is being paid must have an end at Stripe."""
    endless = PaymentPlan.objects.without_end().filter(created_at__lte=now - timedelta(minutes=15))
    return [
        Discrepancy(rule="plan_without_end", about=str(uuid))
        for uuid in endless.values_list("order__uuid", flat=True)
    ]
