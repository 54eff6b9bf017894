"""What an order's Checkout Session means for it: granted, waiting, failed or expired.

``fulfil`` is the one way from money to a seat, whoever hears first: the webhook, the return page
or a job. The session fetched fresh decides; a second call changes nothing.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from uuid import UUID

from django.db import transaction
from django.db.models import Prefetch, Q, prefetch_related_objects

from accounts.models import User
from accounts.operations import open_account
from enrollments import emails, stripe_gateway
from enrollments.errors import QuarterFull, UnknownCheckout
from enrollments.models import (
    CheckoutAttempt,
    Enrollment,
    Order,
    OrderLine,
    Payment,
    Quarter,
    Refund,
)
from enrollments.operations import endings, grants, plans, refunds, seats, waitlist
from enrollments.operations.orders import (
    Action,
    ask_for_a_person,
    lock_order,
    places_of,
    record,
)
from enrollments.stripe_gateway import Checkout

logger = logging.getLogger(__name__)
State, Attention, AttemptState = Order.State, Order.Attention, CheckoutAttempt.State

# The order's lines in the order in which Stripe was sent them.
LINES = Prefetch("lines", OrderLine.objects.order_by("pk"))
# Why a line that was paid could not be given, and what becomes of its money by itself.
GIVEN_BACK_FOR = {
    Attention.SEAT_GONE: Refund.Reason.SEAT_GONE,
    Attention.PAID_TWICE: Refund.Reason.PAID_TWICE,
}


def fulfil(session_id: str, *, now: datetime) -> Order:
    """The order of a session, brought up to what Stripe says of it now.

    Raises:
        UnknownCheckout: the session belongs to no order of ours.
        GatewayError: Stripe could not be asked; nothing was changed.
    """
    return settle(stripe_gateway.get_checkout(session_id), now=now)


@transaction.atomic
def settle(checkout: Checkout, *, now: datetime) -> Order:
    """The order of ``checkout``, brought up to it. State moves only forward.

    Raises:
        UnknownCheckout: the session belongs to no order of ours.
    """
    order = lock_order(_order_id(checkout.order_reference))
    attempt = _attempt(order, checkout)
    if checkout.is_settled:
        _settle_paid(order, attempt, checkout, now)
    elif checkout.has_failed:
        _settle_failed(order, attempt, now)
    elif checkout.status == "complete":
        _settle_processing(order)
    elif checkout.is_expired:
        _settle_expired(order, attempt, now)
    return order


def fulfil_free(order: Order, attempt: CheckoutAttempt, *, now: datetime) -> None:
    """Give what costs nothing, in the transaction that agrees on it and without a payment page.

    The caller holds the locks of the order and of every quarter it touches.
    """
    _close(attempt, AttemptState.COMPLETE)
    prefetch_related_objects([order], LINES)
    _share_out(order, [0] * len(order.lines.all()))
    _grant(order, now)


def _order_id(reference: str) -> int:
    try:
        return Order.objects.values_list("pk", flat=True).get(uuid=UUID(reference))
    except (ValueError, Order.DoesNotExist) as error:
        raise UnknownCheckout(reference[:40]) from error


def _attempt(order: Order, checkout: Checkout) -> CheckoutAttempt:
    is_it = Q(session_id=checkout.session_id)
    # Stripe made the session, and its id could not be kept yet, or its answer was lost.
    may_be_it = Q(session_id=None, number=checkout.attempt_number or 0)
    found = list(order.attempts.filter(is_it | may_be_it))
    if not found:
        raise UnknownCheckout(checkout.session_id)
    attempt = next((each for each in found if each.session_id), found[0])
    if attempt.session_id:
        return attempt
    attempt.session_id = checkout.session_id
    attempt.state = AttemptState.OPEN
    attempt.save(update_fields=["session_id", "state"])
    return attempt


def _is_current(attempt: CheckoutAttempt) -> bool:
    return not attempt.order.attempts.filter(number__gt=attempt.number).exists()


def _advance(order: Order, state: Order.State) -> None:
    order.state = state
    order.save(update_fields=["state"])


def _close(attempt: CheckoutAttempt, state: CheckoutAttempt.State) -> None:
    attempt.state = state
    attempt.save(update_fields=["state"])


def _settle_expired(order: Order, attempt: CheckoutAttempt, now: datetime) -> None:
    _close(attempt, AttemptState.EXPIRED)
    if order.state == State.PENDING and _is_current(attempt):
        _advance(order, State.EXPIRED)
        release_holds_of(order, now=now)


def _settle_processing(order: Order) -> None:
    if order.state in (State.PENDING, State.EXPIRED, State.CANCELLED):
        _advance(order, State.PROCESSING)
        emails.queue("payment_processing", order)


def _settle_failed(order: Order, attempt: CheckoutAttempt, now: datetime) -> None:
    _close(attempt, AttemptState.COMPLETE)
    if order.state in (State.PENDING, State.PROCESSING) and _is_current(attempt):
        _advance(order, State.FAILED)
        release_holds_of(order, now=now)
        emails.queue("payment_failed", order)


def release_holds_of(order: Order, *, now: datetime) -> None:
    """Free the seats that wait for the payment of a locked order; no other."""
    for place in places_of(order):
        if place.state == Enrollment.State.HELD:
            waitlist.free_seat(place, to=Enrollment.State.RELEASED, now=now)


def _settle_paid(order: Order, attempt: CheckoutAttempt, checkout: Checkout, now: datetime) -> None:
    if attempt.state == AttemptState.COMPLETE:
        return
    _close(attempt, AttemptState.COMPLETE)
    prefetch_related_objects([order], LINES)
    payment = record_payment(order, attempt, checkout, now)
    if order.paid_at:
        _return_second_payment(order, payment, now)
        plans.stop_what_was_not_agreed(checkout)
    elif not _is_as_agreed(order, checkout):
        plans.stop_what_was_not_agreed(checkout)
        _advance(order, State.REVIEW)
        ask_for_a_person(order, Attention.AMOUNT_MISMATCH, now=now)
        emails.queue("order_in_review", order)
    else:
        _share_out(order, checkout.line_totals_cents)
        if order.instalment_count:
            plans.begin(order, checkout, payment, now=now)
        _grant(order, now)


def record_payment(
    order: Order, attempt: CheckoutAttempt, checkout: Checkout, now: datetime
) -> Payment | None:
    """Recording money never refuses; a total of zero moves none."""
    if not checkout.total_cents:
        return None
    return Payment.objects.create(
        order=order,
        attempt=attempt,
        payment_intent_id=checkout.payment_intent_id,
        amount_cents=checkout.total_cents,
        currency=checkout.currency,
        received_at=now,
    )


def _return_second_payment(order: Order, payment: Payment | None, now: datetime) -> None:
    """Two pages of one order were paid: what came second paid for nothing."""
    ask_for_a_person(order, Attention.PAID_TWICE, now=now)
    if payment:
        refunds.give_back_payment(payment, reason=Refund.Reason.PAID_TWICE, now=now)
        emails.queue("paid_twice", order)


def _is_as_agreed(order: Order, checkout: Checkout) -> bool:
    expected = checkout.subtotal_cents - checkout.discount_cents + checkout.tax_cents
    mode = "subscription" if order.instalment_count else "payment"
    return (
        checkout.mode == mode
        and checkout.currency == order.currency
        and checkout.subtotal_cents == order.due_now_cents
        and checkout.total_cents == expected
        and len(checkout.line_totals_cents) == len(order.lines.all())
    )


def _share_out(order: Order, shares_cents: Sequence[int]) -> None:
    """Keep what each line came to after discounts: a refund of one line is of its own share."""
    for line, share_cents in zip(order.lines.all(), shares_cents, strict=True):
        line.paid_cents = share_cents
        line.save(update_fields=["paid_cents"])


def _grant(order: Order, now: datetime) -> None:
    member = order.member or open_account(email=order.email, chosen_name=order.chosen_name)
    order.member, order.paid_at = member, now
    if member.is_active:
        hand_over(order, order.lines.all(), to=member, now=now)
    else:
        _keep_for_staff(order, now)


def hand_over(order: Order, lines: Iterable[OrderLine], *, to: User, now: datetime) -> None:
    """Give ``lines`` of a locked, paid order to its member; what is not to be had is made good."""
    problems = {line: _give(line, to, now) for line in lines}
    granted = [line for line, problem in problems.items() if problem is None]
    order.state = State.PAID if granted else State.REVIEW
    order.save(update_fields=["member", "paid_at", "state"])
    _make_all_good(order, problems, now)
    if granted:
        emails.queue("receipt", order)


def _keep_for_staff(order: Order, now: datetime) -> None:
    """A closed account has paid: nothing opens, its seat is kept, and a person decides."""
    problems = {line: _keep(line, now) for line in order.lines.all()}
    order.state = State.REVIEW
    if None in problems.values():
        ask_for_a_person(order, Attention.ACCOUNT_CLOSED, now=now)
        order.state = State.CLOSED_ACCOUNT
    order.save(update_fields=["member", "paid_at", "state"])
    if order.state == State.CLOSED_ACCOUNT:
        emails.queue("order_in_review", order)
    _make_all_good(order, problems, now)


def _keep(line: OrderLine, now: datetime) -> Order.Attention | None:
    """Keep what ``line`` bought until staff have decided; the reason why that was not possible."""
    if line.bundle_id:
        return None
    place = _place_of(line)
    problem = _secure_seat(place, line.order, now)
    if problem is None:
        waitlist.has_found_a_place(place, known_as={line.order.address}, now=now)
    return problem


def _give(line: OrderLine, member: User, now: datetime) -> Order.Attention | None:
    """Give ``line`` to ``member``; the reason why that was not possible, if it was not."""
    if line.bundle_id:
        if not grants.unlock_bought(line, member, now=now):
            return Attention.PAID_TWICE
        record(line.order, Action.UNLOCKED, detail=line.discreet_name, now=now)
        return None
    return _enroll(line, member, now)


def _enroll(line: OrderLine, member: User, now: datetime) -> Order.Attention | None:
    place = _place_of(line)
    others = Enrollment.objects.live().filter(quarter=place.quarter, member=member)
    known_as = {member.email}
    if others.exclude(pk=place.pk).exists():
        waitlist.has_found_a_place(place, known_as=known_as, now=now)
        _let_go(place, now)
        return Attention.PAID_TWICE
    if problem := _secure_seat(place, line.order, now):
        return problem
    seats.confirm_seat(place, member=member)
    waitlist.has_found_a_place(place, known_as=known_as, now=now)
    grants.unlock_included(place, now=now)
    record(line.order, Action.ENROLLED, detail=f"seat {place.seat_number}", now=now)
    return None


def _place_of(line: OrderLine) -> Enrollment:
    return Enrollment.objects.select_related("quarter").get(line=line)


def _secure_seat(place: Enrollment, order: Order, now: datetime) -> Order.Attention | None:
    """Hold the seat of ``place``, again if its time had run out; the reason why not, if not."""
    if place.quarter.state == Quarter.State.CANCELLED:
        _let_go(place, now)
        return Attention.SEAT_GONE
    if place.state == Enrollment.State.RELEASED:
        waitlist.make_way_for(place, email=order.address)
        try:
            seats.take_seat_again(place)
        except QuarterFull:
            return Attention.SEAT_GONE
    return None


def _let_go(place: Enrollment, now: datetime) -> None:
    if place.state == Enrollment.State.HELD:
        waitlist.free_seat(place, to=Enrollment.State.RELEASED, now=now)


def _make_all_good(
    order: Order, problems: Mapping[OrderLine, Order.Attention | None], now: datetime
) -> None:
    for line, problem in problems.items():
        if problem:
            _make_good(order, line, problem, now)


def _make_good(order: Order, line: OrderLine, problem: Order.Attention, now: datetime) -> None:
    """Paid for, and not to be had: the money goes back, and the next free seat is hers."""
    ask_for_a_person(order, problem, now=now)
    endings.stop_plan(line, now)
    reason = _reason(line, problem)
    refunds.give_back_line(line, reason=reason, now=now)
    if problem == Attention.SEAT_GONE and line.quarter:
        waitlist.put_first(line.quarter, order=order, now=now)
    emails.queue(str(reason.value), order)


def _reason(line: OrderLine, problem: Order.Attention) -> Refund.Reason:
    """Why its money goes back: each is the name of the letter that says so."""
    if line.quarter and line.quarter.state == Quarter.State.CANCELLED:
        return Refund.Reason.QUARTER_CANCELLED
    return GIVEN_BACK_FOR[problem]
