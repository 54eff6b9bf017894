"""Attempts to pay an order: what each asks Stripe for, and which one can be gone on with.

An attempt is committed before Stripe is asked, in the transaction that agrees on what it is for.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import transaction

from enrollments import stripe_gateway
from enrollments.errors import OrderNotPayable
from enrollments.models import CheckoutAttempt, Enrollment, Installation, Order, OrderLine
from enrollments.operations import limits
from enrollments.operations.orders import lock_order

# A hold lasts as long as its payment page. Stripe measures its own 30 minutes when the request
# arrives, so a page is asked for with some minutes to spare.
HOLD = timedelta(minutes=35)
LEAST_AHEAD = timedelta(minutes=31)
State = CheckoutAttempt.State
# The fingerprint of an attempt that only stands in front of a page that has to end.
NOTHING_AGREED = ""


def fingerprint(order: Order, lines: Iterable[OrderLine]) -> str:
    """A digest of everything that a payment page of the order with these lines depends on."""
    sold = [(line.quarter_id, line.bundle_id, line.unit_price_cents) for line in _sorted(lines)]
    plan = (order.instalment_count, order.instalment_cents)
    agreed = (order.currency, order.email, sold, plan, order.help_code_id)
    return hashlib.sha256(repr(agreed).encode()).hexdigest()


def _sorted(lines: Iterable[OrderLine]) -> list[OrderLine]:
    return sorted(lines, key=lambda line: line.pk)


def open_sessions(order_id: int) -> list[str]:
    """The ids of the order's payment pages that may still be paid."""
    attempts = CheckoutAttempt.objects.filter(order=order_id, state=State.OPEN)
    return [session_id or "" for session_id in attempts.values_list("session_id", flat=True)]


@transaction.atomic
def sessions_put_behind(order_id: int, now: datetime) -> list[str]:
    """The order's open sessions, behind a new attempt: the end of an older one frees no seat.

    Raises:
        TooManyTries: no more pages are made for its address or its browser in this hour.
    """
    order = lock_order(order_id)
    sessions = open_sessions(order_id)
    if sessions and order.state == Order.State.PENDING:
        latest = order.attempts.order_by("number").last()
        _next_attempt(order, latest, now, agreed=NOTHING_AGREED)
    return sessions


def payable_attempt(order_id: int, now: datetime) -> CheckoutAttempt:
    """The attempt to go on with: an open one, one whose answer was lost, or a new one.

    Raises:
        OrderNotPayable: paid, expired or given up meanwhile.
        TooManyTries: no more pages are made for its address or its browser in this hour.
    """
    # Most often it was made a moment ago, and going on with it needs no lock.
    order = Order.objects.prefetch_related("lines").get(pk=order_id)
    return _attempt_to_go_on_with(order, now) or _another_attempt(order_id, now)


@transaction.atomic
def _another_attempt(order_id: int, now: datetime) -> CheckoutAttempt:
    order = lock_order(order_id)
    return _attempt_to_go_on_with(order, now) or make_attempt(order, order.lines.all(), now)


def _attempt_to_go_on_with(order: Order, now: datetime) -> CheckoutAttempt | None:
    """The order's latest attempt, if asking Stripe again for it can still lead to its page."""
    if order.state != Order.State.PENDING:
        raise OrderNotPayable
    latest = order.attempts.order_by("number").last()
    if latest is None or latest.fingerprint != fingerprint(order, order.lines.all()):
        return None
    is_unanswered = latest.state != State.FAILED and _is_young(latest, now)
    return latest if latest.session_id or is_unanswered else None


def _is_young(attempt: CheckoutAttempt, now: datetime) -> bool:
    return attempt.expires_at >= now + LEAST_AHEAD


def first_attempt(order: Order, lines: Iterable[OrderLine], now: datetime) -> CheckoutAttempt:
    """An attempt to pay a new order. Whoever holds a seat for it holds it for ``HOLD``.

    Raises:
        TooManyTries: no more pages are made for its address or its browser in this hour.
    """
    return _add_attempt(order, now, number=1, agreed=fingerprint(order, lines))


def make_attempt(order: Order, lines: Iterable[OrderLine], now: datetime) -> CheckoutAttempt:
    """An attempt to pay what is agreed in a locked order now; its seat is held as long.

    Raises:
        TooManyTries: no more pages are made for its address or its browser in this hour.
    """
    latest = order.attempts.order_by("number").last()
    agreed = fingerprint(order, lines)
    if latest and latest.fingerprint == NOTHING_AGREED and _is_young(latest, now):
        latest.fingerprint = agreed
        latest.save(update_fields=["fingerprint"])
        return latest
    return _next_attempt(order, latest, now, agreed=agreed)


def _next_attempt(
    order: Order, latest: CheckoutAttempt | None, now: datetime, *, agreed: str
) -> CheckoutAttempt:
    number = latest.number + 1 if latest else 1
    attempt = _add_attempt(order, now, number=number, agreed=agreed)
    Enrollment.objects.filter(line__order=order, state=Enrollment.State.HELD).update(
        hold_expires_at=attempt.expires_at
    )
    return attempt


def _add_attempt(order: Order, now: datetime, *, number: int, agreed: str) -> CheckoutAttempt:
    limits.count_page(order, now=now)
    return CheckoutAttempt.objects.create(
        order=order,
        number=number,
        fingerprint=agreed,
        created_at=now,
        expires_at=now + HOLD,
    )


def has_page(attempt: CheckoutAttempt, session_id: str) -> None:
    """Keep the id of the page that Stripe made for this attempt; again changes nothing.

    The order need not be locked: whoever gives it up looks for its pages afterwards, whoever
    changes it locks its attempts, and whoever made a page asks then whether it is still wanted.
    """
    unanswered = CheckoutAttempt.objects.filter(pk=attempt.pk, session_id=None)
    unanswered.update(session_id=session_id, state=State.OPEN)


def is_still_wanted(attempt: CheckoutAttempt) -> bool:
    """Whether the attempt's order waits to be paid, and for just what the attempt is for."""
    order = Order.objects.prefetch_related("lines").get(pk=attempt.order_id)
    agreed = fingerprint(order, order.lines.all())
    return order.state == Order.State.PENDING and agreed == attempt.fingerprint


def has_failed(attempt: CheckoutAttempt) -> None:
    """No page came of this attempt, and none will: the next try is another attempt."""
    unanswered = CheckoutAttempt.objects.filter(pk=attempt.pk, session_id=None)
    unanswered.update(state=State.FAILED)


def checkout_request(
    attempt: CheckoutAttempt, order_address: str
) -> stripe_gateway.CheckoutRequest:
    """What Stripe is asked for; ``order_address`` is where it sends people back to."""
    order = attempt.order
    code = order.help_code
    return stripe_gateway.CheckoutRequest(
        order_reference=str(order.uuid),
        attempt_number=attempt.number,
        installation_code=Installation.own_code(),
        lines=_lines_to_pay(order),
        currency=order.currency,
        email=order.email,
        success_url=f"{order_address}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{order_address}?back=1",
        expires_at=attempt.expires_at,
        promotion_code_id=(code.promotion_code_id or "") if code else "",
    )


def _lines_to_pay(order: Order) -> list[stripe_gateway.Line]:
    """The order's lines; of a quarter paid month by month, one instalment."""
    return [
        stripe_gateway.Line(
            discreet_name=line.discreet_name,
            unit_price_cents=order.instalment_cents,
            is_monthly=True,
        )
        if line.quarter_id and order.instalment_cents
        else stripe_gateway.Line(
            discreet_name=line.discreet_name, unit_price_cents=line.unit_price_cents
        )
        for line in _sorted(order.lines.all())
    ]
