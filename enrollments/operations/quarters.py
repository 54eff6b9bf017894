"""Quarters: making one with all its meetings."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction

from enrollments.models import Meeting, Quarter
from programs.models import WorkshopPage

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
def create_quarter(
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
    is_sample: bool = False,
) -> Quarter:
    """A draft quarter with one meeting for each week of the workshop's syllabus.

    Every meeting is at ``start`` on the clocks of ``time_zone``, whatever they are set to that
    day. Enrollment closes when the first one begins, unless ``closes_at`` says otherwise.
    """
    zone = ZoneInfo(time_zone)
    weeks = list(workshop.syllabus())
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
