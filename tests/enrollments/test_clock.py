"""Quarters begin and end by the clock: once, on time, and after any outage."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.test import Client
from django.utils import timezone
from wagtail.models import ModelLogEntry

from core import page_cache
from enrollments.errors import QuarterClosed, QuarterNotCancellable
from enrollments.models import (
    Enrollment,
    LedgerEntry,
    Meeting,
    Phase,
    Quarter,
    Refund,
    WaitlistEntry,
)
from enrollments.offers import quarter_offers
from enrollments.operations import checkout, departures, endings
from enrollments.operations.quarters import follow_clock
from tests.factories.enrollments import (
    make_buyer,
    make_entry,
    make_member,
    make_place,
    make_quarter,
    workshop,
)

pytestmark = pytest.mark.django_db
SECOND = timedelta(seconds=1)
# Saturday 9 January and 27 March 2027, 10:00 in New York: the second one in summer time.
BEGINS = datetime(2027, 1, 9, 15, tzinfo=UTC)
ENDS = datetime(2027, 3, 27, 16, tzinfo=UTC)


def state_of(row):
    return type(row).objects.values_list("state", flat=True).get(pk=row.pk)


def history_of(quarter):
    kind = ContentType.objects.get_for_model(quarter)
    entries = ModelLogEntry.objects.filter(content_type=kind, object_id=str(quarter.pk))
    return list(entries.order_by("pk").values_list("action", flat=True))


@pytest.mark.parametrize(
    ("moment", "phase", "state"),
    [
        (BEGINS - SECOND, Phase.AHEAD, "open"),
        (BEGINS, Phase.UNDER_WAY, "running"),
        (ENDS - SECOND, Phase.UNDER_WAY, "running"),
        (ENDS, Phase.OVER, "ended"),
    ],
    ids=["a second before", "as it begins", "a second before the end", "as it ends"],
)
def test_a_group_begins_with_its_first_meeting_and_ends_with_its_last(
    quarter, moment, phase, state
):
    follow_clock(now=moment)

    quarter.refresh_from_db()
    assert (quarter.phase(moment), quarter.state) == (phase, state)


@pytest.mark.parametrize("moment", [BEGINS - SECOND, BEGINS, ENDS])
def test_lists_know_the_same_quarters_as_begun_as_the_rule_does(quarter, moment):
    quarter.meetings.filter(number__in=(1, 12)).update(is_cancelled=True)
    running = make_quarter(state=Quarter.State.RUNNING)

    listed = set(Quarter.objects.begun(moment))

    expected = {each for each in (quarter, running) if each.phase(moment) != Phase.AHEAD}
    assert listed == expected


def test_cancelled_meetings_neither_begin_nor_end_a_group(quarter):
    quarter.meetings.filter(number__in=(1, 12)).update(is_cancelled=True)
    week = timedelta(days=7)

    moments = (BEGINS, BEGINS + week, ENDS - week - SECOND, ENDS - week)
    phases = [Quarter.objects.get(pk=quarter.pk).phase(moment) for moment in moments]

    assert phases == [Phase.AHEAD, Phase.UNDER_WAY, Phase.UNDER_WAY, Phase.OVER]


def test_a_group_whose_meetings_are_all_cancelled_does_neither(quarter):
    quarter.meetings.update(is_cancelled=True)

    assert (follow_clock(now=ENDS), state_of(quarter)) == (0, "open")


@pytest.mark.parametrize("state", ["draft", "cancelled", "ended"])
def test_what_nobody_comes_to_stays_as_it_is(loaded_site, state):
    quarter = make_quarter(state=state)

    assert (follow_clock(now=ENDS), state_of(quarter)) == (0, state)


@pytest.mark.parametrize("state", ["open", "closed"])
def test_weeks_of_outage_are_caught_up_in_one_run_and_told_once(loaded_site, state):
    quarter = make_quarter(state=state)
    place = make_place(quarter, make_member())

    changed = [follow_clock(now=ENDS + timedelta(days=30)) for _ in range(3)]

    assert changed == [1, 0, 0]
    assert (state_of(quarter), state_of(place)) == ("ended", "completed")
    assert history_of(quarter) == ["enrollments.begin", "enrollments.end"]


def test_each_order_tells_once_that_its_group_has_ended(paid, quarter):
    for _ in range(2):
        follow_clock(now=ENDS)

    told = LedgerEntry.objects.filter(order=paid, action="completed")
    assert [(line.at, line.detail, line.by) for line in told] == [(ENDS, quarter.label, None)]


def test_whoever_had_left_has_completed_nothing(quarter):
    gone = make_place(quarter, make_member(), state="left")

    follow_clock(now=ENDS)

    assert state_of(gone) == "left"


def test_a_place_whose_payment_came_after_the_end_is_completed_too(quarter):
    follow_clock(now=ENDS)
    late = make_place(quarter, make_member())

    changed = [follow_clock(now=ENDS + SECOND) for _ in range(2)]

    assert (changed, state_of(late)) == ([1, 0], "completed")


def test_what_a_member_completed_stays_hers(quarter, client):
    ann = make_member()
    make_place(quarter, ann)
    follow_clock(now=ENDS)
    client.force_login(ann)

    page = client.get("/member/").content.decode()

    assert "Saturday course, Winter 2027" in page
    assert "Leave the group" not in page


def test_tick_does_it(quarter, monkeypatch):
    quarter.meetings.filter(number=1).update(starts_at=datetime(2026, 11, 23, 14, tzinfo=UTC))

    call_command("follow_clock")

    assert state_of(quarter) == "running"


def test_public_pages_forget_themselves_when_a_group_begins(
    quarter, monkeypatch, django_capture_on_commit_callbacks
):
    evicted = []
    monkeypatch.setattr(page_cache, "evict", lambda: evicted.append("all"))

    with django_capture_on_commit_callbacks(execute=True):
        follow_clock(now=BEGINS - SECOND)
        before = list(evicted)
        follow_clock(now=BEGINS)

    assert (before, evicted) == ([], ["all"])


def test_the_list_closes_when_the_group_begins(quarter):
    entry = make_entry(quarter)

    follow_clock(now=BEGINS)

    assert state_of(entry) == WaitlistEntry.State.CLOSED


# --- every rule asks the same, whether or not the minute's run has come ---------------------


@pytest.mark.parametrize("is_written_down", [False, True], ids=["tick is late", "tick was there"])
def test_a_quarter_that_is_over_is_cancelled_for_nobody(quarter, is_written_down):
    place = make_place(quarter, make_member())
    if is_written_down:
        follow_clock(now=ENDS)

    with pytest.raises(QuarterNotCancellable):
        departures.cancel_quarter(
            quarter_id=quarter.pk, by=make_member("staff@example.org"), now=ENDS
        )

    assert state_of(place) in ("enrolled", "completed")
    assert not Refund.objects.exists()


def test_a_second_before_its_end_a_quarter_can_be_cancelled(quarter):
    departures.cancel_quarter(
        quarter_id=quarter.pk, by=make_member("staff@example.org"), now=ENDS - SECOND
    )

    assert state_of(quarter) == "cancelled"


def test_nobody_joins_a_group_that_has_begun_whatever_staff_typed(quarter):
    Quarter.objects.update(closes_at=ENDS)

    with pytest.raises(QuarterClosed):
        checkout.enroll(quarter_id=quarter.pk, buyer=make_buyer(), now=BEGINS)


def test_an_offer_of_a_seat_never_outlasts_the_begin(loaded_site, time_machine):
    quarter = make_quarter(capacity=1, closes_at=ENDS)
    place = make_place(quarter, make_member())
    entry = make_entry(quarter)
    # The offer begins when its letter has gone out, by the clock.
    time_machine.move_to(BEGINS - timedelta(hours=1))

    departures.leave(place_id=place.pk, by=place.member, now=timezone.now())

    entry.refresh_from_db()
    assert (entry.state, entry.offered_until) == ("offered", BEGINS)


def test_leaving_frees_the_seat_only_before_the_first_meeting_that_takes_place(quarter):
    quarter.meetings.filter(number=1).update(is_cancelled=True)
    place = make_place(quarter, make_member())

    ahead = [
        departures.look_ahead(
            Enrollment.objects.select_related("quarter").get(pk=place.pk), now=moment
        ).seat_goes_on
        for moment in (BEGINS, BEGINS + timedelta(days=7))
    ]

    assert ahead == [True, False]


# --- the first meeting is the first that takes place ----------------------------------------


def test_public_pages_name_the_first_and_the_last_meeting_that_take_place(quarter):
    quarter.meetings.filter(number__in=(1, 12)).update(is_cancelled=True, note="A holiday.")

    offer = next(
        offer
        for offer in quarter_offers(workshop(), datetime(2026, 11, 23, 15, tzinfo=UTC))
        if offer.label == quarter.label
    )

    assert (offer.start.day, offer.last.day, offer.weeks, len(offer.dates)) == (16, 20, 10, 12)


def test_a_cancelled_meeting_in_the_past_hides_no_quarter(quarter):
    quarter.meetings.filter(number=1).update(is_cancelled=True)

    labels = [offer.label for offer in quarter_offers(workshop(), BEGINS + SECOND)]

    assert quarter.label in labels


def test_a_quarter_without_a_meeting_is_not_announced(quarter):
    quarter.meetings.update(is_cancelled=True)

    offers = quarter_offers(workshop(), datetime(2026, 11, 23, 15, tzinfo=UTC))

    assert [offer.label for offer in offers] == []


@pytest.mark.parametrize("address", ["/enroll/{}/", "/waitlist/{}/"])
def test_pages_before_paying_name_the_first_that_takes_place(loaded_site, address):
    quarter = make_quarter(capacity=1)
    make_place(quarter, make_member())
    quarter.meetings.filter(number=1).update(is_cancelled=True)

    page = Client().get(address.format(quarter.slug)).content.decode()

    assert "Saturday, January 16, 2027" in page
    assert "January 9" not in page
    assert "11, once a week" in page


def test_the_enroll_page_of_a_quarter_without_a_meeting_promises_no_date(quarter):
    quarter.meetings.update(is_cancelled=True)

    answer = Client().get(f"/enroll/{quarter.slug}/")

    assert answer.status_code == 200
    assert "First meeting" not in answer.content.decode()


def test_a_refund_asks_the_same_rule(paid, quarter):
    quarter.meetings.filter(number=1).update(is_cancelled=True)
    line = paid.lines.get()

    begun = [endings.has_begun(line, moment) for moment in (BEGINS, BEGINS + timedelta(days=7))]

    assert begun == [False, True]


@pytest.mark.parametrize(
    ("minutes_later", "shown"), [(0, True), (119, True), (120, False)], ids=["start", "late", "end"]
)
def test_staff_find_a_running_meeting_among_those_to_come(quarter, minutes_later, shown):
    first = quarter.meetings.get(number=1)

    found = Meeting.objects.not_over(BEGINS + timedelta(minutes=minutes_later))

    assert (first in found) == shown
