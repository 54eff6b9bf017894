"""Seats: holding the lowest free one, keeping it, and giving it back.

Every function here runs inside the caller's transaction. Taking a seat needs the lock on the
quarter's row; giving one back needs none.
"""

from __future__ import annotations

from datetime import datetime

from django.db import IntegrityError, transaction

from accounts.models import User
from core import page_cache
from enrollments.errors import QuarterClosed, QuarterFull, QuarterNotOpenYet
from enrollments.models import Enrollment, OrderLine, Quarter

State = Enrollment.State


def lock_quarter(quarter_id: int) -> Quarter:
    """The quarter, locked until the transaction ends. Lock it before any order."""
    return Quarter.objects.select_for_update().get(pk=quarter_id)


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


def hold_seat(
    *, quarter: Quarter, line: OrderLine, member: User | None, until: datetime, now: datetime
) -> Enrollment:
    """The lowest free seat of a locked ``quarter``, held for ``line`` while it is being paid.

    Raises:
        QuarterFull: no seat is free.
    """
    return _take(
        Enrollment(
            quarter=quarter,
            line=line,
            member=member,
            state=State.HELD,
            hold_expires_at=until,
            created_at=now,
        )
    )


def take_seat_again(enrollment: Enrollment) -> Enrollment:
    """A seat for an enrollment whose hold had ended before its money came.

    Raises:
        QuarterFull: no seat is free any more.
    """
    enrollment.state = State.HELD
    return _take(enrollment)


def _take(enrollment: Enrollment) -> Enrollment:
    enrollment.seat_number = lowest_free_seat(enrollment.quarter)
    if enrollment.seat_number is None:
        raise QuarterFull
    try:
        with transaction.atomic():
            enrollment.save()
    except IntegrityError as error:
        # The schema's own word: somebody has that seat, whatever the lock let through.
        raise QuarterFull from error
    _seats_have_changed()
    return enrollment


def confirm_seat(enrollment: Enrollment, *, member: User) -> None:
    """The held seat becomes ``member``'s."""
    enrollment.state = State.ENROLLED
    enrollment.member = member
    enrollment.save(update_fields=["state", "member"])


def release_seat(enrollment: Enrollment) -> None:
    """A held seat becomes free; anything else is left as it is."""
    if enrollment.state == State.HELD:
        enrollment.state = State.RELEASED
        enrollment.save(update_fields=["state"])
        _seats_have_changed()


def _seats_have_changed() -> None:
    """Public pages say how many seats are left."""
    transaction.on_commit(page_cache.evict)
