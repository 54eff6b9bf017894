"""Quarters and their meetings: twelve Saturdays at ten in New York, whatever the clocks do."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from django.core.exceptions import ValidationError
from django.db import IntegrityError, transaction

from enrollments.errors import WorkshopHasNoWeeks
from enrollments.models import Quarter
from enrollments.operations.quarters import create_quarter, meeting_dates
from programs.models import SyllabusWeekPage, WorkshopPage
from tests.factories.enrollments import make_quarter

NEW_YORK = ZoneInfo("America/New_York")
QUARTERS = [(year, month) for year in range(2026, 2036) for month in (1, 4, 7, 10)]


def first_saturday(year: int, month: int) -> date:
    day = date(year, month, 1)
    return day + timedelta(days=(5 - day.weekday()) % 7)


@pytest.mark.parametrize(("year", "month"), QUARTERS, ids=str)
def test_every_quarter_has_twelve_saturdays_at_ten_in_new_york(loaded_site, year, month):
    first = first_saturday(year, month)
    quarter = make_quarter(first_date=first, opens_at=datetime(year - 1, 12, 1, tzinfo=UTC))

    local = [meeting.local_start(NEW_YORK) for meeting in quarter.meetings.all()]

    assert len(local) == 12
    assert {start.strftime("%A %H:%M") for start in local} == {"Saturday 10:00"}
    assert [b.date() - a.date() for a, b in pairwise(local)] == [timedelta(days=7)] * 11


def test_the_hour_in_utc_changes_with_the_american_clocks(loaded_site):
    quarter = make_quarter(first_date=date(2027, 1, 9))

    hours = [m.starts_at.astimezone(UTC).hour for m in quarter.meetings.all()]

    assert hours == [15] * 10 + [14] * 2


def test_a_skipped_date_moves_the_rest_by_a_week():
    dates = list(
        meeting_dates(date(2027, 4, 10), count=4, skipped={date(2027, 4, 17), date(2027, 4, 24)})
    )

    assert dates == [date(2027, 4, 10), date(2027, 5, 1), date(2027, 5, 8), date(2027, 5, 15)]


def test_meetings_carry_the_weeks_of_the_syllabus(loaded_site):
    quarter = make_quarter()

    assert [(m.number, m.week.number) for m in quarter.meetings.select_related("week")] == [
        (n, n) for n in range(1, 13)
    ]


def test_a_new_quarter_is_a_draft_that_closes_when_it_begins(loaded_site):
    quarter = create_quarter(
        workshop=WorkshopPage.objects.get(key="facing-heartbreak"),
        label="Summer 2027",
        slug="summer-2027",
        first_date=date(2027, 7, 10),
        opens_at=datetime(2027, 5, 1, tzinfo=UTC),
        capacity=8,
        price_cents=60_000,
    )

    assert quarter.state == Quarter.State.DRAFT
    assert quarter.closes_at == datetime(2027, 7, 10, 10, tzinfo=NEW_YORK)


def test_a_quarter_that_closes_before_it_opens_is_refused_with_a_sentence(loaded_site):
    with pytest.raises(ValidationError) as refusal:
        make_quarter(
            first_date=date(2027, 1, 9), opens_at=datetime(2027, 2, 1, tzinfo=UTC), slug="late"
        )

    assert refusal.value.messages == ["Enrollment must close after it opens."]


def test_a_workshop_without_weeks_is_refused_with_a_sentence(loaded_site):
    SyllabusWeekPage.objects.all().update(live=False)

    with pytest.raises(WorkshopHasNoWeeks):
        make_quarter()


def test_an_unknown_time_zone_is_refused(loaded_site):
    quarter = make_quarter()
    quarter.time_zone = "EST5EDT4"

    with pytest.raises(ValidationError) as refusal:
        quarter.full_clean()

    assert list(refusal.value.message_dict) == ["time_zone"]


@pytest.mark.parametrize(
    "change",
    [{"capacity": 0}, {"instalment_count": 3}, {"instalment_count": 1, "instalment_cents": 100}],
    ids=["no seats", "a count without an amount", "one instalment"],
)
def test_the_database_refuses_an_impossible_quarter(loaded_site, change):
    quarter = make_quarter()

    with pytest.raises(IntegrityError), transaction.atomic():
        Quarter.objects.filter(pk=quarter.pk).update(**change)


@pytest.mark.parametrize(
    ("moment", "seats_left", "state"),
    [
        (datetime(2026, 10, 31, tzinfo=UTC), 3, "not_yet"),
        (datetime(2026, 11, 1, tzinfo=UTC), 3, "open"),
        (datetime(2026, 11, 1, tzinfo=UTC), 0, "full"),
        (datetime(2027, 1, 9, 14, 59, tzinfo=UTC), 1, "open"),
        (datetime(2027, 1, 9, 15, tzinfo=UTC), 1, "closed"),
    ],
    ids=["before it opens", "as it opens", "no seat left", "a minute before", "as it begins"],
)
def test_what_a_visitor_can_do_follows_the_clock_and_the_seats(
    loaded_site, moment, seats_left, state
):
    quarter = make_quarter(first_date=date(2027, 1, 9), opens_at=datetime(2026, 11, 1, tzinfo=UTC))

    assert quarter.enrolling_state(moment, seats_left) == state


def test_a_quarter_that_staff_closed_takes_nobody(loaded_site):
    quarter = make_quarter()
    quarter.state = Quarter.State.CLOSED

    assert quarter.enrolling_state(quarter.opens_at, 5) == "closed"
