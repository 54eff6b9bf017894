"""Quarters: making one with all its meetings, changing it, opening it, and what the clock does."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import transaction
from django.db.models import Max
from wagtail.log_actions import log

from core import page_cache
from enrollments.errors import (
    EnrollmentNotOpen,
    NotReadyToOpen,
    QuarterInUse,
    TooFewSeats,
    WorkshopHasNoWeeks,
)
from enrollments.models import (
    Enrollment,
    LedgerEntry,
    Meeting,
    MeetingRoom,
    Phase,
    Quarter,
)
from enrollments.operations import seats, waitlist
from programs.models import BundlePage, WorkshopPage

START = time(10, 0)
WEEK = timedelta(days=7)
# The states from which a quarter begins by the clock; a draft or a cancelled one never does.
TAKES_ENROLLMENTS = (Quarter.State.OPEN, Quarter.State.CLOSED)
MOVED_BY_CLOCK = (*TAKES_ENROLLMENTS, Quarter.State.RUNNING)


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
    for week, starts_at in zip(weeks, starts, strict=True):
        # One by one, so that Wagtail's index of references hears of each.
        Meeting.objects.create(
            quarter=quarter,
            number=week.number,
            week=week,
            title=week.heading(),
            starts_at=starts_at,
            minutes=minutes,
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
    checks = {
        "The page of the workshop is not published.": quarter.workshop.live,
        "There are no meetings.": bool(quarter.taking_place()),
        "The price must be above zero.": quarter.price_cents > 0,
        "The moment when enrollment closes has already passed.": quarter.closes_at > now,
        "The group has already begun.": quarter.phase(now) == Phase.AHEAD,
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


def follow_clock(*, now: datetime) -> int:
    """How many quarters began, ended or had places completed, because their time has come.

    Each in a transaction of its own, once, and as far as the clock has gone: after an outage a
    quarter begins and ends in the same run. Two queries when nothing is due.
    """
    begun = Quarter.objects.begun(now).filter(state__in=MOVED_BY_CLOCK)
    behind = Quarter.objects.filter(
        state=Quarter.State.ENDED, enrollments__state=Enrollment.State.ENROLLED
    )
    due = (begun.values("pk"), behind.values("pk"))
    keys = sorted({row["pk"] for rows in due for row in rows})
    return sum(_follow_clock_one(key, now) for key in keys)


@transaction.atomic
def _follow_clock_one(quarter_id: int, now: datetime) -> bool:
    """Whether anything changed. The state decides, so a second call changes nothing."""
    quarter = seats.lock_quarter(quarter_id)
    before, phase = quarter.state, quarter.phase(now)
    if quarter.state in TAKES_ENROLLMENTS and phase != Phase.AHEAD:
        _advance(quarter, Quarter.State.RUNNING)
        waitlist.close_list(quarter)
        log(instance=quarter, action="enrollments.begin")
    if quarter.state == Quarter.State.RUNNING and phase == Phase.OVER:
        _advance(quarter, Quarter.State.ENDED)
        log(instance=quarter, action="enrollments.end")
    completed = _complete_places(quarter, now) if quarter.state == Quarter.State.ENDED else 0
    if quarter.state != before:
        transaction.on_commit(page_cache.evict)
    return quarter.state != before or completed > 0


def _complete_places(quarter: Quarter, now: datetime) -> int:
    """Whoever was in the group to its end has completed it; what is hers stays open."""
    places = quarter.enrollments.filter(state=Enrollment.State.ENROLLED)
    orders = list(places.exclude(line=None).values_list("line__order", flat=True))
    completed = places.update(state=Enrollment.State.COMPLETED)
    LedgerEntry.objects.bulk_create(
        LedgerEntry(
            order_id=order, at=now, action=LedgerEntry.Action.COMPLETED, detail=quarter.label
        )
        for order in orders
    )
    return completed


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
