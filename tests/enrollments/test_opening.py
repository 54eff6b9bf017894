"""Opening, closing, changing and deleting quarters: what is refused, and why."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from django.utils import timezone

from enrollments.errors import EnrollmentNotOpen, NotReadyToOpen, QuarterInUse, TooFewSeats
from enrollments.models import Enrollment, Meeting, Quarter
from enrollments.operations.quarters import (
    change_quarter,
    close_enrollment,
    discard_quarter,
    open_enrollment,
)
from tests.factories.enrollments import bundle, make_member, make_place, make_quarter, workshop

State = Quarter.State


def state_of(quarter: Quarter) -> str:
    return Quarter.objects.get(pk=quarter.pk).state


@pytest.mark.parametrize("state", [State.DRAFT, State.CLOSED, State.OPEN])
def test_a_complete_quarter_opens(loaded_site, now, state):
    quarter = make_quarter(state=state)

    opened = open_enrollment(quarter_id=quarter.pk, now=now)

    assert (opened.state, state_of(quarter)) == (State.OPEN, State.OPEN)


def unpublish_workshop(quarter):
    workshop().unpublish()


def remove_meetings(quarter):
    quarter.meetings.all().delete()


def cancel_meetings(quarter):
    quarter.meetings.update(is_cancelled=True)


def begin(quarter):
    quarter.meetings.filter(number=1).update(starts_at=datetime(2026, 11, 23, 15, tzinfo=UTC))


def change(**fields):
    return lambda quarter: Quarter.objects.filter(pk=quarter.pk).update(**fields)


@pytest.mark.parametrize(
    ("spoil", "reason"),
    [
        (unpublish_workshop, "The page of the workshop is not published."),
        (remove_meetings, "There are no meetings."),
        (cancel_meetings, "There are no meetings."),
        (begin, "The group has already begun."),
        (change(price_cents=0), "The price must be above zero."),
        (
            change(closes_at=datetime(2026, 11, 23, 15, tzinfo=UTC)),
            "The moment when enrollment closes has already passed.",
        ),
        (change(state=State.RUNNING), "The group has already begun."),
        (change(state=State.ENDED), "The group has already begun."),
    ],
    ids=[
        "no page",
        "no meetings",
        "all cancelled",
        "begins now",
        "no price",
        "closes now",
        "running",
        "ended",
    ],
)
def test_an_incomplete_quarter_stays_as_it_is(loaded_site, now, spoil, reason):
    quarter = make_quarter(state=State.DRAFT)
    spoil(quarter)
    before = state_of(quarter)

    with pytest.raises(NotReadyToOpen) as refusal:
        open_enrollment(quarter_id=quarter.pk, now=now)

    assert refusal.value.reasons == [reason]
    assert state_of(quarter) == before


def test_everything_that_is_missing_is_said_at_once(loaded_site, now):
    quarter = make_quarter(state=State.DRAFT, price_cents=0)
    quarter.meetings.all().delete()

    with pytest.raises(NotReadyToOpen) as refusal:
        open_enrollment(quarter_id=quarter.pk, now=now)

    assert refusal.value.sentence == "There are no meetings. The price must be above zero."


def test_a_sample_opens_in_demo_mode_only(loaded_site, now, settings):
    quarter = make_quarter(state=State.DRAFT, is_sample=True)
    settings.DEMO_MODE = False

    with pytest.raises(NotReadyToOpen) as refusal:
        open_enrollment(quarter_id=quarter.pk, now=now)
    settings.DEMO_MODE = True
    opened = open_enrollment(quarter_id=quarter.pk, now=now)

    assert refusal.value.reasons == ["It is a sample, and samples are for sale in demo mode only."]
    assert opened.state == State.OPEN


def test_nothing_opens_while_payments_are_switched_off(loaded_site, now, settings):
    quarter = make_quarter(state=State.DRAFT)
    settings.STRIPE_MODE = "off"

    with pytest.raises(NotReadyToOpen) as refusal:
        open_enrollment(quarter_id=quarter.pk, now=now)

    assert refusal.value.reasons == ["Payments are switched off on this site."]


def test_closing_twice_is_closing_once(loaded_site):
    quarter = make_quarter()

    states = [close_enrollment(quarter_id=quarter.pk).state for _ in range(2)]

    assert states == [State.CLOSED, State.CLOSED]


@pytest.mark.parametrize("state", [State.DRAFT, State.RUNNING, State.ENDED])
def test_what_is_not_open_is_not_closed(loaded_site, state):
    quarter = make_quarter(state=state)

    with pytest.raises(EnrollmentNotOpen):
        close_enrollment(quarter_id=quarter.pk)

    assert state_of(quarter) == state


def test_a_quarter_cannot_shrink_below_the_highest_seat_that_is_taken(loaded_site):
    quarter = make_quarter()
    make_place(quarter, make_member(), seat_number=8)
    make_place(quarter, make_member("bea@example.org"), seat_number=9, state="released")
    quarter.capacity = 7

    with pytest.raises(TooFewSeats) as refusal:
        change_quarter(quarter, fields=["capacity"], bundles=[], now=timezone.now())

    assert refusal.value.sentence == "Seat 8 is taken, so there must be at least 8 seats."
    assert Quarter.objects.get(pk=quarter.pk).capacity == 10


def test_a_held_seat_counts_like_a_paid_one(loaded_site, now):
    quarter = make_quarter()
    make_place(quarter, None, seat_number=3, state="held", hold_expires_at=now)
    quarter.capacity = 2

    with pytest.raises(TooFewSeats):
        change_quarter(quarter, fields=["capacity"], bundles=[], now=timezone.now())


def test_a_change_keeps_to_the_fields_it_names(loaded_site):
    quarter = make_quarter(state=State.DRAFT)
    Quarter.objects.filter(pk=quarter.pk).update(state=State.OPEN)
    quarter.capacity, quarter.label = 1, "Spring 2027"

    change_quarter(quarter, fields=["label"], bundles=[bundle()], now=timezone.now())

    fresh = Quarter.objects.get(pk=quarter.pk)
    assert (fresh.label, fresh.capacity, fresh.state) == ("Spring 2027", 10, State.OPEN)
    assert list(fresh.bundles.all()) == [bundle()]


def test_an_unused_quarter_is_deleted_with_its_meetings(loaded_site):
    quarter = make_quarter(state=State.DRAFT, first_date=date(2027, 1, 9))

    discard_quarter(quarter_id=quarter.pk)

    assert not Quarter.objects.filter(pk=quarter.pk).exists()
    assert Meeting.objects.filter(quarter=quarter.pk).count() == 0


@pytest.mark.parametrize("state", Enrollment.State.values)
def test_a_quarter_in_which_somebody_enrolled_stays(loaded_site, now, state):
    quarter = make_quarter()
    make_place(quarter, make_member(), state=state, hold_expires_at=now + timedelta(minutes=30))

    with pytest.raises(QuarterInUse):
        discard_quarter(quarter_id=quarter.pk)

    assert quarter.meetings.count() == 12
