"""Money that paid for nothing: no line of its order has a share in it, so it goes back whole.

The site gives back by itself what was paid twice. What is left for staff: another amount than was
agreed, and what the bank would not take back.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from enrollments.errors import NothingLeftToRefund, PaymentDisputed
from enrollments.models import Order, Payment, Refund
from enrollments.operations import refunds, refunds_at_stripe
from enrollments.operations.disputes import open_disputes
from enrollments.operations.orders import Action, lock_order, record
from enrollments.querysets import CLAIMED

Reason, State = Refund.Reason, Refund.State
# What the site gives back whole, because it paid for nothing.
GOES_BACK = (Reason.PAID_TWICE, Reason.TOO_MANY_INSTALMENTS)


def unplaced_payments(order: Order) -> list[tuple[Payment, int]]:
    """The payments that no line has a share in, each with what is left of it. Two queries."""
    found = []
    refunds_of: dict[int, list[Refund]] = {}
    for refund in order.refunds.order_by("pk"):
        refunds_of.setdefault(refund.payment_id, []).append(refund)
    for payment in order.payments.order_by("received_at", "pk"):
        rows = refunds_of.get(payment.pk, [])
        left_cents = payment.amount_cents - sum(r.amount_cents for r in rows if r.state in CLAIMED)
        went_back = any(r.line_id is None and r.reason in GOES_BACK for r in rows)
        if left_cents > 0 and (order.paid_at is None or went_back):
            found.append((payment, left_cents))
    return found


@transaction.atomic
def return_payment(  # noqa: PLR0913 (a decision about money is that many facts)
    *,
    payment_id: int,
    reason: Refund.Reason,
    note: str,
    by: User,
    now: datetime,
    form_id: UUID,
) -> Refund:
    """A refund of all that is left of a payment that paid for nothing.

    Above the practice's limit it waits for a second person; else it goes to Stripe at once.
    ``form_id`` is the number of the form that asks, and of the refund.

    Raises:
        NothingLeftToRefund: it was given back, or something was bought with it.
        PaymentDisputed: the bank decides first.
    """
    payment = Payment.objects.get(pk=payment_id)
    order = lock_order(payment.order_id)
    if asked := order.refunds.filter(uuid=form_id).first():
        return asked
    left_cents = dict(unplaced_payments(order)).get(payment, 0)
    if not left_cents:
        raise NothingLeftToRefund
    if open_disputes(order).exists():
        raise PaymentDisputed
    waits = refunds.needs_a_second_person(order, left_cents)
    refund = Refund.objects.create(
        uuid=form_id,
        order=order,
        payment=payment,
        amount_cents=left_cents,
        currency=payment.currency,
        reason=reason,
        note=note,
        requested_by=by,
        requested_at=now,
        state=State.PROPOSED if waits else State.REQUESTED,
    )
    action = Action.REFUND_PROPOSED if waits else Action.REFUND_REQUESTED
    record(order, action, detail=f"{refund.uuid} {reason}", by=by, now=now)
    if not waits:
        refunds_at_stripe.send_requested_refund.enqueue(refund.pk)
    return refund
