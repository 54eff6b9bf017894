"""Orders that end unpaid: given up, out of time, or without a page that could be paid.

A seat is only freed once Stripe has confirmed that nobody can pay for it any more.
"""

from __future__ import annotations

import logging
from datetime import datetime

from django.db import transaction

from enrollments import stripe_gateway
from enrollments.errors import UnknownCheckout
from enrollments.models import Enrollment, Order
from enrollments.operations import attempts
from enrollments.operations.fulfilment import release_holds_of, settle
from enrollments.operations.orders import lock_order

logger = logging.getLogger(__name__)


def give_up(*, order_id: int, now: datetime) -> Order:
    """The order, ended: nothing of it can be paid and its seat is free.

    One that was paid meanwhile is fulfilled instead.

    Raises:
        GatewayError: it is not known whether it can still be paid; nothing was changed.
    """
    _end_open_pages(order_id, now)
    _cancel(order_id, now)
    # A page that was being made a moment ago, in another window, is known by now.
    _end_open_pages(order_id, now)
    return Order.objects.get(pk=order_id)


def _end_open_pages(order_id: int, now: datetime) -> None:
    for session_id in attempts.open_sessions(order_id):
        settle(stripe_gateway.expire_checkout(session_id), now=now)


@transaction.atomic
def _cancel(order_id: int, now: datetime) -> None:
    order = lock_order(order_id)
    if order.state in (Order.State.PENDING, Order.State.EXPIRED):
        order.state = Order.State.CANCELLED
        order.save(update_fields=["state"])
        release_holds_of(order, now=now)


def release_lapsed_holds(*, now: datetime, quarter_id: int | None = None) -> int:
    """How many seats came free because their time was over and Stripe confirmed it.

    A hold whose page cannot be ended now is left for the next time.
    """
    lapsed = Enrollment.objects.lapsed_holds(now)
    if quarter_id is not None:
        lapsed = lapsed.filter(quarter=quarter_id)
    released = 0
    for order_id in list(lapsed.exclude(line=None).values_list("line__order", flat=True)):
        try:
            order = give_up(order_id=order_id, now=now)
        except (stripe_gateway.GatewayError, UnknownCheckout) as error:
            logger.warning("a lapsed hold stays for now: %s", error)
        else:
            released += order.state == Order.State.CANCELLED
    return released


def end_orders_without_page(*, now: datetime) -> int:
    """How many orders ended of which no payment page was ever made and whose time is over.

    They hold no seat that the clock would free, so nothing else would ever end them.
    """
    without_page = (
        Order.objects.filter(state=Order.State.PENDING, lines__enrollment=None)
        .exclude(attempts__expires_at__gt=now)
        .exclude(attempts__session_id__isnull=False)
    )
    orders = set(without_page.values_list("pk", flat=True))
    for order_id in orders:
        _cancel(order_id, now)
    return len(orders)
