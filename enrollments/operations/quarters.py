"""Quarters: making one with all its meetings, changing it, opening and closing enrollment."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Max

from enrollments.errors import (
    EnrollmentNotOpen,
    NotReadyToOpen,
    QuarterInUse,
    TooFewSeats,
    WorkshopHasNoWeeks,
)
from enrollments.models import Meeting, MeetingRoom, Quarter
from enrollments.operations import seats, waitlist
from programs.models import BundlePage, WorkshopPage

START = time(10, 0)
WEEK = timedelta(days=7)


def meeting_dates(
    first: date, *, count: int, skipped: Collection[date] = frozenset()
) -> Iterator[date]:
    """``count`` dates a week apart from ``first``; a skipped date moves the rest by a week."""
    day = first
    for _ in range(count):
        while day in skipped:
            day += WEEK
        yield day
        day += WEEK


@transaction.atomic
def create_quarter(  # noqa: PLR0913 (a quarter is that many facts)
    *,
    workshop: WorkshopPage,
    label: str,
    slug: str,
    first_date: date,
    opens_at: datetime,
    capacity: int,
    price_cents: int,
    currency: str = "usd",
    time_zone: str = "America/New_York",
    start: time = START,
    minutes: int = 120,
    skipped: Collection[date] = frozenset(),
    closes_at: datetime | None = None,
    instalment_count: int | None = None,
    instalment_cents: int | None = None,
    is_sample: bool = False,
) -> Quarter:
    """A draft quarter with one meeting for each week of the workshop's syllabus.

    Every meeting is at ``start`` on the clocks of ``time_zone``, whatever they are set to that
    day. Enrollment closes when the first one begins, unless ``closes_at`` says otherwise.

    Raises:
        WorkshopHasNoWeeks: there is nothing to meet for yet.
    """
    zone = ZoneInfo(time_zone)
    weeks = list(workshop.syllabus())
    if not weeks:
        raise WorkshopHasNoWeeks
    days = list(meeting_dates(first_date, count=len(weeks), skipped=skipped))
    starts = [datetime.combine(day, start, tzinfo=zone) for day in days]
    quarter = Quarter(
        workshop=workshop,
        label=label,
        slug=slug,
        opens_at=opens_at,
        closes_at=closes_at or starts[0],
        capacity=capacity,
        price_cents=price_cents,
        currency=currency,
        time_zone=time_zone,
        instalment_count=instalment_count,
        instalment_cents=instalment_cents,
        is_sample=is_sample,
    )
    quarter.full_clean()
    quarter.save()
    Meeting.objects.bulk_create(
        Meeting(
            quarter=quarter, number=week.number, week=week, starts_at=starts_at, minutes=minutes
        )
        for week, starts_at in zip(weeks, starts, strict=True)
    )
    return quarter


@transaction.atomic
def change_quarter(
    quarter: Quarter, *, fields: Collection[str], bundles: Iterable[BundlePage], now: datetime
) -> None:
    """Keep ``fields`` of ``quarter`` as they stand in it, and what it includes.

    New seats are offered to whoever waits before any visitor can take them.

    Raises:
        TooFewSeats: somebody has a seat above the new number of seats.
    """
    locked = seats.lock_quarter(quarter.pk)
    highest = highest_taken_seat(locked)
    if quarter.capacity < highest:
        raise TooFewSeats(highest)
    quarter.save(update_fields=fields)
    quarter.bundles.set(bundles)
    waitlist.offer_free_seats(seats.lock_quarter(quarter.pk), now=now)


def room_of(quarter: Quarter) -> MeetingRoom:
    """How members come into ``quarter``; empty and not yet stored when nobody has said. One query.

    What is stored but cannot be read is an ``UnreadableText``.
    """
    return MeetingRoom.objects.filter(quarter=quarter).first() or MeetingRoom(quarter=quarter)


@transaction.atomic
def change_room(quarter: Quarter, *, fields: Mapping[str, str]) -> None:
    """Keep ``fields`` of how members come into ``quarter``; what is not named stays as it is."""
    if fields:
        MeetingRoom.objects.update_or_create(quarter=quarter, defaults=fields)


def highest_taken_seat(quarter: Quarter) -> int:
    """The highest seat number that is taken or held, or 0.

    A quarter cannot become smaller than that: seats are given by number, so all the free ones
    below it would still be sold.
    """
    occupied = quarter.enrollments.occupying().aggregate(highest=Max("seat_number"))
    return occupied["highest"] or 0


def reasons_not_to_open(quarter: Quarter, now: datetime) -> list[str]:
    """Everything that keeps enrollment in ``quarter`` from being opened, a sentence each."""
    starts = [m.starts_at for m in quarter.meetings.all() if not m.is_cancelled]
    checks = {
        "The page of the workshop is not published.": quarter.workshop.live,
        "There are no meetings.": bool(starts),
        "The first meeting is not ahead any more.": not starts or min(starts) > now,
        "The price must be above zero.": quarter.price_cents > 0,
        "The moment when enrollment closes has already passed.": quarter.closes_at > now,
        "The group has already begun.": quarter.state
        not in (Quarter.State.RUNNING, Quarter.State.ENDED),
        "It was cancelled, and everybody was told.": quarter.state != Quarter.State.CANCELLED,
        "It is a sample, and samples are for sale in demo mode only.": settings.DEMO_MODE
        or not quarter.is_sample,
        "Payments are switched off on this site.": settings.STRIPE_MODE != "off",
    }
    return [sentence for sentence, is_right in checks.items() if not is_right]


@transaction.atomic
def open_enrollment(*, quarter_id: int, now: datetime) -> Quarter:
    """The quarter, open: visitors can enroll from its ``opens_at`` on. Again changes nothing.

    Raises:
        NotReadyToOpen: with everything that is missing.
    """
    quarter = seats.lock_quarter(quarter_id)
    if quarter.state == Quarter.State.OPEN:
        return quarter
    if reasons := reasons_not_to_open(quarter, now):
        raise NotReadyToOpen(reasons)
    _advance(quarter, Quarter.State.OPEN)
    waitlist.offer_free_seats(quarter, now=now)
    return quarter


@transaction.atomic
def close_enrollment(*, quarter_id: int) -> Quarter:
    """The quarter, closed to new orders; whoever is paying may finish. Again changes nothing.

    Whoever waits for a seat is told that the list is closed.

    Raises:
        EnrollmentNotOpen: it is a draft, or the group has already begun.
    """
    quarter = seats.lock_quarter(quarter_id)
    if quarter.state == Quarter.State.CLOSED:
        return quarter
    if quarter.state != Quarter.State.OPEN:
        raise EnrollmentNotOpen
    _advance(quarter, Quarter.State.CLOSED)
    waitlist.close_list(quarter)
    return quarter


def _advance(quarter: Quarter, state: Quarter.State) -> None:
    quarter.state = state
    quarter.save(update_fields=["state"])


@transaction.atomic
def discard_quarter(*, quarter_id: int) -> None:
    """Delete a quarter with its meetings, as long as nobody has ever enrolled in it.

    Raises:
        QuarterInUse: an enrollment exists, whatever became of it.
    """
    quarter = seats.lock_quarter(quarter_id)
    if quarter.enrollments.exists():
        raise QuarterInUse
    quarter.delete()
