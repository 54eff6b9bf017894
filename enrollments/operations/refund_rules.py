"""What follows from money given back: for seats, for access, for the plan that paid.

Read off one table, again and again with the same result, whoever gave the money back.
"""

from __future__ import annotations

from datetime import datetime

from django.db import transaction
from django.db.models import Exists, OuterRef, Q, Sum

from accounts.models import User
from enrollments.models import BundleAccess, Enrollment, Order, OrderLine, Refund
from enrollments.operations import endings
from enrollments.operations.endings import Consequence
from enrollments.operations.orders import (
    Action,
    ask_for_a_person,
    lock_order,
    no_longer_needs,
    record,
)

Attention, Reason = Order.Attention, Refund.Reason

GOES_ON = (Order.State.PAID, Order.State.REVIEW, Order.State.CLOSED_ACCOUNT)
OVER_ONCE_ALL_IS_BACK = (
    Attention.REFUND_FAILED,
    Attention.REFUND_UNCLEAR,
    Attention.ACCOUNT_CLOSED,
)

# (what was bought, how much of it was given back, has its group begun) -> what follows.
# After the beginning a seat is not sold again: nobody can join a closed group.
NOTHING = Consequence(ends_access=False, frees_seat=False, ends_plan=False)
CONSEQUENCES = {
    ("quarter", "whole", "before"): Consequence(ends_access=True, frees_seat=True, ends_plan=True),
    ("quarter", "whole", "after"): Consequence(ends_access=True, frees_seat=False, ends_plan=True),
    ("quarter", "part", "before"): NOTHING,
    ("quarter", "part", "after"): NOTHING,
    ("bundle", "whole", "before"): Consequence(ends_access=True, frees_seat=False, ends_plan=False),
    ("bundle", "part", "before"): NOTHING,
}


def lock_refund(refund_id: int) -> Refund:
    """A refund as it stands once its order is locked."""
    lock_order(Refund.objects.get(pk=refund_id).order_id)
    return Refund.objects.select_related("order", "payment", "line").get(pk=refund_id)


def apply_consequences(order: Order, *, now: datetime) -> None:
    """Let seats, access and plan follow what was given back. The caller holds the locks."""
    all_is_back = _all_is_back(order)
    for line in order.lines.select_related("quarter", "bundle"):
        share = "whole" if all_is_back or _is_back(line) else "part"
        if _given_cents(line) or all_is_back:
            _follow(line, share, now)
    _ask_what_it_was_for(order, now)
    if all_is_back and order.state in GOES_ON:
        order.state = Order.State.REFUNDED
        order.save(update_fields=["state"])
        no_longer_needs(order, *OVER_ONCE_ALL_IS_BACK, now=now)


def consequence_of(line: OrderLine, share: str, now: datetime) -> Consequence:
    """What follows when the ``whole`` of a line is given back, or a ``part``."""
    what = "quarter" if line.quarter_id else "bundle"
    when = "after" if endings.has_begun(line, now) else "before"
    return CONSEQUENCES[what, share, when]


def _follow(line: OrderLine, share: str, now: datetime) -> None:
    consequence = consequence_of(line, share, now)
    kept_open = line.order.refunds.given_back().filter(access_ends_at__gt=now)
    if consequence.ends_plan:
        # However long access goes on: what was given back is not asked for again.
        endings.stop_plan(line, now)
    if consequence.ends_access and not kept_open.exists():
        endings.end_line(line, consequence, to=Enrollment.State.REFUNDED, now=now)


def _given_cents(line: OrderLine) -> int:
    return line.refunds.given_back().total_cents()


def _is_back(line: OrderLine) -> bool:
    return bool(line.paid_cents) and _given_cents(line) >= (line.paid_cents or 0)


def _all_is_back(order: Order) -> bool:
    received = order.payments.aggregate(total=Sum("amount_cents"))["total"] or 0
    return bool(received) and order.refunds.given_back().total_cents() >= received


def _ask_what_it_was_for(order: Order, now: datetime) -> None:
    """A part given back in the dashboard may be of any line; only a person knows of which."""
    unclear = order.refunds.given_back().filter(line=None, reason=Reason.IN_DASHBOARD)
    if unclear.exists() and not _all_is_back(order):
        ask_for_a_person(order, Attention.REFUND_UNCLEAR, now=now)


@transaction.atomic
def allot_refund(*, refund_id: int, line_id: int, by: User, now: datetime) -> Refund:
    """The refund of the dashboard, said to be of that line; what follows from it happens."""
    refund = lock_refund(refund_id)
    refund.line = refund.order.lines.get(pk=line_id)
    refund.save(update_fields=["line"])
    record(refund.order, Action.RESOLVED, detail=f"{refund.uuid} allotted", by=by, now=now)
    no_longer_needs(refund.order, Attention.REFUND_UNCLEAR, now=now)
    apply_consequences(refund.order, now=now)
    return refund


def end_due_access(*, now: datetime) -> int:
    """How many orders had access that staff had let go on until now."""
    place_is_open = Q(order__lines__enrollment__state__in=("enrolled", "completed"))
    bundle_is_open = Exists(BundleAccess.objects.in_force().filter(line__order=OuterRef("order")))
    due = Refund.objects.given_back().filter(access_ends_at__lte=now)
    orders = set(due.filter(place_is_open | bundle_is_open).values_list("order_id", flat=True))
    for order_id in orders:
        with transaction.atomic():
            apply_consequences(lock_order(order_id), now=now)
    return len(orders)
