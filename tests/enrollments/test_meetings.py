"""Moving and cancelling a meeting: asked before, told once, and nobody told what is not true."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from bs4 import BeautifulSoup
from django.contrib.auth.models import Group, Permission
from django.test import Client

from core import outbox
from core.discretion import leak_words_in
from core.models import OutgoingEmail
from enrollments.errors import BeginsBeforeEnrollmentOpens
from enrollments.models import Meeting, MeetingEmail, Quarter
from enrollments.operations.meetings import change_meeting
from enrollments.operations.quarters import follow_clock
from tests.enrollments.desk_cast import address, text_of
from tests.factories.enrollments import make_entry, make_member, make_place, make_quarter

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 11, 23, 15, tzinfo=UTC)
DAY = timedelta(days=1)


@pytest.fixture
def ann(quarter):
    return make_place(quarter, make_member())


def meeting_of(quarter, number=3):
    return quarter.meetings.select_related("quarter").get(number=number)


def change(meeting, now=NOW, **fields):
    fresh = Meeting.objects.select_related("quarter").get(pk=meeting.pk)
    for name, value in fields.items():
        setattr(fresh, name, value)
    change_meeting(fresh, fields=list(fields), now=now)
    return Meeting.objects.get(pk=meeting.pk)


# --- who is told, and what --------------------------------------------------------------------


def test_everybody_with_a_place_is_told_once_that_a_meeting_moved(loaded_site, mailoutbox):
    quarter = make_quarter(capacity=2)
    make_place(quarter, make_member())
    make_place(quarter, make_member("bea@example.org", chosen_name="Bea"))
    make_place(quarter, make_member("gone@example.org"), state="left")
    make_entry(quarter)
    meeting = meeting_of(quarter)

    change(meeting, starts_at=meeting.starts_at + DAY, note="Moved for the holiday.")

    assert [letter.to for letter in mailoutbox] == [["ann@example.org"], ["bea@example.org"]]
    letter = mailoutbox[1]
    assert letter.subject == "One of your dates has changed"
    assert "Hello Bea," in letter.body
    assert "Saturday course, meeting 3" in letter.body
    assert "Before: Saturday, January 23, 2027, 10:00 am Eastern" in letter.body
    assert "Now: Sunday, January 24, 2027, 10:00 am Eastern" in letter.body
    assert "Moved for the holiday." in letter.body
    assert leak_words_in("\n".join([letter.subject, letter.body])) == []


def test_they_are_told_that_a_meeting_is_cancelled_and_that_it_takes_place_after_all(
    quarter, ann, mailoutbox
):
    meeting = meeting_of(quarter)

    change(meeting, is_cancelled=True)
    change(meeting, is_cancelled=False, starts_at=meeting.starts_at + DAY)

    cancelled, back = mailoutbox
    assert cancelled.subject == "One of your dates is cancelled"
    assert "It would have been on Saturday, January 23, 2027" in cancelled.body
    assert back.subject == "One of your dates takes place after all"
    assert "Sunday, January 24, 2027, 10:00 am Eastern" in back.body


@pytest.mark.parametrize(
    "fields",
    [{"note": "Bring a pen."}, {"minutes": 90}, {}],
    ids=["a note", "the length", "nothing"],
)
def test_nobody_is_told_of_what_changes_no_date(quarter, ann, mailoutbox, fields):
    change(meeting_of(quarter), **fields)

    assert mailoutbox == []


def test_a_cancelled_meeting_that_moves_and_stays_cancelled_is_told_to_nobody(
    quarter, ann, mailoutbox
):
    quarter.meetings.filter(number=3).update(is_cancelled=True)
    meeting = meeting_of(quarter)

    change(meeting, starts_at=meeting.starts_at + DAY)

    assert mailoutbox == []


def test_nobody_is_told_of_what_is_past_either_way(quarter, ann, mailoutbox):
    meeting = meeting_of(quarter)

    change(meeting, now=meeting.ends_at + DAY, starts_at=meeting.starts_at + timedelta(hours=1))
    change(meeting, now=meeting.ends_at + DAY, is_cancelled=True)

    assert mailoutbox == []


def test_a_meeting_made_up_for_after_the_end_is_told_to_whoever_completed(quarter, ann, mailoutbox):
    last = meeting_of(quarter, 12)
    change(last, is_cancelled=True)
    follow_clock(now=last.ends_at)
    mailoutbox.clear()

    made_up_for = last.starts_at + timedelta(days=14)
    change(last, now=last.ends_at, is_cancelled=False, starts_at=made_up_for)

    assert [letter.to for letter in mailoutbox] == [["ann@example.org"]]


# --- when it changes again before the email has gone out --------------------------------------


def test_the_later_of_two_moves_stands_and_the_earlier_email_is_not_sent(
    quarter, ann, queued, mailoutbox
):
    meeting = meeting_of(quarter)
    change(meeting, starts_at=meeting.starts_at + DAY)
    change(meeting, starts_at=meeting.starts_at + 2 * DAY)

    for email in OutgoingEmail.objects.all():
        outbox.send_queued_email.call(email.pk)
        outbox.send_queued_email.call(email.pk)

    assert len(mailoutbox) == 1
    assert "Before: Saturday, January 23" in mailoutbox[0].body
    assert "Now: Monday, January 25" in mailoutbox[0].body


def test_a_move_that_is_taken_back_before_the_email_has_gone_out_is_told_to_nobody(
    quarter, ann, queued, mailoutbox
):
    meeting = meeting_of(quarter)
    change(meeting, starts_at=meeting.starts_at + DAY)
    change(meeting, starts_at=meeting.starts_at)

    for email in OutgoingEmail.objects.all():
        outbox.send_queued_email.call(email.pk)

    assert (mailoutbox, MeetingEmail.objects.filter(replaced_at=None).count()) == ([], 0)


def test_whoever_has_read_of_the_first_move_reads_of_the_way_back(quarter, ann, mailoutbox):
    meeting = meeting_of(quarter)

    change(meeting, starts_at=meeting.starts_at + DAY)
    change(meeting, starts_at=meeting.starts_at)

    assert "Before: Sunday, January 24" in mailoutbox[1].body
    assert "Now: Saturday, January 23" in mailoutbox[1].body


def test_an_email_that_has_become_untrue_is_not_sent(quarter, ann, queued, mailoutbox):
    meeting = meeting_of(quarter)
    change(meeting, starts_at=meeting.starts_at + DAY)
    email = OutgoingEmail.objects.get()

    ann.state = "left"
    ann.save()
    outbox.send_queued_email.call(email.pk)

    assert mailoutbox == []


def test_what_waits_in_the_queue_names_nobody(quarter, ann, queued):
    meeting = meeting_of(quarter)

    change(meeting, starts_at=meeting.starts_at + DAY)

    assert OutgoingEmail.objects.get().ids == [MeetingEmail.objects.get().pk]


def test_her_order_tells_what_she_was_told(paid, quarter, staff_client):
    meeting = meeting_of(quarter)

    change(meeting, starts_at=meeting.starts_at + DAY)

    story = text_of(staff_client, address("order", "inspect", paid.pk))
    assert "Letter sent A meeting was moved: week 3" in story


# --- the end of enrollment --------------------------------------------------------------------


def closes(quarter):
    return Quarter.objects.get(pk=quarter.pk).closes_at


def test_enrollment_closes_with_the_first_meeting_wherever_it_moves(quarter):
    first = meeting_of(quarter, 1)
    starts_at = first.starts_at

    moved = []
    for days in (1, -1):
        change(first, starts_at=starts_at + days * DAY)
        moved.append(closes(quarter))
    change(first, is_cancelled=True)
    moved.append(closes(quarter))
    change(first, is_cancelled=False)
    moved.append(closes(quarter))

    week = timedelta(days=7)
    assert moved == [starts_at + DAY, starts_at - DAY, starts_at + week, starts_at - DAY]


def test_an_end_that_staff_have_set_stays(quarter):
    Quarter.objects.update(closes_at=datetime(2027, 1, 2, tzinfo=UTC))
    first = meeting_of(quarter, 1)

    change(first, starts_at=first.starts_at + DAY)

    assert closes(quarter) == datetime(2027, 1, 2, tzinfo=UTC)


def test_no_group_begins_before_enrollment_opens(quarter):
    first = meeting_of(quarter, 1)

    with pytest.raises(BeginsBeforeEnrollmentOpens):
        change(first, starts_at=quarter.opens_at)

    assert Meeting.objects.get(pk=first.pk).starts_at == first.starts_at


def test_a_meeting_may_take_the_time_of_a_cancelled_one(quarter):
    change(meeting_of(quarter, 3), is_cancelled=True)

    moved = change(meeting_of(quarter, 4), starts_at=meeting_of(quarter, 3).starts_at)

    assert moved.starts_at == meeting_of(quarter, 3).starts_at


# --- in the admin -----------------------------------------------------------------------------


def said(response):
    soup = BeautifulSoup(response.content, "html.parser")
    return " ".join(soup.main.get_text(" ").split())


def agree(client, response, button="agreed"):
    """Press a button of the page that asks, with everything that it carries."""
    form = BeautifulSoup(response.content, "html.parser").select_one("form.desk-answer")
    sent = {e["name"]: e["value"] for e in form.select("input[type=hidden]")}
    pressed = form.select_one(f"button[name={button}]")
    return client.post(response.request["PATH_INFO"], {**sent, button: pressed["value"]})


def edit(client, meeting, **changes):
    """Open the form of a meeting, type ``changes`` over what stands there, and send it."""
    url = address("meeting", "edit", meeting.pk)
    soup = BeautifulSoup(client.get(url).content, "html.parser")
    form = soup.select_one("input[name=starts_at]").find_parent("form")
    boxes = [box for box in form.select("input[name]") if box.get("type") != "checkbox"]
    typed = {box["name"]: box.get("value", "") for box in boxes}
    return client.post(url, typed | changes)


def test_a_move_is_shown_with_its_letter_and_readers_before_anything_happens(
    quarter, ann, staff_client, mailoutbox
):
    meeting = meeting_of(quarter)

    asked = edit(staff_client, meeting, starts_at="2027-01-24 10:00")
    before = (Meeting.objects.get(pk=meeting.pk).starts_at, list(mailoutbox))
    done = agree(staff_client, asked)

    page = said(asked)
    assert "Nothing is changed yet." in page
    assert "1 member: Ann" in page
    assert "One of your dates has changed" in page
    assert "Now: Sunday, January 24, 2027, 10:00 am Eastern" in page
    assert "Move it and write to 1 member" in page
    assert before == (meeting.starts_at, [])
    assert done.status_code == 302
    assert Meeting.objects.get(pk=meeting.pk).starts_at == meeting.starts_at + DAY
    assert len(mailoutbox) == 1


def test_what_was_typed_is_kept_for_whoever_changes_it_again(quarter, ann, staff_client):
    asked = edit(staff_client, meeting_of(quarter), starts_at="2027-01-24 10:00", note="Snow")

    back = agree(staff_client, asked, "back")

    form = back.context["form"]
    assert (form["starts_at"].value(), form["note"].value()) == ("2027-01-24 10:00", "Snow")
    assert MeetingEmail.objects.count() == 0


def test_whoever_agreed_to_something_else_is_asked_again(quarter, ann, staff_client, mailoutbox):
    asked = edit(staff_client, meeting_of(quarter), starts_at="2027-01-24 10:00")
    make_place(quarter, make_member("bea@example.org", chosen_name="Bea"))

    again = agree(staff_client, asked)

    assert "2 members: Ann, Bea" in said(again)
    assert mailoutbox == []


def test_a_note_is_saved_without_asking(quarter, ann, staff_client, mailoutbox):
    answer = edit(staff_client, meeting_of(quarter), note="Bring a pen.")

    assert (answer.status_code, mailoutbox) == (302, [])
    assert meeting_of(quarter).note == "Bring a pen."


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ("2027-01-25 10:00", "This is a Monday; this group meets on Saturdays."),
        ("2026-11-21 10:00", "This is in the past."),
        ("2027-01-23 22:00", "It would start at night, at 10:00 pm Eastern."),
        ("2027-01-23 06:59", "It would start at night, at 6:59 am Eastern."),
        ("2027-01-30 14:00", "It would come after week 4 (Sat, Jan 30, 2027, 10:00 am Eastern)."),
        ("2027-01-16 08:00", "It would come before week 2 (Sat, Jan 16, 2027, 10:00 am Eastern)."),
        ("2027-01-30 11:59", "It would overlap with week 4 (Sat, Jan 30, 2027, 10:00 am Eastern)."),
    ],
)
def test_an_odd_move_is_asked_about_though_nobody_would_be_told(
    quarter, staff_client, typed, sentence
):
    meeting = meeting_of(quarter)

    asked = edit(staff_client, meeting, starts_at=typed)

    assert sentence in said(asked)
    assert "Who is written to Nobody" in said(asked)
    assert Meeting.objects.get(pk=meeting.pk).starts_at == meeting.starts_at
    assert agree(staff_client, asked).status_code == 302


@pytest.mark.parametrize("typed", ["2027-01-23 11:00", "2027-01-23 07:00", "2027-01-23 20:59"])
def test_an_ordinary_move_in_a_group_without_members_is_not_asked_about(
    quarter, staff_client, typed
):
    assert edit(staff_client, meeting_of(quarter), starts_at=typed).status_code == 302


def test_the_page_that_asks_says_when_enrollment_closes(quarter, ann, staff_client):
    asked = edit(staff_client, meeting_of(quarter, 1), starts_at="2027-01-10 10:00")

    closes = "Enrollment closes Sun, Jan 10, 2027, 10:00 am Eastern, when the group begins"
    assert closes in said(asked)


def test_a_begin_before_enrollment_opens_is_refused_with_a_sentence(quarter, staff_client):
    answer = edit(staff_client, meeting_of(quarter, 1), starts_at="2026-10-31 10:00")

    assert "Let enrollment open earlier first" in answer.context["form"].errors["starts_at"][0]


def test_names_are_for_those_who_may_see_places(quarter, ann):
    staff = make_member("planner@example.org")
    group = Group.objects.create(name="Planners")
    codes = ("access_admin", "change_meeting")
    group.permissions.set(Permission.objects.filter(codename__in=codes))
    staff.groups.add(group)
    client = Client()
    client.force_login(staff)

    page = said(edit(client, meeting_of(quarter), starts_at="2027-01-24 10:00"))

    assert "1 member" in page
    assert "Ann" not in page


@pytest.mark.parametrize("who", ["visitor", "member"])
def test_nobody_else_moves_a_meeting(quarter, ann, client, who):
    if who == "member":
        client.force_login(ann.member)
    meeting = meeting_of(quarter)

    answer = client.post(address("meeting", "edit", meeting.pk), {"starts_at": "2027-01-24 10:00"})

    assert answer.status_code in (302, 404)
    assert Meeting.objects.get(pk=meeting.pk).starts_at == meeting.starts_at
