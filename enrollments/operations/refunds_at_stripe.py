"""Refunds at Stripe: asking for those that we want, and taking in what Stripe has.

A refund's number is its idempotency key: asked twice, money moves once. What Stripe has of a
payment's refunds, the dashboard's too, is the truth.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import F
from django.utils import timezone
from django_tasks import task

from enrollments import emails, stripe_gateway
from enrollments.errors import RefundRefused, UnknownPayment
from enrollments.models import Order, OrderLine, Payment, Refund
from enrollments.operations.orders import Action, ask_for_a_person, lock_order, record
from enrollments.operations.refund_rules import apply_consequences, lock_refund
from enrollments.stripe_gateway import GatewayFailed, GatewayRefused, RefundView

logger = logging.getLogger(__name__)
State, Attention, Reason = Refund.State, Order.Attention, Refund.Reason

# Stripe's words. What it may add is money on its way until it says otherwise.
STATES = {
    "succeeded": State.SUCCEEDED,
    "failed": State.FAILED,
    "canceled": State.CANCELED,
}
# A refund goes this way only, however late its events come.
STEPS = (
    {State.PROPOSED, State.REQUESTED, State.REFUSED},
    {State.PENDING},
    {State.SUCCEEDED},
    {State.FAILED, State.CANCELED},
)
# These explain themselves in letters of their own.
EXPLAINED = (Reason.SEAT_GONE, Reason.PAID_TWICE, Reason.QUARTER_CANCELLED)


@task()
def send_requested_refund(refund_id: int) -> None:
    """Have a worker ask Stripe. What could not be sent now is sent by ``send_waiting_refunds``."""
    try:
        send_refund(refund_id=refund_id, now=timezone.now())
    except (stripe_gateway.GatewayError, RefundRefused) as error:
        logger.warning("refund %s was not sent: %s", refund_id, error)


def send_waiting_refunds(*, now: datetime) -> int:
    """How many refunds Stripe took that it could not be asked for when they were requested."""
    sent = 0
    for refund_id in list(
        Refund.objects.filter(state=State.REQUESTED).values_list("pk", flat=True)
    ):
        try:
            sent += send_refund(refund_id=refund_id, now=now).state != State.REQUESTED
        except (stripe_gateway.GatewayError, RefundRefused) as error:
            logger.warning("refund %s still waits: %s", refund_id, error)
    return sent


def send_refund(*, refund_id: int, now: datetime) -> Refund:
    """The refund, as Stripe took it. Sent twice, money moves once.

    Raises:
        RefundRefused: Stripe said no; the row says so, and nothing else was changed.
        GatewayError: it is not known; asking again is safe.
    """
    refund = Refund.objects.select_related("order", "payment").get(pk=refund_id)
    if refund.state != State.REQUESTED:
        return refund
    try:
        view = _ask(refund)
    except GatewayFailed:
        _use_another_key(refund, now)
        raise
    except GatewayRefused as error:
        mirror_payment(refund.payment, now=now)
        _refused(refund_id, error, now)
        raise RefundRefused from error
    take_in_refund(view, now=now)
    refund.refresh_from_db()
    return refund


def _ask(refund: Refund) -> RefundView:
    key = f"refund:{refund.uuid}"
    return stripe_gateway.create_refund(
        payment_intent_id=refund.payment.payment_intent_id,
        amount_cents=refund.amount_cents,
        reference=str(refund.uuid),
        order_reference=str(refund.order.uuid),
        idempotency_key=key if refund.tries == 1 else f"{key}:{refund.tries}",
    )


def _use_another_key(refund: Refund, now: datetime) -> None:
    """The same key would get the same failure for a day; first see that it had no effect."""
    mirror_payment(refund.payment, now=now)
    Refund.objects.filter(pk=refund.pk, state=State.REQUESTED, tries=refund.tries).update(
        tries=F("tries") + 1
    )


@transaction.atomic
def _refused(refund_id: int, error: GatewayRefused, now: datetime) -> None:
    refund = lock_refund(refund_id)
    if refund.state != State.REQUESTED:
        return
    refund.state, refund.settled_at = State.REFUSED, now
    refund.save(update_fields=["state", "settled_at"])
    ask_for_a_person(refund.order, Attention.REFUND_FAILED, now=now)
    logger.error("Stripe refused refund %s: %s", refund.uuid, error)


def mirror_payment(payment: Payment, *, now: datetime) -> None:
    """Bring our books up to every refund that Stripe has of ``payment``.

    Raises:
        GatewayError: Stripe could not be asked.
    """
    for view in reversed(list(stripe_gateway.list_refunds(payment.payment_intent_id))):
        take_in_refund(view, now=now)


@transaction.atomic
def take_in_refund(view: RefundView, *, now: datetime) -> Order:
    """The order of a refund, brought up to what Stripe has of it. Again changes nothing.

    Raises:
        UnknownPayment: it is of no payment of ours.
    """
    payment = Payment.objects.filter(payment_intent_id=view.payment_intent_id).first()
    if payment is None:
        raise UnknownPayment(view.refund_id)
    order = lock_order(payment.order_id)
    refund = _row_of(view, payment)
    state = STATES.get(view.status, State.PENDING)
    if refund.stripe_id is None or _step(state) > _step(State(refund.state)):
        _advance(refund, view, state, now)
        _tell(order, refund, now)
    apply_consequences(order, now=now)
    return order


def _step(state: Refund.State) -> int:
    return next(number for number, states in enumerate(STEPS) if state in states)


def _row_of(view: RefundView, payment: Payment) -> Refund:
    """Our row of it: the one with its id, the one that asked for it, or a new one."""
    known = Refund.objects.filter(stripe_id=view.refund_id).first()
    if known is None and view.reference:
        asked = Refund.objects.filter(payment=payment, stripe_id=None)
        known = next((row for row in asked if str(row.uuid) == view.reference), None)
    return known or Refund(
        order_id=payment.order_id,
        payment=payment,
        line=_only_line(payment),
        amount_cents=view.amount_cents,
        currency=view.currency,
        reason=Reason.IN_DASHBOARD,
        requested_at=view.created,
    )


def _only_line(payment: Payment) -> OrderLine | None:
    """What a payment was for, if there is no doubt."""
    lines = list(payment.order.lines.all()[:2])
    is_first = payment.order.payments.order_by("received_at", "pk").first() == payment
    is_instalment = hasattr(payment, "instalment")
    return lines[0] if len(lines) == 1 and (is_first or is_instalment) else None


def _advance(refund: Refund, view: RefundView, state: Refund.State, now: datetime) -> None:
    refund.stripe_id, refund.amount_cents = view.refund_id, view.amount_cents
    refund.state, refund.settled_at = state, None if state == State.PENDING else now
    refund.save()


def _tell(order: Order, refund: Refund, now: datetime) -> None:
    """A failed refund alarms staff; one that is under way is told once."""
    if refund.state in (State.FAILED, State.CANCELED):
        _reopen(order)
        ask_for_a_person(order, Attention.REFUND_FAILED, now=now)
    elif refund.reason not in EXPLAINED and not _was_told(order, refund):
        record(order, Action.REFUND_REQUESTED, detail=f"{refund.uuid} confirmed", now=now)
        emails.queue("refunded", order)


def _was_told(order: Order, refund: Refund) -> bool:
    return order.ledger.filter(detail=f"{refund.uuid} confirmed").exists()


def _reopen(order: Order) -> None:
    """Her money is here again, so the order is not over."""
    if order.state == Order.State.REFUNDED:
        order.state = Order.State.REVIEW
        order.save(update_fields=["state"])
