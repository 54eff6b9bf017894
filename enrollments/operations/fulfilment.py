"""What an order's Checkout Session means for it: granted, waiting, failed or expired.

``fulfil`` is the one way from money to a seat, whoever hears first: the webhook, the return page
or a job. The session fetched fresh decides; a second call changes nothing.
"""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from django.db import transaction

from accounts.models import User
from accounts.operations import open_account
from enrollments import emails, stripe_gateway
from enrollments.errors import QuarterFull, UnknownCheckout
from enrollments.models import (
    BundleAccess,
    CheckoutAttempt,
    Enrollment,
    Order,
    OrderLine,
    Payment,
)
from enrollments.operations import seats
from enrollments.stripe_gateway import Checkout
from programs.models import BundlePage

logger = logging.getLogger(__name__)
State, Attention, AttemptState = Order.State, Order.Attention, CheckoutAttempt.State


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
    order = _locked_order(checkout.order_reference)
    attempt = _attempt(order, checkout)
    if checkout.is_settled:
        _settle_paid(order, attempt, checkout, now)
    elif checkout.has_failed:
        _settle_failed(order, attempt)
    elif checkout.status == "complete":
        _settle_processing(order)
    elif checkout.is_expired:
        _settle_expired(order, attempt)
    return order


def _locked_order(reference: str) -> Order:
    """Quarters first, then the order: the one sequence in which rows are locked."""
    try:
        order = Order.objects.get(uuid=UUID(reference))
    except (ValueError, Order.DoesNotExist) as error:
        raise UnknownCheckout(reference[:40]) from error
    for quarter_id in order.lines.exclude(quarter=None).values_list("quarter_id", flat=True):
        seats.lock_quarter(quarter_id)
    return Order.objects.select_for_update().get(pk=order.pk)


def _attempt(order: Order, checkout: Checkout) -> CheckoutAttempt:
    attempt = order.attempts.filter(session_id=checkout.session_id).first()
    if attempt:
        return attempt
    # Stripe made the session, and its answer was lost before the id could be kept.
    number = checkout.attempt_number or 0
    attempt = order.attempts.filter(session_id=None, number=number).first()
    if not attempt:
        raise UnknownCheckout(checkout.session_id)
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


def _settle_expired(order: Order, attempt: CheckoutAttempt) -> None:
    _close(attempt, AttemptState.EXPIRED)
    if order.state == State.PENDING and _is_current(attempt):
        _advance(order, State.EXPIRED)
        _release_seats(order)


def _settle_processing(order: Order) -> None:
    if order.state in (State.PENDING, State.EXPIRED, State.CANCELLED):
        _advance(order, State.PROCESSING)
        emails.queue("payment_processing", order)


def _settle_failed(order: Order, attempt: CheckoutAttempt) -> None:
    _close(attempt, AttemptState.COMPLETE)
    if order.state in (State.PENDING, State.PROCESSING) and _is_current(attempt):
        _advance(order, State.FAILED)
        _release_seats(order)
        emails.queue("payment_failed", order)


def _release_seats(order: Order) -> None:
    for enrollment in Enrollment.objects.filter(line__order=order):
        seats.release_seat(enrollment)


def _settle_paid(order: Order, attempt: CheckoutAttempt, checkout: Checkout, now: datetime) -> None:
    if attempt.state == AttemptState.COMPLETE:
        return
    _close(attempt, AttemptState.COMPLETE)
    _record_payment(order, attempt, checkout, now)
    if order.state in (State.PAID, State.REVIEW):
        _needs_a_person(order, Attention.PAID_TWICE)
    elif not _is_as_agreed(order, checkout):
        order.state = State.REVIEW
        _needs_a_person(order, Attention.AMOUNT_MISMATCH)
    else:
        _grant(order, now)


def _record_payment(
    order: Order, attempt: CheckoutAttempt, checkout: Checkout, now: datetime
) -> None:
    """Recording money never refuses; a total of zero moves none."""
    if checkout.total_cents:
        Payment.objects.create(
            order=order,
            attempt=attempt,
            payment_intent_id=checkout.payment_intent_id,
            amount_cents=checkout.total_cents,
            currency=checkout.currency,
            received_at=now,
        )


def _is_as_agreed(order: Order, checkout: Checkout) -> bool:
    expected = checkout.subtotal_cents - checkout.discount_cents + checkout.tax_cents
    return (
        checkout.mode == "payment"
        and checkout.currency == order.currency
        and checkout.subtotal_cents == order.total_cents
        and checkout.total_cents == expected
    )


def _needs_a_person(order: Order, attention: Order.Attention) -> None:
    """Money is here and the site cannot say what it is for: keep it, tell staff."""
    order.attention = attention
    order.save(update_fields=["state", "attention"])
    emails.queue("order_in_review", order)
    logger.error("order %s needs a person: %s", order.uuid, attention)


def _grant(order: Order, now: datetime) -> None:
    member = order.member or open_account(email=order.email, chosen_name=order.chosen_name)
    order.member, order.paid_at = member, now
    problem = _first_problem(order, member, now)
    order.state = State.REVIEW if problem else State.PAID
    order.save(update_fields=["member", "paid_at", "state"])
    if problem:
        _needs_a_person(order, problem)
    else:
        emails.queue("receipt", order)


def _first_problem(order: Order, member: User, now: datetime) -> Order.Attention | None:
    """Grant each line; the reason why one of them could not be granted, if any."""
    problem = None
    for line in order.lines.select_related("quarter", "bundle"):
        if line.bundle:
            _unlock(member, line.bundle, now, line=line)
        else:
            problem = _enroll(line, member, now) or problem
    return problem


def _enroll(line: OrderLine, member: User, now: datetime) -> Order.Attention | None:
    enrollment = Enrollment.objects.select_related("quarter").get(line=line)
    others = Enrollment.objects.live().filter(quarter=enrollment.quarter, member=member)
    if others.exclude(pk=enrollment.pk).exists():
        seats.release_seat(enrollment)
        return Attention.PAID_TWICE
    if enrollment.state == Enrollment.State.RELEASED:
        try:
            seats.take_seat_again(enrollment)
        except QuarterFull:
            return Attention.SEAT_GONE
    seats.confirm_seat(enrollment, member=member)
    for bundle in enrollment.quarter.bundles.all():
        _unlock(member, bundle, now, enrollment=enrollment)
    return None


def _unlock(
    member: User,
    bundle: BundlePage,
    now: datetime,
    *,
    line: OrderLine | None = None,
    enrollment: Enrollment | None = None,
) -> None:
    """Access to ``bundle``; a member who has it keeps the access she has."""
    BundleAccess.objects.in_force().get_or_create(
        member=member,
        bundle=bundle,
        revoked_at=None,
        defaults={"line": line, "enrollment": enrollment, "granted_at": now},
    )
