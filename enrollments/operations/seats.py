"""Seats: holding the lowest free one, keeping it, and giving it back.

Every function here runs inside the caller's transaction and under the lock of the quarter's row.
Giving a seat back is ``operations.waitlist.free_seat``: whoever waits for it comes first.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction
from django.db.models import Q

from accounts.models import User
from core import page_cache
from enrollments.errors import QuarterClosed, QuarterFull, QuarterNotOpenYet
from enrollments.models import Enrollment, OrderLine, Quarter

State = Enrollment.State


def lock_quarter(quarter_id: int) -> Quarter:
    """The quarter, locked until the transaction ends. Lock it before any order."""
    return Quarter.objects.named().select_for_update(of=("self",)).get(pk=quarter_id)


def lock_quarters(which: Q) -> list[Quarter]:
    """Several quarters, locked in one sequence for everybody, so that nobody waits in a circle."""
    return list(Quarter.objects.select_for_update().filter(which).order_by("pk"))


def refuse_unless_open(quarter: Quarter, now: datetime) -> None:
    """Nothing, when ``quarter`` takes enrollments at ``now``; seats are another question.

    Raises:
        QuarterNotOpenYet: enrollment opens later.
        QuarterClosed: enrollment is over.
    """
    state = quarter.enrolling_state(now, seats_left=1)
    if state == "not_yet":
        raise QuarterNotOpenYet
    if state != "open":
        raise QuarterClosed


def lowest_free_seat(quarter: Quarter) -> int | None:
    """The number of the first seat that nobody has, or None. Trust it only under the lock."""
    taken = set(quarter.enrollments.occupying().values_list("seat_number", flat=True))
    return next((n for n in range(1, quarter.capacity + 1) if n not in taken), None)


def free_seat(quarter: Quarter, *, now: datetime) -> Enrollment:
    """The lowest free seat of a locked ``quarter``; nobody's, and not saved yet.

    Raises:
        QuarterFull: no seat is free.
    """
    return _with_seat(Enrollment(quarter=quarter, created_at=now))


def hold_seat(seat: Enrollment, *, line: OrderLine) -> None:
    """Hold a seat that was found under the same lock, while ``line`` is being paid.

    Raises:
        QuarterFull: somebody has it after all.
    """
    seat.line = line
    _save(seat)


def take_seat_again(enrollment: Enrollment) -> Enrollment:
    """A seat for an enrollment whose hold had ended before its money came.

    Raises:
        QuarterFull: no seat is free any more.
    """
    enrollment.state = State.HELD
    return take_seat(enrollment)


def take_seat(enrollment: Enrollment) -> Enrollment:
    """``enrollment``, saved with the lowest free seat of its locked quarter.

    Raises:
        QuarterFull: no seat is free.
    """
    _save(_with_seat(enrollment))
    return enrollment


def _with_seat(enrollment: Enrollment) -> Enrollment:
    enrollment.seat_number = lowest_free_seat(enrollment.quarter)
    if enrollment.seat_number is None:
        raise QuarterFull
    return enrollment


def _save(enrollment: Enrollment) -> None:
    try:
        with transaction.atomic():
            enrollment.save()
    except IntegrityError as error:
        # The schema's own word: somebody has that seat, whatever the lock let through.
        raise QuarterFull from error
    seats_have_changed()


def confirm_seat(enrollment: Enrollment, *, member: User) -> None:
    """The held seat becomes ``member``'s."""
    enrollment.state = State.ENROLLED
    enrollment.member = member
    enrollment.save(update_fields=["state", "member"])


def vacate(enrollment: Enrollment, *, to: Enrollment.State) -> None:
    """The seat is nobody's, and ``to`` says why. It is not offered to anybody here."""
    enrollment.state = to
    enrollment.save(update_fields=["state"])
    seats_have_changed()


def seats_have_changed() -> None:
    """Public pages say how many seats are left."""
    transaction.on_commit(page_cache.evict)
