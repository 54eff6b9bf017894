"""From a visitor's name and email to the page where she pays.

Places orders, holds their seats, keeps one payable Checkout Session for each, and ends them.
"""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from enrollments import stripe_gateway
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyUnlocked,
    NotForSale,
    OrderNotPayable,
    QuarterFull,
    UnknownCheckout,
)
from enrollments.models import (
    BundleAccess,
    BundlePrice,
    CheckoutAttempt,
    Enrollment,
    Order,
    OrderLine,
)
from enrollments.operations import seats
from enrollments.operations.fulfilment import settle

logger = logging.getLogger(__name__)

# A hold lasts as long as its payment page. Stripe measures its own 30 minutes when the request
# arrives, so a page is asked for with some minutes to spare.
HOLD = timedelta(minutes=35)
LEAST_AHEAD = timedelta(minutes=31)


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Who buys, as typed; ``member`` only when she is signed in.

    ``form_id`` is the number of the form she sent: sent twice, it is one order.
    ``own_orders`` are those her browser began earlier: asking again gives her order back.
    """

    chosen_name: str
    email: str
    form_id: UUID
    own_orders: Collection[UUID] = ()
    member: User | None = None

    @property
    def begun(self) -> list[UUID]:
        """The orders that this browser may have begun."""
        return [self.form_id, *self.own_orders]

    def wants(self, order: Order) -> bool:
        """Whether going on with ``order`` is what she asks for: begun here, for this address."""
        return order.uuid in self.begun and order.email == self.email


def enroll(*, quarter_id: int, buyer: Buyer, now: datetime) -> Order:
    """An order for ``quarter_id`` with a seat held for it.

    The same email in another browser ends the hold it had there, so that nobody holds two seats.

    Raises:
        Refusal: not open, full, or (to a signed-in member) already enrolled.
        GatewayError: an older payment page could not be ended.
    """
    _end_other_holds(quarter_id, buyer, now)
    try:
        return _place_quarter_order(quarter_id, buyer, now)
    except QuarterFull:
        if not release_lapsed_holds(now=now, quarter_id=quarter_id):
            raise
        return _place_quarter_order(quarter_id, buyer, now)


def _waiting_orders(quarter_id: int, buyer: Buyer) -> list[Order]:
    return list(
        Order.objects.filter(
            Q(email=buyer.email) | Q(uuid__in=buyer.begun),
            state=Order.State.PENDING,
            lines__quarter=quarter_id,
            lines__enrollment__state=Enrollment.State.HELD,
        )
    )


def _end_other_holds(quarter_id: int, buyer: Buyer, now: datetime) -> None:
    """Her hold in another browser, and the one she began here with a mistyped address."""
    for order in _waiting_orders(quarter_id, buyer):
        if not buyer.wants(order):
            give_up(order_id=order.pk, now=now)


@transaction.atomic
def _place_quarter_order(quarter_id: int, buyer: Buyer, now: datetime) -> Order:
    quarter = seats.lock_quarter(quarter_id)
    seats.refuse_unless_open(quarter, now)
    for order in _waiting_orders(quarter_id, buyer):
        if buyer.wants(order):
            return _renamed(order, buyer)
    if buyer.member and quarter.enrollments.live().filter(member=buyer.member).exists():
        raise AlreadyEnrolled
    order = _new_order(buyer, currency=quarter.currency, now=now)
    line = OrderLine.objects.create(
        order=order,
        quarter=quarter,
        discreet_name=quarter.workshop.discreet_name,
        unit_price_cents=quarter.price_cents,
    )
    seats.hold_seat(quarter=quarter, line=line, member=buyer.member, until=now + HOLD, now=now)
    return order


def _renamed(order: Order, buyer: Buyer) -> Order:
    order.chosen_name = buyer.chosen_name
    order.save(update_fields=["chosen_name"])
    return order


def _new_order(buyer: Buyer, *, currency: str, now: datetime) -> Order:
    used = Order.objects.filter(uuid=buyer.form_id).exists()
    return Order.objects.create(
        uuid=uuid4() if used else buyer.form_id,
        email=buyer.email,
        chosen_name=buyer.chosen_name,
        member=buyer.member,
        currency=currency,
        created_at=now,
    )


@transaction.atomic
def buy_bundle(*, bundle_id: int, buyer: Buyer, now: datetime) -> Order:
    """An order for a bundle alone; the same person asking twice gets her order back.

    Raises:
        Refusal: not on sale, or (to a signed-in member) already unlocked.
    """
    price = (
        BundlePrice.objects.shown()
        .select_for_update(of=("self",))
        .select_related("bundle")
        .filter(bundle=bundle_id)
        .first()
    )
    if price is None:
        raise NotForSale
    access = BundleAccess.objects.in_force().filter(bundle=bundle_id, member=buyer.member)
    if buyer.member and access.exists():
        raise AlreadyUnlocked
    again = Order.objects.filter(
        uuid__in=buyer.begun,
        email=buyer.email,
        state=Order.State.PENDING,
        lines__bundle=bundle_id,
        lines__unit_price_cents=price.price_cents,
    ).first()
    if again:
        return _renamed(again, buyer)
    order = _new_order(buyer, currency=price.currency, now=now)
    OrderLine.objects.create(
        order=order,
        bundle=price.bundle,
        discreet_name=price.bundle.discreet_name,
        unit_price_cents=price.price_cents,
    )
    return order


def open_checkout(*, order_id: int, order_address: str, now: datetime) -> str:
    """The address of the page where the order can be paid; the same one while it is open.

    ``order_address`` is where Stripe sends people back to.

    Raises:
        OrderNotPayable: paid, expired or given up meanwhile.
        GatewayError: Stripe could not be asked; the hold stays, and asking again is safe.
    """
    attempt = _payable_attempt(order_id, now)
    if attempt.session_id:
        checkout = stripe_gateway.get_checkout(attempt.session_id)
    else:
        checkout = _create_checkout(attempt, order_address)
    order = settle(checkout, now=now)
    if checkout.is_open and order.state != Order.State.PENDING:
        # Given up in another window while Stripe was being asked.
        settle(stripe_gateway.expire_checkout(checkout.session_id), now=now)
    if not checkout.is_open or order.state != Order.State.PENDING:
        raise OrderNotPayable
    return checkout.url


def _create_checkout(attempt: CheckoutAttempt, order_address: str) -> stripe_gateway.Checkout:
    try:
        return stripe_gateway.create_checkout(
            _checkout_request(attempt, order_address),
            idempotency_key=f"checkout:{attempt.order.uuid}:{attempt.number}",
        )
    except stripe_gateway.GatewayFailed:
        # The same key would get the same failure for a day: the next try needs its own.
        CheckoutAttempt.objects.filter(pk=attempt.pk, session_id=None).update(
            state=CheckoutAttempt.State.FAILED
        )
        raise


@transaction.atomic
def _payable_attempt(order_id: int, now: datetime) -> CheckoutAttempt:
    """The attempt to go on with: an open one, one whose answer was lost, or a new one."""
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.state != Order.State.PENDING:
        raise OrderNotPayable
    latest = order.attempts.order_by("number").last()
    if latest and _can_go_on(latest, now):
        return latest
    attempt = CheckoutAttempt.objects.create(
        order=order,
        number=latest.number + 1 if latest else 1,
        fingerprint=fingerprint(order),
        expires_at=now + HOLD,
    )
    Enrollment.objects.filter(line__order=order, state=Enrollment.State.HELD).update(
        hold_expires_at=attempt.expires_at
    )
    return attempt


def _can_go_on(attempt: CheckoutAttempt, now: datetime) -> bool:
    """Whether asking Stripe again for this attempt can still lead to its page."""
    if attempt.session_id:
        return True
    is_young = attempt.expires_at >= now + LEAST_AHEAD
    return is_young and attempt.state != CheckoutAttempt.State.FAILED


def fingerprint(order: Order) -> str:
    """A digest of everything that a payment page of the order depends on."""
    lines = [(line.quarter_id, line.bundle_id, line.unit_price_cents) for line in order.lines.all()]
    return hashlib.sha256(repr((order.currency, order.email, lines)).encode()).hexdigest()


def _checkout_request(
    attempt: CheckoutAttempt, order_address: str
) -> stripe_gateway.CheckoutRequest:
    order = attempt.order
    return stripe_gateway.CheckoutRequest(
        order_reference=str(order.uuid),
        attempt_number=attempt.number,
        lines=[
            stripe_gateway.Line(
                discreet_name=line.discreet_name, unit_price_cents=line.unit_price_cents
            )
            for line in order.lines.all()
        ],
        currency=order.currency,
        email=order.email,
        success_url=f"{order_address}?session_id={{CHECKOUT_SESSION_ID}}",
        cancel_url=f"{order_address}?back=1",
        expires_at=attempt.expires_at,
    )


def give_up(*, order_id: int, now: datetime) -> Order:
    """The order, ended: nothing of it can be paid and its seat is free.

    One that was paid meanwhile is fulfilled instead.

    Raises:
        GatewayError: it is not known whether it can still be paid; nothing was changed.
    """
    sessions = CheckoutAttempt.objects.filter(
        order=order_id, state=CheckoutAttempt.State.OPEN
    ).values_list("session_id", flat=True)
    for session_id in list(sessions):
        settle(stripe_gateway.expire_checkout(session_id or ""), now=now)
    return _cancel(order_id)


@transaction.atomic
def _cancel(order_id: int) -> Order:
    order = Order.objects.select_for_update().get(pk=order_id)
    if order.state in (Order.State.PENDING, Order.State.EXPIRED):
        order.state = Order.State.CANCELLED
        order.save(update_fields=["state"])
        for enrollment in Enrollment.objects.filter(line__order=order):
            seats.release_seat(enrollment)
    return order


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
