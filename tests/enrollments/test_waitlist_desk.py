"""The desk of the waitlist: who may look, who may act, and that nobody jumps the queue."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.utils import timezone
from wagtail.models import ModelLogEntry

from enrollments.models import Enrollment, Quarter, WaitlistEntry
from enrollments.operations import waitlist
from enrollments.operations.quarters import change_quarter
from tests.enrollments.desk_cast import (
    address,
    browser_of,
    make_person,
    make_staff,
    outcome,
    text_of,
)
from tests.factories.enrollments import make_entry, make_member, make_place, make_quarter

State = WaitlistEntry.State
ACTIONS = ("take-off", "offer")
WHO = {
    "owner": "page",
    "clerk": "page",
    "viewer": "page",
    "staff": "denied",
    "member": "404",
    "visitor": "sign in",
}


@pytest.fixture
def line(loaded_site, now) -> list[WaitlistEntry]:
    """Ann has an offer of the only free seat; Bea and Cleo wait."""
    quarter = make_quarter(capacity=2, label="Winter 2027")
    make_place(quarter, make_member("rose@example.org"))
    entries = [
        make_entry(quarter, f"{name}@example.org", joined_at=now + timedelta(seconds=number))
        for number, name in enumerate(("ann", "bea", "cleo"))
    ]
    waitlist.offer_free_seats(quarter, now=now)
    return entries


def browser(role: str):
    if role == "clerk":
        return browser_of(
            make_staff("clerk@example.org", "view_waitlistentry", "change_waitlistentry")
        )
    if role == "viewer":
        return browser_of(make_staff("viewer@example.org", "view_waitlistentry"))
    return browser_of(make_person(role))


def states(line: list[WaitlistEntry]) -> list[str]:
    return [WaitlistEntry.objects.get(pk=entry.pk).state for entry in line]


@pytest.mark.parametrize("role", WHO)
def test_the_list_and_its_pages_are_for_staff_who_may_view(line, role):
    client = browser(role)
    addresses = [
        address("waitlistentry"),
        address("waitlistentry", "inspect", line[0].pk),
    ]

    assert [outcome(client.get(each)) for each in addresses] == [WHO[role]] * 2


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("role", ["viewer", "staff", "member", "visitor"])
def test_nobody_acts_who_may_only_look(line, role, method):
    client = browser(role)

    seen = {
        action: outcome(getattr(client, method)(address("waitlistentry", action, line[1].pk)))
        for action in ACTIONS
    }

    expected = WHO[role] if role in ("member", "visitor") else "denied"
    assert seen == dict.fromkeys(ACTIONS, expected)
    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]


@pytest.mark.parametrize("action", ["create", "edit", "delete"])
def test_nobody_writes_the_list_by_hand(line, action):
    key = "" if action == "create" else line[0].pk

    response = browser("owner").post(address("waitlistentry", action, key))

    assert outcome(response) == "denied"


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_however_long_it_is(
    loaded_site, now, django_assert_num_queries, count
):
    for number in range(count):
        quarter = make_quarter(label=f"Quarter {number}")
        make_entry(quarter, f"waits{number}@example.org")
    client = browser("owner")
    client.get(address("waitlistentry"))

    with django_assert_num_queries(12):
        client.get(address("waitlistentry"))


@pytest.mark.parametrize("count", [1, 3])
def test_a_page_about_one_place_costs_the_same_for_every_number_of_letters(
    line, django_assert_num_queries, count
):
    for _ in range(count):
        line[0].letters.create(kind="waitlist_joined", queued_at=timezone.now())
    client = browser("owner")
    client.get(address("waitlistentry", "inspect", line[0].pk))

    with django_assert_num_queries(10):
        client.get(address("waitlistentry", "inspect", line[0].pk))


def test_the_list_shows_the_order_and_until_when_offers_stand(line):
    text = text_of(browser("viewer"), address("waitlistentry") + "?state=in_line")

    places = [text.index(word) for word in ("Ann", "Bea", "Cleo")]
    assert places == sorted(places)
    assert "Wed, Nov 25, 2026" in text
    assert "Waiting, number 1" in text
    assert "Waiting, number 2" in text


def test_the_page_says_why_and_which_letters_went_out(line):
    text = text_of(browser("clerk"), address("waitlistentry", "inspect", line[0].pk))

    assert "ann@example.org" in text
    assert "A place is kept for her" in text
    assert "Seat 2, offered" in text
    assert "Take off the list" in text
    assert "Offer a place now" not in text


def test_those_who_may_only_look_are_offered_nothing_to_do(line):
    text = text_of(browser("viewer"), address("waitlistentry", "inspect", line[1].pk))

    assert "Take off the list" not in text
    assert "Offer a place now" not in text


@pytest.mark.parametrize(
    ("query", "shown"),
    [
        ("state=in_line", 3),
        ("state=waiting", 2),
        ("q=bea", 1),
        ("quarter=first", 3),
        ("email__startswith=a", 4),
        ("uuid__startswith=a", 4),
    ],
)
def test_the_list_can_be_narrowed_by_what_it_offers_only(line, query, shown):
    other = make_quarter(label="Spring 2027")
    make_entry(other, "dora@example.org", state=State.LEFT)

    page = browser("viewer").get(
        address("waitlistentry") + "?" + query.replace("first", str(line[0].quarter_id))
    )

    assert page.context["result_count"] == shown


def test_whoever_is_taken_off_the_list_gives_her_seat_to_the_next(line, mailoutbox):
    client = browser("clerk")
    url = address("waitlistentry", "take-off", line[0].pk)
    mailoutbox.clear()

    question = text_of(client, url)
    client.post(url)

    assert "goes to the next person at once" in question
    assert states(line) == [State.LEFT, State.OFFERED, State.WAITING]
    assert [letter.to[0] for letter in mailoutbox] == ["bea@example.org"]
    [entry] = ModelLogEntry.objects.filter(action="enrollments.take_off")
    assert entry.object_id == str(line[0].quarter_id)


def test_whoever_is_not_in_line_cannot_be_taken_off_it(line):
    client = browser("clerk")
    WaitlistEntry.objects.filter(pk=line[1].pk).update(state=State.PASSED)

    text = text_of(client, address("waitlistentry", "take-off", line[1].pk))

    assert "She is not waiting any more." in text


@pytest.mark.parametrize(
    ("number", "sentence"),
    [
        (0, "She is not waiting any more."),
        (1, "Every seat is taken or kept, so there is none to offer."),
        (2, "Others have waited longer."),
    ],
)
@pytest.mark.parametrize("method", ["get", "post"])
def test_nobody_is_offered_a_seat_out_of_turn_or_that_is_not_there(line, number, sentence, method):
    client = browser("clerk")

    page = getattr(client, method)(address("waitlistentry", "offer", line[number].pk))

    assert sentence in page.content.decode()
    assert states(line) == [State.OFFERED, State.WAITING, State.WAITING]
    assert ModelLogEntry.objects.filter(action="enrollments.offer").count() == 0


def test_a_seat_that_nobody_offered_is_offered_to_the_first(line, mailoutbox):
    # However it came to be free.
    Enrollment.objects.filter(state="enrolled").update(state="left")
    client = browser("clerk")
    mailoutbox.clear()

    client.post(address("waitlistentry", "offer", line[1].pk))

    assert states(line) == [State.OFFERED, State.OFFERED, State.WAITING]
    assert [letter.to[0] for letter in mailoutbox] == ["bea@example.org"]
    assert ModelLogEntry.objects.filter(action="enrollments.offer").count() == 1


def test_no_seat_is_offered_once_enrollment_is_over(line):
    Enrollment.objects.filter(state="enrolled").update(state="left")
    Quarter.objects.update(state="closed")

    page = browser("clerk").post(address("waitlistentry", "offer", line[1].pk))

    assert "there is none to offer" in page.content.decode()
    assert states(line)[1] == State.WAITING


def test_the_page_of_a_quarter_leads_to_its_list(line):
    quarter = line[0].quarter

    page = browser("owner").get(address("quarter", "inspect", quarter.pk)).content.decode()

    assert f"/staff/enrollments/waitlistentry/?quarter={quarter.pk}&amp;state=in_line" in page


def test_more_seats_are_offered_from_the_form_of_the_quarter_too(line, now):
    quarter = line[0].quarter
    quarter.capacity = 4

    change_quarter(quarter, fields=["capacity"], bundles=[], now=now)

    assert states(line) == [State.OFFERED] * 3
