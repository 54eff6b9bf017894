"""What every operation on an order needs: its locks, its ledger, and a person's attention."""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from enrollments.errors import StillUndecided
from enrollments.models import Enrollment, LedgerEntry, Order, OrderLine
from enrollments.operations import seats

logger = logging.getLogger(__name__)
Action = LedgerEntry.Action


def lock_order(order_id: int) -> Order:
    """The order, locked with every quarter it touches until the transaction ends.

    Quarters first, by number, then the order: the one sequence in which rows are locked.
    """
    sold = OrderLine.objects.filter(order=order_id, quarter__isnull=False).values("quarter")
    # Whoever was moved has her place in another quarter than the one that was sold.
    taken = Enrollment.objects.filter(line__order=order_id).values("quarter")
    seats.lock_quarters(Q(pk__in=sold) | Q(pk__in=taken))
    return Order.objects.select_for_update().get(pk=order_id)


def record(
    order: Order,
    action: LedgerEntry.Action,
    *,
    now: datetime,
    detail: str = "",
    by: User | None = None,
) -> None:
    """Write a line of the order's story. ``detail`` names no person."""
    LedgerEntry.objects.create(order=order, at=now, action=action, detail=detail[:200], by=by)


def ask_for_a_person(order: Order, attention: Order.Attention, *, now: datetime) -> None:
    """Put ``order`` on the list of what staff must look at. Again changes nothing."""
    if order.attention == attention:
        return
    order.attention = attention
    order.save(update_fields=["attention"])
    record(order, Action.NEEDS_A_PERSON, detail=attention, now=now)
    logger.error("order %s needs a person: %s", order.uuid, attention)


@transaction.atomic
def resolve(*, order_id: int, by: User, now: datetime) -> Order:
    """The order, off the list of what staff must look at. Again changes nothing.

    Raises:
        StillUndecided: her account is closed, and nobody has decided about what she paid for.
    """
    order = lock_order(order_id)
    if is_undecided(order):
        raise StillUndecided
    if order.attention:
        _is_over(order, by, now)
    return order


def is_undecided(order: Order) -> bool:
    """Whether ``order`` is on the list for what only a decision takes off it."""
    return bool(order.attention) and order.attention == _stays(order)


def _is_over(order: Order, by: User | None, now: datetime) -> None:
    record(order, Action.RESOLVED, detail=order.attention, by=by, now=now)
    order.attention = _stays(order)
    order.save(update_fields=["attention"])


def _stays(order: Order) -> Order.Attention:
    """What keeps an order on the list until it is decided, whatever else was the matter."""
    if order.state == Order.State.CLOSED_ACCOUNT:
        return Order.Attention.ACCOUNT_CLOSED
    return Order.Attention.NONE


def no_longer_needs(order: Order, *attentions: Order.Attention, now: datetime) -> None:
    """Take ``order`` off the list when what it was on it for is over by itself."""
    if order.attention in attentions:
        _is_over(order, None, now)


def pause_access(order: Order, reason: Order.PausedFor, *, now: datetime) -> None:
    """Let everything in ``order`` rest. Again, or while it rests already, changes nothing."""
    if not order.paused_for:
        order.paused_for = reason
        order.save(update_fields=["paused_for"])
        record(order, Action.ACCESS_PAUSED, detail=reason, now=now)


def restore_access(
    order: Order, reason: Order.PausedFor, *, now: datetime, by: User | None = None
) -> None:
    """Open again what rested for ``reason``, and only that."""
    if order.paused_for == reason:
        order.paused_for = Order.PausedFor.NOTHING
        order.save(update_fields=["paused_for"])
        record(order, Action.ACCESS_RESTORED, detail=reason, by=by, now=now)


def places_of(order: Order) -> list[Enrollment]:
    """The places that belong to the order's lines now."""
    return list(Enrollment.objects.filter(line__order=order).select_related("quarter"))
