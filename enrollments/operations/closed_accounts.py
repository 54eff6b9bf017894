"""What a closed account has paid for: it waits, with its seat, until staff have decided.

Staff open the account, and what was paid for becomes its owner's; or they give the money back, and
the seat goes on. Where nothing was paid there is nothing to give back, so the order is let go.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction

from accounts.models import User
from accounts.operations import reopen_account
from enrollments import emails
from enrollments.errors import MoneyFirst
from enrollments.models import Enrollment, Order, OrderLine
from enrollments.operations import endings, fulfilment, refunds
from enrollments.operations.orders import Action, lock_order, no_longer_needs, record

State, Attention = Order.State, Order.Attention


def waits_for_staff(order: Order) -> bool:
    """Whether staff may still decide about the closed account that paid for ``order``."""
    return order.attention == Attention.ACCOUNT_CLOSED or order.state == State.CLOSED_ACCOUNT


@transaction.atomic
def open_and_go_on(*, order_id: int, by: User, now: datetime) -> Order:
    """The order, with its member's account open and all that waited given. Again changes nothing.

    What cannot be given any more is made good as for anybody who pays too late, or twice.
    """
    order = lock_order(order_id)
    if order.member is None or not waits_for_staff(order):
        return order
    reopen_account(order.member)
    record(order, Action.ACCOUNT_OPENED, by=by, now=now)
    if order.state == State.CLOSED_ACCOUNT:
        fulfilment.hand_over(order, _what_waits(order), to=order.member, now=now)
    no_longer_needs(order, Attention.ACCOUNT_CLOSED, now=now)
    return order


def _what_waits(order: Order) -> list[OrderLine]:
    if _is_taken_back(order):
        return []
    lines = order.lines.select_related("quarter", "bundle").order_by("pk")
    return [line for line in lines if _waits(line)]


def _waits(line: OrderLine) -> bool:
    """Whether what ``line`` bought is still to be given: not ended, and not given back."""
    place = Enrollment.objects.filter(line=line).first()
    if place and place.state != Enrollment.State.HELD:
        return False
    return not line.paid_cents or refunds.left_to_refund(line) > 0


@transaction.atomic
def let_go(*, order_id: int, by: User, now: datetime) -> Order:
    """The order, ended without the account: its seat is free, its bundles stay closed.

    Again changes nothing.

    Raises:
        MoneyFirst: it was paid for; giving that back ends it.
    """
    order = lock_order(order_id)
    if order.state != State.CLOSED_ACCOUNT:
        return order
    if may_be_owed(order):
        raise MoneyFirst
    for line in order.lines.select_related("quarter", "bundle").order_by("pk"):
        before = not endings.has_begun(line, now)
        ends = endings.Consequence(ends_access=True, frees_seat=before, ends_plan=True)
        endings.end_line(line, ends, to=Enrollment.State.RELEASED, now=now)
    order.state = State.CANCELLED
    order.save(update_fields=["state"])
    record(order, Action.LET_GO, by=by, now=now)
    no_longer_needs(order, Attention.ACCOUNT_CLOSED, now=now)
    emails.queue("order_let_go", order)
    return order


def may_be_owed(order: Order) -> bool:
    """Whether money of ``order`` is here: it was paid, and no bank took it back. Two queries."""
    return order.payments.exists() and not _is_taken_back(order)


def _is_taken_back(order: Order) -> bool:
    return order.disputes.filter(status="lost").exists()
