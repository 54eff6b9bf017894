"""Leaving a group, and cancelling a whole quarter.

Leaving moves no money: staff decide about that. Cancelling gives everybody's back, one person at
a time, each in a transaction of her own, so that it can stop anywhere and go on later.
"""

from __future__ import annotations

import logging
from collections import Counter
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from django.db import transaction
from django.db.models import QuerySet

from accounts.models import User
from core import page_cache
from enrollments import emails
from enrollments.errors import (
    NoPlaceToLeave,
    NothingLeftToRefund,
    QuarterNotCancellable,
    UnknownCheckout,
)
from enrollments.models import (
    BundleAccess,
    Enrollment,
    Order,
    OrderLine,
    PaymentPlan,
    Phase,
    Quarter,
    Refund,
)
from enrollments.operations import endings, giving_up, refunds, seats, waitlist
from enrollments.operations.disputes import open_disputes
from enrollments.operations.endings import Consequence
from enrollments.operations.orders import Action, ask_for_a_person, lock_order, record
from enrollments.querysets import CLAIMED
from enrollments.stripe_gateway import GatewayDown, GatewayError
from programs.models import BundlePage

logger = logging.getLogger(__name__)
State, Attention = Enrollment.State, Order.Attention
IN_IT = (State.ENROLLED, State.COMPLETED)
# Every place of a cancelled quarter ends; its seat is of no use to anybody.
ENDS = Consequence(ends_access=True, frees_seat=False, ends_plan=True)
# What only a person can put right before the money is back.
STUCK = (
    Attention.AMOUNT_MISMATCH,
    Attention.REFUND_FAILED,
    Attention.REFUND_UNCLEAR,
    Attention.DISPUTED,
)


# --- leaving --------------------------------------------------------------------------------


@dataclass(frozen=True, kw_only=True)
class Leaving:
    """What follows when a place is left. ``bundles`` came with it, and close."""

    seat_goes_on: bool
    bundles: list[BundlePage]
    plan_stops: bool


def look_ahead(place: Enrollment, *, now: datetime) -> Leaving:
    """What leaving ``place`` would mean now. Three queries."""
    access = BundleAccess.objects.in_force().filter(enrollment=place).select_related("bundle")
    plans = PaymentPlan.objects.under_way().filter(order__lines__enrollment=place)
    return Leaving(
        seat_goes_on=place.quarter.phase(now) == Phase.AHEAD,
        bundles=[row.bundle for row in access],
        plan_stops=plans.exists(),
    )


@transaction.atomic
def leave(*, place_id: int, by: User, now: datetime) -> Enrollment:
    """The place, ended: the seat goes to the next, instalments stop. Money stays where it is.

    ``by`` is staff, or the member herself.

    Raises:
        NoPlaceToLeave: she has no place any more.
    """
    place = _locked(place_id)
    if place.state not in IN_IT:
        raise NoPlaceToLeave
    order = place.line.order if place.line else None
    is_ahead = place.quarter.phase(now) == Phase.AHEAD
    endings.end_place(place, to=State.LEFT, frees_seat=is_ahead, now=now)
    if place.line and order:
        endings.stop_plan(place.line, now)
        record(order, Action.LEFT, detail=place.quarter.label, by=by, now=now)
        emails.queue("left", order)
    return place


def _locked(place_id: int) -> Enrollment:
    places = Enrollment.objects.select_related("quarter", "line__order")
    place = places.get(pk=place_id)
    if place.line:
        lock_order(place.line.order_id)
    else:
        seats.lock_quarter(place.quarter_id)
    return places.get(pk=place_id)


# --- cancelling a quarter -------------------------------------------------------------------


def is_cancellable(quarter: Quarter, *, now: datetime) -> bool:
    """Whether something of ``quarter`` is left to cancel: not after the end of its last meeting."""
    return quarter.state != Quarter.State.CANCELLED and quarter.phase(now) != Phase.OVER


def cancel_quarter(*, quarter_id: int, by: User, now: datetime) -> Quarter:
    """The quarter, cancelled: nobody can enroll any more, and everybody's money is on its way.

    What cannot be done now is done by ``finish_cancellations``. Again changes nothing.

    Raises:
        QuarterNotCancellable: it is over.
    """
    quarter = _mark_cancelled(quarter_id, by, now)
    finish_cancellation(quarter, now=now)
    return quarter


@transaction.atomic
def _mark_cancelled(quarter_id: int, by: User, now: datetime) -> Quarter:
    """From here on nobody enters; whoever is in it is named in her order's story."""
    quarter = seats.lock_quarter(quarter_id)
    if quarter.state == Quarter.State.CANCELLED:
        return quarter
    if not is_cancellable(quarter, now=now):
        raise QuarterNotCancellable
    quarter.state = Quarter.State.CANCELLED
    quarter.save(update_fields=["state"])
    waitlist.close_list(quarter)
    for order in Order.objects.filter(lines__enrollment__in=_still_in(quarter)).distinct():
        record(order, Action.QUARTER_CANCELLED, detail=quarter.label, by=by, now=now)
    transaction.on_commit(page_cache.evict)
    return quarter


def finish_cancellations(*, now: datetime) -> int:
    """How many people of cancelled quarters were seen to that had not been yet."""
    cancelled = Quarter.objects.filter(state=Quarter.State.CANCELLED)
    unfinished = cancelled.filter(enrollments__state__in=(State.HELD, *IN_IT)).distinct()
    return sum(finish_cancellation(quarter, now=now) for quarter in unfinished)


def finish_cancellation(quarter: Quarter, *, now: datetime) -> int:
    """How many people of a cancelled ``quarter`` were seen to; whoever could not be is left."""
    seen_to = 0
    for place in list(_still_in(quarter)):
        try:
            seen_to += _see_to(place, now)
        except GatewayDown as error:
            # Whoever has paid came first; those who are paying wait until Stripe is there again.
            logger.warning("a cancelled quarter waits for Stripe: %s", error)
            break
        except (GatewayError, UnknownCheckout) as error:
            logger.warning("a place of a cancelled quarter stays for now: %s", error)
    return seen_to


def _still_in(quarter: Quarter) -> QuerySet[Enrollment]:
    """Those who have paid first: for the others Stripe has to be asked."""
    there = quarter.enrollments.filter(state__in=(State.HELD, *IN_IT))
    return there.select_related("line__order").order_by("state", "pk")


def _is_paid_for(place: Enrollment) -> bool:
    """Enrolled, or kept for a closed account that has paid."""
    is_kept = place.line is not None and place.line.order.state == Order.State.CLOSED_ACCOUNT
    return place.state in IN_IT or (place.state == State.HELD and is_kept)


def _see_to(place: Enrollment, now: datetime) -> bool:
    if _is_paid_for(place):
        return _end_and_give_back(place.pk, now)
    if place.line is None:
        return False
    # One that was paid meanwhile is given back by ``fulfilment``.
    giving_up.give_up(order_id=place.line.order_id, now=now)
    return not Enrollment.objects.filter(pk=place.pk, state=State.HELD).exists()


@transaction.atomic
def _end_and_give_back(place_id: int, now: datetime) -> bool:
    """One person, all of it or nothing: her place ends, her money is claimed, a letter waits."""
    place = _locked(place_id)
    if not _is_paid_for(place):
        return False
    if place.line is None:
        endings.end_place(place, to=State.REFUNDED, frees_seat=False, now=now)
        return True
    endings.end_line(place.line, ENDS, to=State.REFUNDED, now=now)
    _give_all_back(place.line, now)
    emails.queue("quarter_cancelled", place.line.order)
    return True


def _give_all_back(line: OrderLine, now: datetime) -> None:
    """What was only proposed is given back with the rest; what cannot be is left to a person."""
    for proposed in line.refunds.filter(state=Refund.State.PROPOSED):
        refunds.withdraw_refund(refund_id=proposed.pk, by=None, now=now)
    if open_disputes(line.order).exists():
        ask_for_a_person(line.order, Attention.DISPUTED, now=now)
        return
    try:
        with transaction.atomic():
            refunds.give_back_line(line, reason=Refund.Reason.QUARTER_CANCELLED, now=now)
    except NothingLeftToRefund:
        # The dashboard has given money back, and nobody has said yet what it was for.
        ask_for_a_person(line.order, Attention.REFUND_UNCLEAR, now=now)


# --- how far it has come --------------------------------------------------------------------


class Stage(Enum):
    """How far a person's part of a cancellation has come."""

    WAITING = "waiting"
    MONEY_ON_ITS_WAY = "money_on_its_way"
    DONE = "done"
    NEEDS_A_PERSON = "needs_a_person"


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a cancellation has come, in people: each is counted once."""

    waiting: int
    money_on_its_way: int
    done: int
    needs_a_person: int


def progress(quarter: Quarter) -> Progress:
    """How far the cancellation of ``quarter`` has come. Three queries, however many people."""
    told = Order.objects.filter(ledger__action=Action.QUARTER_CANCELLED)
    places = (
        quarter.enrollments.filter(line__order__in=told.values("pk"))
        .select_related("line__order")
        .prefetch_related("line__refunds", "line__order__disputes")
    )
    found = Counter(_stage(place) for place in places)
    return Progress(**{stage.value: found[stage] for stage in Stage})


def _stage(place: Enrollment) -> Stage:
    line = place.line
    if line is None:
        return Stage.DONE
    if line.order.attention in STUCK:
        return Stage.NEEDS_A_PERSON
    if place.state in (State.HELD, *IN_IT):
        return Stage.WAITING
    claimed = [refund for refund in line.refunds.all() if refund.state in CLAIMED]
    if any(refund.state != Refund.State.SUCCEEDED for refund in claimed):
        return Stage.MONEY_ON_ITS_WAY
    is_back = sum(refund.amount_cents for refund in claimed) >= (line.paid_cents or 0)
    is_lost = any(dispute.status == "lost" for dispute in line.order.disputes.all())
    return Stage.DONE if is_back or is_lost else Stage.NEEDS_A_PERSON
