"""From a visitor's name and email to the page where she pays.

Places orders, holds their seats, and keeps one payable Checkout Session for each.
"""

from __future__ import annotations

import logging
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime
from uuid import UUID, uuid4

from django.db import transaction
from django.db.models import Q

from accounts.models import User
from enrollments import stripe_gateway
from enrollments.errors import (
    AlreadyEnrolled,
    AlreadyUnlocked,
    CodeNotUsable,
    NotForSale,
    NoVideosYet,
    OrderBusy,
    OrderNotPayable,
    QuarterFull,
)
from enrollments.models import (
    BundleAccess,
    BundlePrice,
    CheckoutAttempt,
    Enrollment,
    Order,
    OrderLine,
    Quarter,
)
from enrollments.operations import attempts, limits, seats, waitlist
from enrollments.operations.fulfilment import fulfil_free, settle
from enrollments.operations.giving_up import give_up, release_lapsed_holds
from enrollments.operations.orders import lock_order
from enrollments.operations.wishes import (
    NOTHING_MORE,
    Wishes,
    agree_on_bundle,
    agree_on_quarter,
)
from enrollments.querysets import OCCUPYING, bundles_are_for_sale

logger = logging.getLogger(__name__)

# How often an order is begun again because another window was quicker.
TRIES = 4
# Nothing was paid with it, and nothing can be any more.
OVER = (Order.State.EXPIRED, Order.State.CANCELLED, Order.State.FAILED)
# Paid here, and not all of it decided yet.
UNDER_WAY = (Order.State.PROCESSING, Order.State.REVIEW, Order.State.CLOSED_ACCOUNT)


@dataclass(frozen=True, kw_only=True)
class Buyer:
    """Who buys, as typed; ``member`` only when she is signed in.

    ``form_id`` is the number of the form she sent: sent twice, it is one order.
    ``own_orders`` are those her browser began earlier: asking again gives her order back.
    ``address_digest`` and ``browser_digest`` say where she comes from, for limits only.
    ``offer`` is the entry of the waitlist whose seat is kept for her.
    """

    chosen_name: str
    email: str
    form_id: UUID
    own_orders: Collection[UUID] = ()
    member: User | None = None
    address_digest: str = ""
    browser_digest: str = ""
    offer: UUID | None = None

    @property
    def begun(self) -> Q:
        """Orders begun in this browser, or by the member who is signed in; whatever the address.

        An address that was typed proves nothing.
        """
        begun = Q(uuid__in=[self.form_id, *self.own_orders])
        return begun | Q(member=self.member) if self.member else begun

    def owns(self, order: Order) -> bool:
        """Whether ``order`` is one of those."""
        is_members = self.member is not None and order.member_id == self.member.pk
        return is_members or order.uuid in (self.form_id, *self.own_orders)

    def wants(self, order: Order) -> bool:
        """Whether going on with ``order`` is what she asks for: begun here, for this address."""
        return self.owns(order) and order.email == self.email


class _AnotherHold(Exception):
    """Another window of this browser began with another address between two looks."""


class _CanBePaid(Exception):
    """The order can be paid as it was agreed before; that has to end first."""

    def __init__(self, order_id: int) -> None:
        super().__init__(order_id)
        self.order_id = order_id


def enroll(*, quarter_id: int, buyer: Buyer, wishes: Wishes = NOTHING_MORE, now: datetime) -> Order:
    """An order for ``quarter_id`` and what else she wishes, with a seat held for it.

    An order and its hold belong to the browser that began them: the same email in another one
    neither finds nor ends them. Asking again with other wishes ends the payment page and changes
    the order. One that was paid comes back as it is. One that costs nothing comes back fulfilled.

    Raises:
        Refusal: not open, full, no such bundle, plan or code, too many tries, an offer that is
            over, or (to a signed-in member) already enrolled.
        GatewayError: an older payment page could not be ended.
    """
    waiting = _waiting(quarter_id, buyer)
    if not any(wishes.are_met_by(order) for order in waiting if buyer.wants(order)):
        limits.refuse_if_no_page_is_left(
            address=buyer.address_digest, browser=buyer.browser_digest, now=now
        )
    for _ in range(TRIES):
        _end_other_holds(waiting, buyer, now)
        try:
            return _place_quarter_order(quarter_id, buyer, wishes, now)
        except _AnotherHold:
            pass
        except _CanBePaid as found:
            order = _end_its_pages(found.order_id, now)
            if order.state not in (Order.State.PENDING, *OVER):
                return order
        except QuarterFull:
            if not release_lapsed_holds(now=now, quarter_id=quarter_id):
                raise
        waiting = _waiting(quarter_id, buyer)
    raise OrderBusy


def quarter_bought(quarter_id: int, buyer: Buyer) -> Order | None:
    """The order with which the buyer has paid for ``quarter_id`` here already. One query.

    Its seat is hers, its money is on its way, or a person looks at it; the place that an offer
    keeps for her is another one.
    """
    is_hers = Q(
        state=Order.State.PAID,
        lines__enrollment__quarter=quarter_id,
        lines__enrollment__state__in=OCCUPYING,
    )
    is_under_way = Q(state__in=UNDER_WAY, lines__quarter=quarter_id)
    found = is_hers if buyer.offer else is_hers | is_under_way
    return Order.objects.filter(buyer.begun, found, email=buyer.email).first()


def bundle_bought(bundle_id: int, buyer: Buyer) -> Order | None:
    """The order with which the buyer has paid for ``bundle_id`` here already. One query.

    It opens the bundle, alone or with a place, or its money is on its way.
    """
    open_now = BundleAccess.objects.in_force().filter(bundle=bundle_id)
    is_hers = Q(lines__in=open_now.exclude(line=None).values("line")) | Q(
        lines__enrollment__in=open_now.exclude(enrollment=None).values("enrollment")
    )
    is_under_way = Q(state__in=UNDER_WAY, lines__bundle=bundle_id)
    orders = Order.objects.filter(buyer.begun, is_hers | is_under_way, email=buyer.email)
    return orders.first()


def quarter_waiting(quarter_id: int, buyer: Buyer) -> Order | None:
    """The order for a place that waits to be paid, and that the buyer would go on with."""
    return next((each for each in _waiting(quarter_id, buyer) if buyer.wants(each)), None)


def _waiting(quarter_id: int, buyer: Buyer) -> list[Order]:
    # Whoever has the link of a letter may take the place that it keeps to another browser.
    kept = Q(lines__enrollment__waitlist_entry__uuid=buyer.offer)
    return list(
        Order.objects.filter(
            buyer.begun | kept if buyer.offer else buyer.begun,
            state=Order.State.PENDING,
            lines__quarter=quarter_id,
            lines__enrollment__state=Enrollment.State.HELD,
        )
    )


def _end_other_holds(waiting: list[Order], buyer: Buyer, now: datetime) -> None:
    """The hold begun here with a mistyped address, or elsewhere with the link of a letter."""
    for order in waiting:
        if not buyer.wants(order):
            give_up(order_id=order.pk, now=now)


@transaction.atomic
def _place_quarter_order(quarter_id: int, buyer: Buyer, wishes: Wishes, now: datetime) -> Order:
    quarter = seats.lock_quarter(quarter_id)
    if bought := quarter_bought(quarter_id, buyer):
        return bought
    seats.refuse_unless_open(quarter, now)
    hers = _only_hers(_waiting(quarter_id, buyer), buyer)
    if hers:
        order = _locked_and_renamed(hers[0], buyer)
        if wishes.are_met_by(order):
            wishes.refuse_another_price(order.lines.all())
        else:
            _refuse_while_it_can_be_paid(order)
            lines = agree_on_quarter(order, quarter, wishes, now=now)
            _give_if_free(order, lines, attempts.make_attempt(order, lines, now), now)
        return order
    return _new_quarter_order(quarter, buyer, wishes, now)


def _only_hers(waiting: list[Order], buyer: Buyer) -> list[Order]:
    """The orders to go on with, once the quarter is locked and nobody can begin another one."""
    if not all(buyer.wants(order) for order in waiting):
        raise _AnotherHold
    return waiting


def _new_quarter_order(quarter: Quarter, buyer: Buyer, wishes: Wishes, now: datetime) -> Order:
    # A hold has no member yet: one live place of hers is one that somebody has paid for.
    if buyer.member and quarter.enrollments.live().filter(member=buyer.member).exists():
        raise AlreadyEnrolled
    # Looked for first: most of a rush comes too late, and costs no more than this look.
    seat = _seat_to_hold(quarter, buyer, now)
    order = _new_order(buyer, currency=quarter.currency, now=now)
    lines = agree_on_quarter(order, quarter, wishes, now=now)
    seats.hold_seat(seat, line=lines[0])
    attempt = attempts.first_attempt(order, lines, now)
    # Under the lock of the address's count, and so exact.
    limits.refuse_more_holds(buyer.address_digest, besides=order)
    _give_if_free(order, lines, attempt, now)
    return order


def _give_if_free(
    order: Order, lines: list[OrderLine], attempt: CheckoutAttempt, now: datetime
) -> None:
    """What comes to nothing leads to no payment page: it is given at once, by the same rules."""
    total_cents = sum(line.unit_price_cents for line in lines)
    if total_cents == (order.help_code.takes_off(total_cents) if order.help_code else 0):
        fulfil_free(order, attempt, now=now)


def _seat_to_hold(quarter: Quarter, buyer: Buyer, now: datetime) -> Enrollment:
    if buyer.offer:
        seat = waitlist.offered_seat(buyer.offer, quarter=quarter, email=buyer.email, now=now)
    else:
        waitlist.refuse_while_somebody_waits(quarter)
        seat = seats.free_seat(quarter, now=now)
    seat.state = Enrollment.State.HELD
    seat.hold_expires_at = now + attempts.HOLD
    return seat


def _locked_and_renamed(order: Order, buyer: Buyer) -> Order:
    order = lock_order(order.pk)
    order.chosen_name = buyer.chosen_name
    order.save(update_fields=["chosen_name"])
    return order


def _refuse_while_it_can_be_paid(order: Order) -> None:
    # Locked: a page that is being made in another window is known now, or sees the change.
    states = order.attempts.select_for_update().values_list("state", flat=True)
    if CheckoutAttempt.State.OPEN in list(states):
        raise _CanBePaid(order.pk)


def _new_order(buyer: Buyer, *, currency: str, now: datetime) -> Order:
    """An order of hers that holds nothing and is not saved yet."""
    used = Order.objects.filter(uuid=buyer.form_id).exists()
    return Order(
        uuid=uuid4() if used else buyer.form_id,
        email=buyer.email,
        chosen_name=buyer.chosen_name,
        member=buyer.member,
        currency=currency,
        address_digest=buyer.address_digest,
        browser_digest=buyer.browser_digest,
        created_at=now,
    )


def buy_bundle(
    *, bundle_id: int, buyer: Buyer, wishes: Wishes = NOTHING_MORE, now: datetime
) -> Order:
    """An order for a bundle alone; the same browser asking twice gets its order back.

    With another code, its payment page ends and the order is changed. One that was paid comes
    back as it is; one that costs nothing, fulfilled.

    Raises:
        Refusal: not on sale, no such code, too many tries, or (to a signed-in member) already
            unlocked.
        GatewayError: an older payment page could not be ended.
    """
    wishes = replace(wishes, bundle_ids=[bundle_id])
    for _ in range(TRIES):
        try:
            return _place_bundle_order(bundle_id, buyer, wishes, now)
        except _CanBePaid as found:
            order = _end_its_pages(found.order_id, now)
            if order.state not in (Order.State.PENDING, *OVER):
                return order
    raise OrderBusy


@transaction.atomic
def _place_bundle_order(bundle_id: int, buyer: Buyer, wishes: Wishes, now: datetime) -> Order:
    # Locked, so that the same form sent twice is one order.
    if not bundles_are_for_sale():
        raise NoVideosYet
    prices = BundlePrice.objects.payable().select_for_update(of=("self",)).select_related("bundle")
    price = prices.filter(bundle=bundle_id).first()
    if price is None:
        raise NotForSale
    if bought := bundle_bought(bundle_id, buyer):
        return bought
    access = BundleAccess.objects.in_force().filter(bundle=bundle_id, member=buyer.member)
    if buyer.member and access.exists():
        raise AlreadyUnlocked
    waiting = bundle_waiting(price, buyer)
    if waiting:
        order = _locked_and_renamed(waiting, buyer)
        if wishes.are_met_by(order):
            wishes.refuse_another_price(order.lines.all())
            return order
        _refuse_while_it_can_be_paid(order)
        lines = agree_on_bundle(order, price, wishes, now=now)
        attempt = attempts.make_attempt(order, lines, now)
    else:
        order = _new_order(buyer, currency=price.currency, now=now)
        lines = agree_on_bundle(order, price, wishes, now=now)
        attempt = attempts.first_attempt(order, lines, now)
    _give_if_free(order, lines, attempt, now)
    return order


def bundle_waiting(price: BundlePrice, buyer: Buyer) -> Order | None:
    """The order for a bundle alone that waits to be paid, and that the buyer would go on with."""
    return (
        Order.objects.filter(
            buyer.begun,
            email=buyer.email,
            state=Order.State.PENDING,
            lines__bundle=price.bundle_id,
            lines__unit_price_cents=price.price_cents,
        )
        .exclude(lines__quarter__isnull=False)
        .first()
    )


def _end_its_pages(order_id: int, now: datetime) -> Order:
    """The order, which nobody can pay any more as it is; its seat stays held."""
    for session_id in attempts.sessions_put_behind(order_id, now):
        settle(stripe_gateway.expire_checkout(session_id), now=now)
    return Order.objects.get(pk=order_id)


def open_checkout(*, order_id: int, order_address: str, now: datetime) -> str:
    """The address of the page where the order can be paid; the same one while it is open.

    ``order_address`` is where Stripe sends people back to.

    Raises:
        OrderNotPayable: paid, expired, changed or given up meanwhile.
        CodeNotUsable: Stripe refused the order's code; the order goes on without it.
        TooManyTries: no more pages are made for its address or its browser in this hour.
        GatewayError: Stripe could not be asked; the hold stays, and asking again is safe.
    """
    attempt = attempts.payable_attempt(order_id, now)
    if attempt.session_id:
        checkout = stripe_gateway.get_checkout(attempt.session_id)
    else:
        if attempt.number > 1:
            _end_pages_behind(attempt, now)
        checkout = _create_checkout(attempt, order_address)
    if not checkout.is_open:
        settle(checkout, now=now)
        raise OrderNotPayable
    attempts.has_page(attempt, checkout.session_id)
    if not attempts.is_still_wanted(attempt):
        # Given up or changed in another window while Stripe was being asked.
        settle(stripe_gateway.expire_checkout(checkout.session_id), now=now)
        raise OrderNotPayable
    return checkout.url


def _end_pages_behind(attempt: CheckoutAttempt, now: datetime) -> None:
    """One payable page for each order: what an earlier try left open ends first."""
    for session_id in attempts.open_sessions(attempt.order_id):
        order = settle(stripe_gateway.expire_checkout(session_id), now=now)
        if order.state != Order.State.PENDING:
            raise OrderNotPayable


def _create_checkout(attempt: CheckoutAttempt, order_address: str) -> stripe_gateway.Checkout:
    try:
        return stripe_gateway.create_checkout(
            attempts.checkout_request(attempt, order_address),
            idempotency_key=f"checkout:{attempt.order.uuid}:{attempt.number}",
        )
    except stripe_gateway.GatewayFailed:
        # The same key would get the same failure for a day: the next try needs its own.
        attempts.has_failed(attempt)
        limits.uncount_page(attempt.order, at=attempt.created_at)
        raise
    except (stripe_gateway.GatewayRefused, stripe_gateway.NoSuchObject) as refused:
        if attempt.order.help_code_id is None:
            raise
        logger.warning("order %s: its code was refused: %s", attempt.order.uuid, refused)
        _go_on_without_code(attempt)
        raise CodeNotUsable from refused


@transaction.atomic
def _go_on_without_code(attempt: CheckoutAttempt) -> None:
    order = lock_order(attempt.order_id)
    order.help_code = None
    order.save(update_fields=["help_code"])
    attempts.has_failed(attempt)
