"""Giving money back: by staff, with a second person above a limit, and by the site itself.

A refund is a row before Stripe is asked; what is claimed by one cannot be promised twice.
"""

from __future__ import annotations

from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction

from accounts.models import User
from enrollments.errors import (
    NothingLeftToRefund,
    OwnProposal,
    PaymentDisputed,
    RefundNotWaiting,
)
from enrollments.models import MoneySettings, Order, OrderLine, Payment, Refund
from enrollments.operations.disputes import open_disputes
from enrollments.operations.orders import Action, lock_order, record
from enrollments.operations.refund_rules import lock_refund
from enrollments.operations.refunds_at_stripe import send_requested_refund

State, Reason = Refund.State, Refund.Reason


def left_to_refund(line: OrderLine) -> int:
    """What of ``line`` was paid and is neither given back nor asked for. One query."""
    return (line.paid_cents or 0) - line.refunds.claimed().total_cents()


@transaction.atomic
def request_refund(  # noqa: PLR0913 (a decision about money is that many facts)
    *,
    line_id: int,
    amount_cents: int,
    reason: Refund.Reason,
    note: str,
    by: User,
    now: datetime,
    access_ends_at: datetime | None = None,
    form_id: UUID | None = None,
) -> list[Refund]:
    """Refunds for ``amount_cents`` of a line: one for each payment that it has to come from.

    Above the practice's limit they wait for a second person; else they go to Stripe at once.
    ``access_ends_at`` keeps access open until then, should the whole line be given back.
    ``form_id`` is the number of the form that asks, and of the first refund: sent twice, it asks
    for nothing more.

    Raises:
        NothingLeftToRefund: that much of the line was not paid, or was given back.
        PaymentDisputed: the bank decides first.
    """
    line = OrderLine.objects.get(pk=line_id)
    order = lock_order(line.order_id)
    if form_id and (asked := list(order.refunds.filter(uuid=form_id))):
        return asked
    refuse_what_cannot_be_given(order, line, amount_cents)
    waits = needs_a_second_person(order, amount_cents)
    refunds = _claim(
        order,
        line,
        amount_cents,
        now,
        reason=reason,
        note=note,
        requested_by=by,
        access_ends_at=access_ends_at,
        number=form_id,
        state=State.PROPOSED if waits else State.REQUESTED,
    )
    action = Action.REFUND_PROPOSED if waits else Action.REFUND_REQUESTED
    for refund in refunds:
        record(order, action, detail=f"{refund.uuid} {reason}", by=by, now=now)
        if not waits:
            send_requested_refund.enqueue(refund.pk)
    return refunds


def needs_a_second_person(order: Order, amount_cents: int) -> bool:
    """Whether one person alone may not give back so much of ``order``, in one part or in many."""
    limit = MoneySettings.load().second_person_above_cents
    alone = order.refunds.claimed().filter(requested_by__isnull=False, approved_by=None)
    return limit is not None and alone.total_cents() + amount_cents > limit


def refuse_what_cannot_be_given(order: Order, line: OrderLine, amount_cents: int) -> None:
    """Nothing, when so much of ``line`` can be given back.

    Raises:
        NothingLeftToRefund: that much of the line was not paid, or was given back.
        PaymentDisputed: the bank decides first.
    """
    if not 0 < amount_cents <= left_to_refund(line):
        raise NothingLeftToRefund
    if open_disputes(order).exists():
        raise PaymentDisputed


def _claim(
    order: Order,
    line: OrderLine | None,
    amount_cents: int,
    now: datetime,
    *,
    number: UUID | None = None,
    **facts: object,
) -> list[Refund]:
    """Rows for ``amount_cents``, taken from the newest payments first; the first has ``number``."""
    refunds: list[Refund] = []
    for payment in order.payments.order_by("-received_at", "-pk"):
        left = payment.amount_cents - payment.refunds.claimed().total_cents()
        share = min(left, amount_cents)
        if share > 0:
            amount_cents -= share
            refunds.append(
                Refund.objects.create(
                    uuid=number if number and not refunds else uuid4(),
                    order=order,
                    payment=payment,
                    line=line,
                    amount_cents=share,
                    currency=payment.currency,
                    requested_at=now,
                    **facts,
                )
            )
    if amount_cents:
        raise NothingLeftToRefund
    return refunds


def give_back_line(line: OrderLine, *, reason: Refund.Reason, now: datetime) -> list[Refund]:
    """All that is left of a line, by the site itself. The caller holds the order's locks.

    Nothing for a line that cost nothing. A dispute leaves it to the bank and to staff.
    """
    amount_cents = left_to_refund(line)
    if amount_cents <= 0 or open_disputes(line.order).exists():
        return []
    refunds = _claim(line.order, line, amount_cents, now, reason=reason)
    _send_soon(line.order, refunds, now)
    return refunds


def give_back_payment(payment: Payment, *, reason: Refund.Reason, now: datetime) -> list[Refund]:
    """A whole payment that paid for nothing. The caller holds the order's locks."""
    left = payment.amount_cents - payment.refunds.claimed().total_cents()
    if left <= 0:
        return []
    refund = Refund.objects.create(
        order=payment.order,
        payment=payment,
        amount_cents=left,
        currency=payment.currency,
        reason=reason,
        requested_at=now,
    )
    _send_soon(payment.order, [refund], now)
    return [refund]


def _send_soon(order: Order, refunds: list[Refund], now: datetime) -> None:
    for refund in refunds:
        record(order, Action.REFUND_REQUESTED, detail=f"{refund.uuid} {refund.reason}", now=now)
        send_requested_refund.enqueue(refund.pk)


@transaction.atomic
def approve_refund(*, refund_id: int, by: User, now: datetime) -> Refund:
    """The proposed refund, on its way to Stripe. Again changes nothing.

    Raises:
        OwnProposal: nobody approves what she proposed.
        RefundNotWaiting: it was withdrawn.
        PaymentDisputed: the bank decides first.
    """
    refund = lock_refund(refund_id)
    if refund.state in (State.REQUESTED, State.PENDING, State.SUCCEEDED):
        return refund
    if refund.state != State.PROPOSED:
        raise RefundNotWaiting
    if refund.requested_by_id == by.pk:
        raise OwnProposal
    if open_disputes(refund.order).exists():
        raise PaymentDisputed
    refund.state, refund.approved_by = State.REQUESTED, by
    refund.save(update_fields=["state", "approved_by"])
    record(refund.order, Action.REFUND_APPROVED, detail=str(refund.uuid), by=by, now=now)
    send_requested_refund.enqueue(refund.pk)
    return refund


@transaction.atomic
def withdraw_refund(*, refund_id: int, by: User | None, now: datetime) -> Refund:
    """The proposed refund, taken back. Again changes nothing.

    Raises:
        RefundNotWaiting: it is on its way to Stripe already.
    """
    refund = lock_refund(refund_id)
    if refund.state == State.CANCELED:
        return refund
    if refund.state != State.PROPOSED:
        raise RefundNotWaiting
    refund.state, refund.settled_at = State.CANCELED, now
    refund.save(update_fields=["state", "settled_at"])
    record(refund.order, Action.REFUND_WITHDRAWN, detail=str(refund.uuid), by=by, now=now)
    return refund
