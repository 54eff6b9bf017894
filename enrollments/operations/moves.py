"""Moving somebody to another quarter, and back within a day. Money is never touched.

The order's line goes with her: the new place carries it, the old one keeps the trace. What rests
goes on resting, because that hangs on the order.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Count, Q, QuerySet

from accounts.models import User
from enrollments import emails
from enrollments.errors import (
    AlreadyThere,
    CannotMove,
    CannotMoveThere,
    HasGoneOn,
    MoveNotUndoable,
    MoveTooOld,
    NoSeatThere,
    NothingToComeBackTo,
    QuarterFull,
    SomebodyWaitsThere,
    StillPaying,
)
from enrollments.models import Enrollment, LedgerEntry, Phase, Quarter, WaitlistEntry
from enrollments.operations import grants, seats, waitlist
from enrollments.operations.orders import Action, record
from enrollments.querysets import IN_LINE

State = Enrollment.State
# How long a move can be undone.
UNDO = timedelta(days=1)
# Nobody comes to these, or not yet.
NOT_MEETING = (Quarter.State.DRAFT, Quarter.State.CANCELLED)


@dataclass(frozen=True, kw_only=True)
class Move:
    """What a move would mean. ``difference_cents``: how much dearer the other quarter is."""

    place: Enrollment
    target: Quarter
    difference_cents: int
    currency: str


def targets(place: Enrollment, *, now: datetime) -> QuerySet[Quarter]:
    """The quarters to which somebody can be moved: of the same workshop, and still ahead.

    Each has ``begins_at``, ``seats_left`` and ``people_waiting``. None in another currency: their
    prices could not be compared. One query.
    """
    waiting = Count("waitlist", filter=Q(waitlist__state__in=IN_LINE), distinct=True)
    return (
        Quarter.objects.shown()
        .filter(workshop=place.quarter.workshop_id, currency=place.quarter.currency)
        .exclude(pk=place.quarter_id)
        .exclude(state__in=NOT_MEETING)
        .exclude(pk__in=Quarter.objects.begun(now).values("pk"))
        .with_seats_left()
        .with_begin()
        .annotate(people_waiting=waiting)
        .order_by("closes_at", "pk")
    )


def look_ahead(place: Enrollment, target: Quarter) -> Move:
    """What moving ``place`` to ``target`` would mean for money: nothing by itself."""
    agreed = place.line.unit_price_cents if place.line else place.quarter.price_cents
    return Move(
        place=place,
        target=target,
        difference_cents=target.price_cents - agreed,
        currency=target.currency,
    )


def reason_not_to_move(place: Enrollment) -> CannotMove | None:
    """Why ``place`` cannot be moved anywhere, if it cannot."""
    if place.state == State.HELD:
        return StillPaying()
    return None if place.state == State.ENROLLED else CannotMove()


@transaction.atomic
def move(*, place_id: int, target_id: int, by: User, now: datetime) -> Enrollment:
    """Her place in the other quarter. Again changes nothing.

    Raises:
        CannotMove: she has no place to be moved from.
        CannotMoveThere: another workshop, a draft, begun, ended or cancelled.
        AlreadyThere: she has a place there.
        NoSeatThere: no seat is free, or somebody waits for it.
    """
    _lock_quarters(Q(pk=place_id), target_id)
    place = _place(place_id)
    if place.moved_to and place.moved_to.quarter_id == target_id:
        return place.moved_to
    target = Quarter.objects.get(pk=target_id)
    _refuse_move(place, target, now)
    new = _seat_in(target, place, now)
    _hand_over(place, new, now)
    _tell(new, Action.MOVED, f"{place.quarter.label} > {target.label}", by, now)
    if new.line:
        emails.queue("moved", new.line.order)
    return new


def _lock_quarters(of_places: Q, *others: int) -> None:
    """Lock the quarters of some places, and others, in the one sequence."""
    theirs = Enrollment.objects.filter(of_places).values("quarter")
    seats.lock_quarters(Q(pk__in=theirs) | Q(pk__in=others))


def _place(place_id: int) -> Enrollment:
    places = Enrollment.objects.select_related("quarter", "member", "line__order", "moved_to")
    return places.get(pk=place_id)


def _refuse_move(place: Enrollment, target: Quarter, now: datetime) -> None:
    if reason := reason_not_to_move(place):
        raise reason
    if not targets(place, now=now).filter(pk=target.pk).exists():
        raise CannotMoveThere
    _refuse_second_place(target, place)


def _refuse_second_place(quarter: Quarter, place: Enrollment) -> None:
    if quarter.enrollments.live().filter(member=place.member).exists():
        raise AlreadyThere


def _seat_in(target: Quarter, place: Enrollment, now: datetime) -> Enrollment:
    """A seat for the member of ``place``; her own wait for one is over with it."""
    new = Enrollment(
        quarter=target,
        member=place.member,
        state=State.ENROLLED,
        joins_by=place.joins_by,
        created_at=now,
    )
    known_as = _addresses(place)
    _refuse_while_others_wait(target, known_as)
    for address in known_as:
        waitlist.make_way_for(new, email=address)
    _take_seat(new)
    waitlist.has_found_a_place(new, known_as=known_as, now=now)
    return new


def _addresses(place: Enrollment) -> Collection[str]:
    """Under which she may stand on a waitlist: entries follow when her address changes."""
    if place.member:
        return {place.member.email}
    return {place.line.order.email} if place.line else set()


def _refuse_while_others_wait(quarter: Quarter, known_as: Collection[str]) -> None:
    """A seat that is kept for her is hers; any other goes to whoever waits."""
    kept = quarter.waitlist.filter(state=WaitlistEntry.State.OFFERED, seat__state=State.OFFERED)
    if kept.filter(email__in=known_as).exists():
        return
    if quarter.waitlist.waiting().exclude(email__in=known_as).exists():
        raise SomebodyWaitsThere


def _take_seat(place: Enrollment) -> None:
    try:
        seats.take_seat(place)
    except QuarterFull as full:
        raise NoSeatThere from full


def _hand_over(old: Enrollment, new: Enrollment, now: datetime) -> None:
    """The line, what is included, and the seat that becomes free."""
    line = old.line
    old.line, old.moved_to, old.moved_at = None, new, now
    old.save(update_fields=["line", "moved_to", "moved_at"])
    new.line = line
    new.save(update_fields=["line"])
    _free_seat(old, State.MOVED, now)
    grants.revoke_included(old, now=now)
    grants.unlock_included(new, now=now)


def _free_seat(place: Enrollment, to: Enrollment.State, now: datetime) -> None:
    """It goes to whoever waits; nobody joins a group that has begun."""
    if place.quarter.phase(now) != Phase.AHEAD:
        seats.vacate(place, to=to)
    else:
        waitlist.free_seat(place, to=to, now=now)


def _tell(
    place: Enrollment, action: LedgerEntry.Action, detail: str, by: User, now: datetime
) -> None:
    if place.line:
        record(place.line.order, action, detail=detail, by=by, now=now)


def reason_not_to_undo(old: Enrollment, *, now: datetime) -> MoveNotUndoable | None:
    """Why the move away from ``old`` cannot be taken back, if it cannot; seats are another matter.

    Up to two queries.
    """
    if old.state != State.MOVED or old.moved_at is None or old.moved_to is None:
        return MoveNotUndoable()
    if now >= old.moved_at + UNDO:
        return MoveTooOld()
    if old.moved_to.state != State.ENROLLED:
        return HasGoneOn()
    is_off = old.quarter.state == Quarter.State.CANCELLED
    if is_off or old.quarter.phase(now) != Phase.AHEAD:
        return NothingToComeBackTo()
    return None


@transaction.atomic
def undo_move(*, place_id: int, by: User, now: datetime) -> Enrollment:
    """The old place, hers again. ``place_id`` is the one she was moved from. Again changes nothing.

    Raises:
        MoveNotUndoable: a day is over, she has gone on, or there is nothing to come back to.
        AlreadyThere: she has taken another place there meanwhile.
        NoSeatThere: her old seat was given away, and no other is free.
    """
    _lock_quarters(Q(pk=place_id) | Q(moved_from=place_id))
    old = _place(place_id)
    if old.state == State.ENROLLED:
        return old
    if reason := reason_not_to_undo(old, now=now):
        raise reason
    new = _place(old.moved_to_id or 0)
    _refuse_second_place(old.quarter, old)
    _refuse_while_others_wait(old.quarter, _addresses(new))
    old.state = State.ENROLLED
    _take_seat(old)
    _hand_back(old, new, now)
    _tell(old, Action.MOVE_UNDONE, f"{new.quarter.label} > {old.quarter.label}", by, now)
    if old.line:
        emails.queue("move_undone", old.line.order)
    return old


def _hand_back(old: Enrollment, new: Enrollment, now: datetime) -> None:
    """As it was before: the line, what is included, and the seat that becomes free."""
    line = new.line
    new.line = None
    new.save(update_fields=["line"])
    old.line, old.moved_to, old.moved_at = line, None, None
    old.save(update_fields=["line", "moved_to", "moved_at"])
    _free_seat(new, State.RELEASED, now)
    grants.revoke_included(new, now=now)
    grants.unlock_included(old, now=now)
