"""What staff fill in: new and changed quarters, meetings, and the buttons of a quarter."""

from __future__ import annotations

from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

import pytest
from cryptography.fernet import Fernet
from wagtail.models import ModelLogEntry

from core.two_editors import THEIRS_STAYS, TOLD
from enrollments.models import Meeting, MeetingRoom, Quarter
from tests.enrollments.desk_cast import address, browser_of, make_staff, text_of
from tests.factories.enrollments import (
    bundle,
    make_member,
    make_place,
    make_quarter,
    workshop,
)
from tests.factories.pages import make_workshop
from tests.sent_forms import shown_in

NEW_YORK = ZoneInfo("America/New_York")
DISCREET = "This is read in letters, on bank statements and on locked screens. "


def new_quarter(**changes) -> dict[str, object]:
    """A form for summer 2027, filled in."""
    return {
        "workshop": workshop().pk,
        "label": "Summer 2027",
        "slug": "",
        "first_date": "2027-07-10",
        "skipped": "",
        "start": "10:00",
        "minutes": "120",
        "time_zone": "America/New_York",
        "opens_at": "2027-05-01 09:00",
        "closes_at": "",
        "capacity": "8",
        "price": "600.50",
        "currency": "USD",
        "bundles": [bundle().pk],
    } | changes


def mistakes(response) -> dict[str, list[str]]:
    """What the form on a page says is wrong, by field."""
    return {name: list(errors) for name, errors in response.context["form"].errors.items()}


# --- a new quarter ------------------------------------------------------------------------------


def test_a_new_quarter_is_a_draft_with_all_its_meetings(loaded_site, staff_client):
    response = staff_client.post(
        address("quarter", "create"), new_quarter(skipped="2027-07-17\n\n2027-07-24\n")
    )

    quarter = Quarter.objects.get()
    dates = [m.local_start(NEW_YORK).date() for m in quarter.meetings.all()]
    assert response.url == address("quarter", "inspect", quarter.pk)
    assert (quarter.label, quarter.slug, quarter.state) == ("Summer 2027", "summer-2027", "draft")
    assert (quarter.capacity, quarter.price_cents, quarter.currency) == (8, 60_050, "usd")
    assert quarter.opens_at == datetime(2027, 5, 1, 9, tzinfo=NEW_YORK)
    assert quarter.closes_at == datetime(2027, 7, 10, 10, tzinfo=NEW_YORK)
    assert (len(dates), dates[:2]) == (12, [date(2027, 7, 10), date(2027, 7, 31)])
    assert list(quarter.bundles.all()) == [bundle()]


def test_times_are_on_the_clocks_of_the_zone_that_was_chosen(loaded_site, staff_client):
    staff_client.post(
        address("quarter", "create"),
        new_quarter(time_zone="Europe/London", closes_at="2027-07-01 12:00"),
    )

    quarter = Quarter.objects.get()
    assert quarter.opens_at == datetime(2027, 5, 1, 8, tzinfo=UTC)
    assert quarter.closes_at == datetime(2027, 7, 1, 11, tzinfo=UTC)
    assert quarter.meetings.first().starts_at == datetime(2027, 7, 10, 9, tzinfo=UTC)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("workshop", "", "Choose the workshop."),
        ("label", "", "Enter a label, such as “Winter 2027”."),
        ("slug", "taken", "Another quarter has this address. Please choose another."),
        ("first_date", "", "Enter the date of the first meeting, for example 2027-01-09."),
        ("first_date", "2027-02-30", "Enter a date that exists, for example 2027-01-09."),
        ("first_date", "soon", "Enter a date that exists, for example 2027-01-09."),
        (
            "skipped",
            "2027-07-17\nEaster",
            "“Easter” is not a date. Write one date on each line, such as 2027-02-13.",
        ),
        ("skipped", "2027-07-18", "2027-07-18 is a Sunday, but the meetings are on Saturdays."),
        ("skipped", "2027-07-10", "2027-07-10 is not after the first date."),
        ("start", "ten", "Enter a time, for example 10:00."),
        ("minutes", "0", "Enter how many minutes, for example 120."),
        ("opens_at", "2027-05-32", "Enter a date and a time, for example 2027-01-09 10:00."),
        ("opens_at", "2027-07-10 10:00", "Enrollment must open before the first meeting."),
        ("capacity", "0", "There must be at least one seat."),
        ("capacity", "many", "Enter a whole number of seats."),
        ("price", "", "Enter a price, for example 600."),
        ("price", "free", "Write the price as a number, for example 600.50."),
        (
            "price",
            "600.505",
            "Prices in USD have at most 2 digits after the point, for example 600.50.",
        ),
        ("currency", "dollars", "Three lowercase letters, for example usd."),
    ],
)
def test_a_mistake_gets_a_sentence_and_keeps_what_was_typed(
    loaded_site, staff_client, field, typed, sentence
):
    make_quarter(slug="taken")

    response = staff_client.post(address("quarter", "create"), new_quarter(**{field: typed}))

    assert sentence in mistakes(response)[field]
    assert response.context["form"][field].value() == typed
    assert response.context["form"]["label"].value() == (
        typed if field == "label" else "Summer 2027"
    )
    assert Quarter.objects.count() == 1


@pytest.mark.parametrize("field", ["label", "slug"])
def test_a_name_that_would_give_the_subject_away_is_refused(loaded_site, staff_client, field):
    response = staff_client.post(address("quarter", "create"), new_quarter(**{field: "sex-2027"}))

    assert mistakes(response)[field][0].endswith("Please leave out: sex.")
    assert Quarter.objects.count() == 0


def test_enrollment_cannot_close_before_it_opens(loaded_site, staff_client):
    response = staff_client.post(
        address("quarter", "create"), new_quarter(closes_at="2027-04-01 09:00")
    )

    assert mistakes(response) == {"__all__": ["Enrollment must close after it opens."]}


def test_a_workshop_without_weeks_has_nothing_to_meet_for(loaded_site, staff_client):
    empty = make_workshop()

    response = staff_client.post(address("quarter", "create"), new_quarter(workshop=empty.pk))

    assert list(mistakes(response)) == ["workshop"]
    assert Quarter.objects.count() == 0


def test_an_empty_form_says_everything_at_once(loaded_site, staff_client):
    response = staff_client.post(address("quarter", "create"), {})

    assert set(mistakes(response)) == {
        "workshop",
        "label",
        "slug",
        "first_date",
        "start",
        "minutes",
        "time_zone",
        "opens_at",
        "capacity",
        "price",
        "currency",
    }


# --- a changed quarter --------------------------------------------------------------------------


def typed_in(client, url: str, **changes) -> dict[str, object]:
    """The form of a page as it stands there, with ``changes``."""
    return shown_in(client.get(url).context["form"]) | changes


def test_a_quarter_changes_without_changing_its_state(loaded_site, staff_client):
    quarter = make_quarter()
    url = address("quarter", "edit", quarter.pk)

    staff_client.post(
        url,
        typed_in(
            staff_client,
            url,
            label="Winter group",
            price="1,250",
            closes_at="2027-01-08 18:00",
            bundles=[bundle().pk],
            join_link="https://video.example/123",
        ),
    )

    fresh = Quarter.objects.get()
    assert (fresh.label, fresh.price_cents, fresh.state) == ("Winter group", 125_000, "open")
    assert fresh.closes_at == datetime(2027, 1, 8, 18, tzinfo=NEW_YORK)
    assert fresh.opens_at == quarter.opens_at
    assert fresh.room.join_link == "https://video.example/123"
    assert list(fresh.bundles.all()) == [bundle()]


def test_the_join_link_is_not_in_the_log(loaded_site, staff_client):
    quarter = make_quarter()
    url = address("quarter", "edit", quarter.pk)

    staff_client.post(url, typed_in(staff_client, url, join_link="https://video.example/123"))

    entry = ModelLogEntry.objects.get(content_type__model="quarter")
    assert (entry.action, entry.label, entry.data) == ("wagtail.edit", "Winter 2027", {})


@pytest.fixture
def lost_link(loaded_site, settings) -> Quarter:
    """A quarter whose join link cannot be read any more; its dial-in can."""
    room = MeetingRoom.objects.create(quarter=make_quarter(), join_link="https://video.example/1")
    settings.FIELD_KEYS = [Fernet.generate_key().decode()]
    MeetingRoom.objects.filter(pk=room.pk).update(dial_in="+1 555 0100")
    return room.quarter


def test_a_link_that_cannot_be_read_is_said_to_be_and_repaired_by_entering_it(
    lost_link, staff_client
):
    url = address("quarter", "edit", lost_link.pk)

    assert "cannot be read, because its key is missing. Enter it again." in text_of(
        staff_client, url
    )
    staff_client.post(url, typed_in(staff_client, url, join_link="https://video.example/2"))

    room = MeetingRoom.objects.get()
    assert (room.join_link, room.dial_in) == ("https://video.example/2", "+1 555 0100")
    assert "cannot be read" not in text_of(staff_client, url)


def test_saving_something_else_keeps_a_link_that_cannot_be_read(lost_link, staff_client, settings):
    url = address("quarter", "edit", lost_link.pk)
    lost = MeetingRoom.objects.get().join_link.stored

    staff_client.post(url, typed_in(staff_client, url, dial_in="+1 555 0199", label="Winter"))

    room = MeetingRoom.objects.get()
    assert (room.join_link.stored, room.dial_in) == (lost, "+1 555 0199")
    assert room.quarter.label == "Winter"


def test_a_link_can_be_taken_away(loaded_site, staff_client):
    room = MeetingRoom.objects.create(quarter=make_quarter(), join_link="https://video.example/1")
    url = address("quarter", "edit", room.pk)

    staff_client.post(url, typed_in(staff_client, url, join_link=""))

    assert (MeetingRoom.objects.get().join_link, MeetingRoom.objects.get().join_link_key) == (
        "",
        "",
    )


def test_two_who_edit_the_link_at_once_do_not_overwrite_each_other(loaded_site, staff_client):
    url = address("quarter", "edit", make_quarter().pk)
    mine = typed_in(staff_client, url, join_link="https://video.example/mine")
    staff_client.post(url, typed_in(staff_client, url, join_link="https://video.example/first"))

    refused = staff_client.post(url, mine)

    assert mistakes(refused) == {"__all__": [TOLD]}
    assert MeetingRoom.objects.get().join_link == "https://video.example/first"


def test_fewer_seats_than_are_taken_get_a_sentence(loaded_site, staff_client):
    quarter = make_quarter()
    make_place(quarter, make_member(), seat_number=7)
    url = address("quarter", "edit", quarter.pk)

    response = staff_client.post(url, typed_in(staff_client, url, capacity="6"))

    assert mistakes(response) == {
        "capacity": ["Seat 7 is taken, so there must be at least 7 seats."]
    }
    assert response.context["form"]["capacity"].value() == "6"
    assert Quarter.objects.get().capacity == 10


def test_two_who_edit_at_once_do_not_overwrite_each_other(loaded_site, staff_client):
    quarter = make_quarter()
    url = address("quarter", "edit", quarter.pk)
    mine = typed_in(staff_client, url, price="700")
    staff_client.post(url, typed_in(staff_client, url, price="800"))

    refused = staff_client.post(url, mine)
    kept = Quarter.objects.get().price_cents
    form = refused.context["form"]
    again = staff_client.post(url, mine | {"seen": form["seen"].value()})

    assert mistakes(refused) == {"__all__": [TOLD]}
    assert (kept, form["price"].value()) == (80_000, "700")
    assert (again.status_code, Quarter.objects.get().price_cents) == (302, 70_000)


def test_the_second_editor_of_a_quarter_reads_what_differs_and_writes_her_own_fields(
    loaded_site, staff_client
):
    quarter = make_quarter()
    url = address("quarter", "edit", quarter.pk)
    hers = typed_in(staff_client, url, price="700", dial_in="555 0100")
    staff_client.post(
        url, typed_in(staff_client, url, price="800", capacity="12", bundles=[bundle().pk])
    )

    refused = staff_client.post(url, hers)
    told = [(d.label, d.saved, d.yours) for d in refused.context["form"].differences]
    form = refused.context["form"]
    shown = (form["capacity"].value(), form["price"].value(), form["dial_in"].value())
    staff_client.post(url, shown_in(form))

    fresh = Quarter.objects.get()
    assert told == [
        ("Seats", "12", THEIRS_STAYS),
        ("Price", "800", "700"),
        ("Included bundles", bundle().title, THEIRS_STAYS),
    ]
    assert shown == (12, "700", "555 0100")
    assert "Saved meanwhile" in refused.content.decode()
    assert (fresh.capacity, fresh.price_cents) == (12, 70_000)
    assert MeetingRoom.objects.get().dial_in == "555 0100"
    assert list(fresh.bundles.all()) == [bundle()]


def test_what_an_editor_leaves_alone_keeps_its_seconds(loaded_site, staff_client):
    opened = datetime(2026, 11, 2, 15, 0, 41, tzinfo=UTC)
    quarter = make_quarter(opens_at=opened)
    url = address("quarter", "edit", quarter.pk)

    staff_client.post(url, typed_in(staff_client, url, label="Winter group"))

    fresh = Quarter.objects.get()
    assert (fresh.label, fresh.opens_at) == ("Winter group", opened)


# --- the buttons of a quarter -------------------------------------------------------------------


@pytest.fixture
def planner(loaded_site):
    """A browser of staff who may change quarters, and nothing else."""
    return browser_of(make_staff("planner@example.org", "change_quarter"))


def test_asking_changes_nothing_and_answering_opens(planner, now):
    quarter = make_quarter(state="draft")
    url = address("quarter", "open", quarter.pk)

    asked = text_of(planner, url)
    before = Quarter.objects.get().state
    planner.post(url)

    assert "Open enrollment now?" in asked
    assert "Sat, Jan 9, 2027, 10:00 am Eastern" in asked
    assert (before, Quarter.objects.get().state) == ("draft", "open")
    entry = ModelLogEntry.objects.get(content_type__model="quarter")
    assert (entry.action, entry.user.email) == ("enrollments.open", "planner@example.org")
    assert "Enrollment was opened" in text_of(planner, address("quarter", "history", quarter.pk))


@pytest.mark.parametrize("method", ["get", "post"])
def test_what_is_missing_is_listed_instead_of_a_button(planner, now, method):
    quarter = make_quarter(state="draft", price_cents=0)

    page = getattr(planner, method)(address("quarter", "open", quarter.pk)).content.decode()

    assert "The price must be above zero." in page
    assert "<button" not in page[page.index("desk-notice") :]
    assert Quarter.objects.get().state == "draft"
    assert not ModelLogEntry.objects.filter(content_type__model="quarter").exists()


def test_closing_takes_a_quarter_off_sale(planner, now):
    quarter = make_quarter()

    planner.post(address("quarter", "close", quarter.pk))

    assert Quarter.objects.get().state == "closed"


@pytest.mark.parametrize("method", ["get", "post"])
def test_a_draft_is_not_closed(planner, now, method):
    quarter = make_quarter(state="draft")

    page = getattr(planner, method)(address("quarter", "close", quarter.pk)).content.decode()

    assert "Enrollment is not open, so there is nothing to close." in page
    assert Quarter.objects.get().state == "draft"


def test_deleting_needs_its_own_permission(planner, now):
    quarter = make_quarter(state="draft")

    response = planner.post(address("quarter", "delete", quarter.pk))

    assert (response.url, Quarter.objects.count()) == ("/staff/", 1)


def test_an_unused_quarter_can_be_deleted(loaded_site, staff_client):
    quarter = make_quarter(state="draft")
    url = address("quarter", "delete", quarter.pk)

    offered = url in staff_client.get(address("quarter", "edit", quarter.pk)).content.decode()
    asked = text_of(staff_client, url)
    response = staff_client.post(url)

    assert offered
    assert "Delete Winter 2027 with all its meetings?" in asked
    assert (response.url, Quarter.objects.count()) == (address("quarter"), 0)
    assert Meeting.objects.count() == 0


def test_a_quarter_with_an_enrollment_offers_no_deleting(loaded_site, staff_client):
    quarter = make_quarter()
    make_place(quarter, make_member(), state="released")

    response = staff_client.post(address("quarter", "delete", quarter.pk))

    assert (response.url, Quarter.objects.count()) == ("/staff/", 1)


# --- meetings -----------------------------------------------------------------------------------


def test_a_meeting_moves_on_the_clocks_of_its_quarter(loaded_site, staff_client):
    meeting = make_quarter(time_zone="America/Chicago").meetings.get(number=3)
    url = address("meeting", "edit", meeting.pk)

    response = staff_client.post(
        url,
        typed_in(staff_client, url, starts_at="2027-01-23 14:30", note="Moved for the holiday."),
    )

    fresh = Meeting.objects.get(pk=meeting.pk)
    assert response.url == address("meeting") + f"?quarter={meeting.quarter_id}"
    assert fresh.starts_at == datetime(2027, 1, 23, 20, 30, tzinfo=UTC)
    assert (fresh.note, fresh.is_cancelled, fresh.number) == ("Moved for the holiday.", False, 3)


@pytest.mark.parametrize(
    ("field", "typed", "sentence"),
    [
        ("starts_at", "", "Enter a date and a time, for example 2027-01-09 10:00."),
        ("starts_at", "tomorrow", "Enter a date and a time, for example 2027-01-09 10:00."),
        (
            "starts_at",
            "2027-01-16 10:00",
            "Another meeting of this quarter starts at that moment.",
        ),
        ("minutes", "0", "Enter how many minutes, for example 120."),
        (
            "note",
            "No porn talk",
            DISCREET + "Please leave out: porn.",
        ),
    ],
)
def test_a_meeting_that_cannot_be_is_refused(loaded_site, staff_client, field, typed, sentence):
    meeting = make_quarter().meetings.get(number=3)
    url = address("meeting", "edit", meeting.pk)

    response = staff_client.post(url, typed_in(staff_client, url, **{field: typed}))

    assert mistakes(response) == {field: [sentence]}
    assert response.context["form"][field].value() == typed
    assert Meeting.objects.get(pk=meeting.pk).starts_at == meeting.starts_at


def test_the_second_save_of_a_meeting_never_puts_the_old_date_back(loaded_site, staff_client):
    meeting = make_quarter().meetings.get(number=3)
    url = address("meeting", "edit", meeting.pk)
    hers = typed_in(staff_client, url, note="Bring notes.")
    staff_client.post(url, typed_in(staff_client, url, starts_at="2027-01-23 18:00", minutes="90"))

    refused = staff_client.post(url, hers)
    form = refused.context["form"]
    kept = Meeting.objects.get(pk=meeting.pk)
    again = staff_client.post(url, shown_in(form))

    fresh = Meeting.objects.get(pk=meeting.pk)
    assert [(d.label, d.saved) for d in form.differences] == [
        ("Starts at", "2027-01-23 18:00"),
        ("Minutes", "90"),
    ]
    assert (kept.minutes, kept.note) == (90, "")
    assert (again.status_code, fresh.starts_at, fresh.minutes, fresh.note) == (
        302,
        kept.starts_at,
        90,
        "Bring notes.",
    )


def test_a_save_that_does_not_say_what_it_saw_overwrites_nothing(loaded_site, staff_client):
    meeting = make_quarter().meetings.get(number=3)
    url = address("meeting", "edit", meeting.pk)
    blind = typed_in(staff_client, url, minutes="90")
    del blind["seen"]

    refused = staff_client.post(url, blind)

    assert mistakes(refused) == {"__all__": [TOLD]}
    assert Meeting.objects.get(pk=meeting.pk).minutes == 120
