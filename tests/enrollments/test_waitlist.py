"""Joining the list of a full quarter, standing in line, and leaving."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.utils import timezone

from accounts.models import User
from core import outbox
from core.discretion import leak_words_in
from core.models import OutgoingEmail
from enrollments.errors import QuarterClosed, QuarterNotOpenYet, SeatsAreFree
from enrollments.models import Enrollment, Order, Quarter, WaitlistEntry, WaitlistLetter
from enrollments.operations import checkout, waitlist
from enrollments.operations.quarters import change_quarter, close_enrollment, open_enrollment
from tests.factories.enrollments import (
    make_buyer,
    make_entry,
    make_member,
    make_place,
    make_quarter,
    workshop,
)
from tests.reading import carried_by, told_by
from tests.templates.markup import read

pytestmark = pytest.mark.django_db
State = WaitlistEntry.State
NOBODY = "0b8f4d0e-6f0c-4d3a-9a53-3d1a3f0f2b11"


@pytest.fixture
def full(loaded_site, now) -> Quarter:
    """A quarter of one seat, which is Rose's."""
    quarter = make_quarter(capacity=1)
    make_place(quarter, make_member("rose@example.org", chosen_name="Rose"))
    return quarter


def join(client: Client, quarter: Quarter, email: str = "ann@example.org", **typed: str):
    return client.post(f"/waitlist/{quarter.slug}/", {"chosen_name": "Ann", "email": email} | typed)


def main_of(page) -> str:
    """What a page says in its main part, whatever its tokens are."""
    text = page.content.decode()
    main = text[text.index("<main") : text.index("</main")]
    return re.sub(r'value="[^"]{64}"', "", main)


def subjects(mailoutbox) -> list[str]:
    return [letter.subject for letter in mailoutbox]


def states(quarter: Quarter) -> list[str]:
    return [entry.state for entry in quarter.waitlist.order_by("pk")]


# --- joining --------------------------------------------------------------------------------


def test_she_joins_and_is_told_her_place_on_the_page_and_by_letter(client, full, mailoutbox):
    make_entry(full)

    answer = join(client, full)
    page = client.get(answer["Location"])

    assert answer.status_code == 303
    assert "You are number 2 on the list." in page.content.decode()
    entry = full.waitlist.get(email="ann@example.org")
    assert (entry.state, entry.chosen_name, entry.number) == (State.WAITING, "Ann", 2)
    [letter] = mailoutbox
    assert (letter.subject, letter.to) == ("You are on the list", ["ann@example.org"])
    assert "you are number 2 on the list" in letter.body
    assert f"/waitlist/place/{entry.uuid}/" in letter.body


def test_joining_again_in_the_same_browser_keeps_the_place_and_the_answer(client, full, mailoutbox):
    first = client.get(join(client, full)["Location"])
    make_entry(full)

    again = client.get(join(client, full, email="ANN@example.org ")["Location"])

    assert main_of(first) == main_of(again)
    assert full.waitlist.filter(email="ann@example.org").count() == 1
    assert subjects(mailoutbox) == ["You are on the list"]


def waits(quarter: Quarter) -> None:
    make_entry(quarter, "ann@example.org", joined_at=timezone.now() - timedelta(days=1))


def is_offered_a_place(quarter: Quarter) -> None:
    make_entry(quarter, "ann@example.org", rank=WaitlistEntry.FIRST)
    quarter.capacity += 1
    change_quarter(quarter, fields=["capacity"], bundles=[], now=timezone.now())


def has_a_place(quarter: Quarter) -> None:
    Enrollment.objects.update(member=make_member("ann@example.org"))


@pytest.mark.parametrize("known", [waits, is_offered_a_place, has_a_place])
def test_a_stranger_who_types_an_address_is_told_the_same_whether_it_is_known(full, known):
    make_entry(full)
    known(full)
    expected = full.waitlist.waiting().count() + 1
    stranger, newcomer = Client(), Client()

    answer = join(stranger, full)
    told = main_of(stranger.get(answer["Location"]))
    told_newcomer = main_of(newcomer.get(join(newcomer, full, "new@example.org")["Location"]))

    assert f"You are number {expected} on the list." in told
    assert told == told_newcomer
    kept = stranger.session["waitlists"][str(full.pk)]
    assert kept["entry"] not in {str(entry.uuid) for entry in full.waitlist.all()}


def test_the_letter_tells_an_address_that_was_known_its_own_place(full, mailoutbox):
    make_entry(full, "ann@example.org", joined_at=timezone.now() - timedelta(days=3))
    make_entry(full)

    join(Client(), full)

    assert "you are number 1 on the list" in mailoutbox[0].body


def test_an_address_that_is_typed_again_and_again_gets_one_letter_a_day(full, mailoutbox):
    for _ in range(3):
        join(Client(), full)

    assert subjects(mailoutbox) == ["You are on the list"]


def test_who_has_a_place_is_told_so_by_letter_and_stands_in_no_line(full, mailoutbox):
    for _ in range(2):
        join(Client(), full, email="rose@example.org")

    assert subjects(mailoutbox) == ["You have a place already"]
    assert states(full) == [State.ACCEPTED]


def test_a_member_is_asked_for_her_name_only_and_is_known_by_her_account(full, mailoutbox):
    client = Client()
    client.force_login(make_member("zoe@example.org", chosen_name="Zoe"))

    page = client.get(f"/waitlist/{full.slug}/").content.decode()
    client.post(f"/waitlist/{full.slug}/", {"chosen_name": "Zoe", "email": "eve@example.org"})

    assert 'value="Zoe"' in page
    assert 'name="email"' not in page
    assert full.waitlist.get().email == "zoe@example.org"


def test_a_member_who_has_a_place_is_told_so_at_once(full):
    client = Client()
    client.force_login(Enrollment.objects.get().member)

    answers = [client.get(f"/waitlist/{full.slug}/"), join(client, full)]

    assert [answer["Location"] for answer in answers] == [f"/enroll/{full.slug}/"] * 2
    assert full.waitlist.count() == 0


@pytest.mark.parametrize(
    ("typed", "sentence"),
    [
        ({"chosen_name": ""}, "Enter a name. Any name you choose is fine."),
        ({"email": ""}, "Enter an email address."),
        ({"email": "ann@"}, "Enter an email address, for example name@example.com."),
        ({"chosen_name": "\u200b"}, "Enter a name. Any name you choose is fine."),
        ({"chosen_name": "A\x00nn"}, "Null characters are not allowed."),
    ],
    ids=["no name", "no email", "half an email", "an invisible name", "NUL"],
)
def test_bad_input_gets_a_sentence_keeps_what_was_typed_and_changes_nothing(
    client, full, typed, sentence
):
    answer = join(client, full, **typed)

    page = answer.content.decode()
    assert answer.status_code == 422
    assert sentence in page
    assert 'value="Ann"' in page or "chosen_name" in typed
    assert 'value="ann@example.org"' in page or "email" in typed
    assert full.waitlist.count() == 0


def test_a_full_enroll_page_offers_the_list_and_a_lost_race_needs_one_more_press(
    client, standin, full
):
    first = client.get(f"/enroll/{full.slug}/")
    form = {"chosen_name": "Ann", "email": "ann@example.org", "form_id": NOBODY}
    form["shown"] = first.context["form"]["shown"].value()

    refused = client.post(f"/enroll/{full.slug}/", form).content.decode()

    assert f'action="/waitlist/{full.slug}/"' in first.content.decode()
    assert "The last place was just taken. Nothing was charged." in refused
    assert f'action="/waitlist/{full.slug}/"' in refused
    assert 'value="Ann"' in refused
    assert 'value="ann@example.org"' in refused
    assert Order.objects.count() == 0


def test_the_program_page_of_a_full_quarter_leads_to_the_list(client, full):
    Quarter.objects.exclude(pk=full.pk).delete()

    page = client.get(workshop().url).content.decode()

    assert f'href="/waitlist/{full.slug}/"' in page


def test_whoever_need_not_wait_is_led_to_enroll_with_what_she_typed(client, standin, quarter):
    looked = client.get(f"/waitlist/{quarter.slug}/")
    answer = join(client, quarter)

    page = answer.content.decode()
    assert looked["Location"] == f"/enroll/{quarter.slug}/"
    assert answer.status_code == 409
    assert "A place has just come free." in page
    assert f'action="/enroll/{quarter.slug}/"' in page
    assert 'value="ann@example.org"' in page
    sent = client.post(
        f"/enroll/{quarter.slug}/",
        {
            "chosen_name": "Ann",
            "email": "ann@example.org",
            **carried_by(answer),
        },
    )
    assert sent["Location"].startswith(standin.base_url)


@pytest.mark.parametrize(
    ("fields", "sentence"),
    [
        ({"opens_at": datetime(2026, 12, 31, tzinfo=UTC)}, "Enrollment opens on"),
        ({"closes_at": datetime(2026, 11, 2, tzinfo=UTC)}, "Enrollment for these dates is closed."),
        ({"state": "closed"}, "Enrollment for these dates is closed."),
        ({"state": "cancelled"}, "These dates will not take place."),
    ],
    ids=["not yet", "over", "closed", "cancelled"],
)
def test_a_list_that_nobody_can_join_says_so(client, full, fields, sentence):
    Quarter.objects.filter(pk=full.pk).update(**fields)

    pages = [client.get(f"/waitlist/{full.slug}/"), join(client, full)]

    assert [page.status_code for page in pages] == [200, 409]
    assert all(sentence in page.content.decode() for page in pages)
    assert full.waitlist.count() == 0


@pytest.mark.parametrize(
    ("fields", "refusal"),
    [
        ({"opens_at": datetime(2026, 12, 31, tzinfo=UTC)}, QuarterNotOpenYet),
        ({"state": "closed"}, QuarterClosed),
        ({"capacity": 2}, SeatsAreFree),
    ],
)
def test_the_operation_refuses_too(full, now, fields, refusal):
    Quarter.objects.filter(pk=full.pk).update(**fields)

    with pytest.raises(refusal):
        waitlist.join(quarter_id=full.pk, email="ann@example.org", chosen_name="Ann", now=now)


def test_a_draft_or_a_sample_outside_the_demo_has_no_list(client, full, settings):
    draft = make_quarter(state=Quarter.State.DRAFT)
    settings.DEMO_MODE = False
    Quarter.objects.filter(pk=full.pk).update(is_sample=True)

    statuses = [client.get(f"/waitlist/{q.slug}/").status_code for q in (draft, full)]

    assert statuses == [404, 404]


def test_somebody_who_did_not_join_here_is_led_to_the_form(client, full):
    assert client.get(f"/waitlist/{full.slug}/joined/")["Location"] == f"/waitlist/{full.slug}/"


def test_too_many_who_join_from_one_address_are_told_to_wait(client, full, settings):
    settings.ORDER_LIMITS = "waitlist=2/h"

    answers = [join(client, full, email=f"bot{number}@example.org") for number in range(3)]

    assert [answer.status_code for answer in answers] == [303, 303, 429]
    assert "That is more tries than usual from here." in answers[2].content.decode()
    assert 'value="bot2@example.org"' in answers[2].content.decode()
    assert full.waitlist.count() == 2


# --- in line --------------------------------------------------------------------------------


@pytest.mark.parametrize("count", [1, 3])
def test_joining_costs_the_same_however_many_wait(
    client, full, queued, django_assert_num_queries, count
):
    for number in range(count):
        make_entry(full, f"waits{number}@example.org")
    client.get(f"/waitlist/{full.slug}/")

    with django_assert_num_queries(18):
        join(client, full)


@pytest.mark.parametrize("count", [1, 3])
def test_looking_at_her_place_costs_the_same_however_many_wait(
    client, full, django_assert_num_queries, count
):
    entries = [make_entry(full, f"waits{number}@example.org") for number in range(count)]
    client.get("/waitlist/place/" + NOBODY + "/")

    with django_assert_num_queries(4):
        page = client.get(f"/waitlist/place/{entries[-1].uuid}/")

    assert f"You are number {count} on the list" in page.content.decode()


def test_the_order_is_rank_then_the_time_of_joining(full, now):
    late = make_entry(full, "late@example.org")
    early = make_entry(full, "early@example.org", joined_at=now - timedelta(hours=1))
    paid = make_entry(full, "paid@example.org", rank=WaitlistEntry.FIRST)
    same = make_entry(full, "same@example.org")

    numbered = WaitlistEntry.objects.with_number()
    assert list(full.waitlist.waiting()) == [paid, early, late, same]
    assert [entry.number for entry in (paid, early, late, same)] == [1, 2, 3, 4]
    assert {e.email: e.place_in_line for e in numbered} == {
        e.email: e.number for e in WaitlistEntry.objects.all()
    }


def test_other_lists_do_not_count(full):
    other = make_quarter(capacity=1)
    make_entry(other)
    hers = make_entry(full, "ann@example.org")

    assert hers.number == 1


# --- her link -------------------------------------------------------------------------------


def test_her_link_shows_her_place_and_one_button_leaves(full, mailoutbox):
    entry = make_entry(full)
    phone = Client()

    page = phone.get(f"/waitlist/place/{entry.uuid}/").content.decode()
    left = phone.post(f"/waitlist/place/{entry.uuid}/", follow=True)
    again = phone.post(f"/waitlist/place/{entry.uuid}/", follow=True)

    assert "You are number 1 on the list" in page
    assert "You have left the list" in left.content.decode()
    assert "You have left the list" in again.content.decode()
    assert states(full) == [State.LEFT]
    assert mailoutbox == []


def test_looking_changes_nothing(full):
    entry = make_entry(full)

    for _ in range(2):
        Client().get(f"/waitlist/place/{entry.uuid}/")
        Client().get(f"/waitlist/offer/{entry.uuid}/")

    assert states(full) == [State.WAITING]


def test_whoever_left_can_join_again_at_the_end(full, mailoutbox):
    entry = make_entry(full, state=State.LEFT)
    make_entry(full, "bea@example.org")
    client = Client()

    page = client.post(f"/waitlist/again/{entry.uuid}/", follow=True).content.decode()

    assert "You are number 2 on the list" in page
    assert full.waitlist.in_line().get(email="zoe@example.org").number == 2
    assert subjects(mailoutbox) == ["You are on the list"]


def test_whoever_has_a_place_by_now_is_led_to_sign_in(full):
    entry = make_entry(full, "rose@example.org", state=State.PASSED)

    answer = Client().post(f"/waitlist/again/{entry.uuid}/")

    assert answer["Location"] == "/account/login/"
    assert full.waitlist.in_line().count() == 0


def test_joining_again_when_places_are_free_leads_to_the_enroll_page(quarter, full):
    entry = make_entry(quarter, state=State.LEFT)

    answer = Client().post(f"/waitlist/again/{entry.uuid}/")

    assert answer["Location"] == f"/enroll/{quarter.slug}/"


def test_joining_again_when_the_list_is_closed_says_so(full):
    entry = make_entry(full, state=State.PASSED)
    Quarter.objects.filter(pk=full.pk).update(state="closed")

    answer = Client().post(f"/waitlist/again/{entry.uuid}/")

    assert answer.status_code == 409
    assert "Enrollment for these dates is closed." in answer.content.decode()


PAGES = ("place", "offer")
GATES = {"visitor": 200, "owner": 200, "fellow": 404, "stranger": 404, "staff": 404}


@pytest.mark.parametrize("page", PAGES)
@pytest.mark.parametrize("who", GATES)
def test_a_link_opens_for_its_owner_and_where_nobody_is_signed_in(full, who, page):
    entry = make_entry(full)
    client = Client()
    people = {
        "owner": lambda: make_member("zoe@example.org"),
        "fellow": lambda: Enrollment.objects.get().member,
        "stranger": lambda: make_member("eve@example.org"),
        "staff": lambda: User.objects.create_superuser("staff@example.org"),
    }
    if who in people:
        client.force_login(people[who]())

    assert client.get(f"/waitlist/{page}/{entry.uuid}/").status_code == GATES[who]


@pytest.mark.parametrize("who", ["fellow", "stranger"])
@pytest.mark.parametrize("action", ["place", "offer", "again"])
def test_nobody_else_who_is_signed_in_changes_anything(full, who, action):
    entry = make_entry(full)
    member = Enrollment.objects.get().member if who == "fellow" else make_member("eve@example.org")
    client = Client()
    client.force_login(member)

    answer = client.post(f"/waitlist/{action}/{entry.uuid}/", {"chosen_name": "Eve"})

    assert answer.status_code == 404
    assert states(full) == [State.WAITING]


@pytest.mark.parametrize("method", ["get", "post"])
@pytest.mark.parametrize("action", ["place", "offer", "again"])
def test_a_guessed_link_leads_nowhere(full, action, method):
    make_entry(full)

    answer = getattr(Client(), method)(f"/waitlist/{action}/{NOBODY}/")

    assert answer.status_code == (405 if (action, method) == ("again", "get") else 404)


def test_forms_need_the_token_of_their_page(full):
    entry = make_entry(full)
    client = Client(enforce_csrf_checks=True)

    answers = [
        join(client, full),
        client.post(f"/waitlist/place/{entry.uuid}/"),
        client.post(f"/waitlist/offer/{entry.uuid}/"),
        client.post(f"/waitlist/again/{entry.uuid}/"),
    ]

    assert [answer.status_code for answer in answers] == [403] * 4
    assert states(full) == [State.WAITING]


def test_every_page_of_the_list_is_discreet_private_and_valid(full):
    client = Client()
    pages = {
        "full": client.get(f"/enroll/{full.slug}/"),
        "join": client.get(f"/waitlist/{full.slug}/"),
        "mistakes": join(client, full, email="x"),
        "joined": client.get(join(client, full)["Location"]),
    }
    entry = make_entry(full)
    for state in ("waiting", "left", "passed", "closed", "accepted"):
        WaitlistEntry.objects.filter(pk=entry.pk).update(state=state)
        for page in PAGES:
            pages[f"{page} {state}"] = client.get(f"/waitlist/{page}/{entry.uuid}/")
    WaitlistEntry.objects.filter(pk=entry.pk).update(state="waiting", rank=0)
    full.capacity = 2
    change_quarter(full, fields=["capacity"], bundles=[], now=timezone.now())
    for page in PAGES:
        pages[f"{page} offered"] = client.get(f"/waitlist/{page}/{entry.uuid}/")

    told = {name: leak_words_in(told_by(page)) for name, page in pages.items()}
    mistakes = {name: read(page.content.decode()).errors for name, page in pages.items()}
    cache = {page["Cache-Control"] for page in pages.values()}
    assert {name: words for name, words in told.items() if words} == {}
    assert {name: found for name, found in mistakes.items() if found} == {}
    assert cache == {"no-store, private"}
    assert "A place is kept for you" in pages["offer offered"].content.decode()


# --- letters --------------------------------------------------------------------------------


def test_a_letter_is_sent_once_however_often_its_task_is_done(full, mailoutbox):
    join(Client(), full)
    letter = WaitlistLetter.objects.get()

    outbox.send_queued_email.call(OutgoingEmail.objects.get().pk)

    assert len(mailoutbox) == 1
    assert letter.sent_at is not None


def test_a_letter_that_waited_is_not_sent_once_it_is_no_longer_true(full, queued, mailoutbox):
    join(Client(), full)
    entry = full.waitlist.get()
    waitlist.leave(entry_id=entry.pk, now=timezone.now())

    outbox.send_queued_email.call(OutgoingEmail.objects.get().pk)

    assert mailoutbox == []
    assert WaitlistLetter.objects.get().outcome == "obsolete"


def test_no_letter_names_the_address_of_the_program_or_its_quarter(full, mailoutbox):
    Quarter.objects.filter(pk=full.pk).update(slug="facing-heartbreak-winter")
    full.refresh_from_db()
    join(Client(), full)
    close_enrollment(quarter_id=full.pk)

    assert subjects(mailoutbox) == ["You are on the list", "The list is closed"]
    assert all("heartbreak" not in letter.body.casefold() for letter in mailoutbox)


# --- who comes first ------------------------------------------------------------------------


def test_a_visitor_never_takes_a_seat_while_somebody_waits(standin, full, now):
    waits = make_entry(full)
    # However a seat came to be free without anybody offering it.
    Enrollment.objects.update(state="left")

    with pytest.raises(checkout.QuarterFull):
        checkout.enroll(quarter_id=full.pk, buyer=make_buyer(), now=now)

    waitlist.follow_up(now=now)
    waits.refresh_from_db()
    assert (waits.state, waits.seat.seat_number) == (State.OFFERED, 1)


def test_opening_enrollment_offers_its_free_seats_to_those_who_wait(
    full, now, mailoutbox, settings
):
    settings.STRIPE_MODE = "standin"
    Quarter.objects.filter(pk=full.pk).update(state="closed", capacity=3)
    entries = [make_entry(full, f"waits{number}@example.org") for number in range(3)]

    open_enrollment(quarter_id=full.pk, now=now)

    assert [WaitlistEntry.objects.get(pk=entry.pk).state for entry in entries] == [
        State.OFFERED,
        State.OFFERED,
        State.WAITING,
    ]
    assert subjects(mailoutbox) == ["A place is free for you"] * 2


@pytest.mark.parametrize(
    "changes",
    [{"capacity": 2}, {"closes_at": datetime(2027, 1, 5, tzinfo=UTC), "capacity": 2}],
    ids=["more seats", "open for longer"],
)
def test_a_changed_quarter_offers_what_is_free_now(full, now, changes):
    entry = make_entry(full)
    for name, value in changes.items():
        setattr(full, name, value)

    change_quarter(full, fields=list(changes), bundles=[], now=now)

    entry.refresh_from_db()
    assert (entry.state, entry.offered_until) == (State.OFFERED, now + timedelta(hours=48))


def test_a_quarter_that_opens_by_the_clock_offers_its_seats_at_the_next_tick(full, now):
    opens = now + timedelta(days=1)
    Quarter.objects.filter(pk=full.pk).update(opens_at=opens, capacity=2)
    entry = make_entry(full)

    before = waitlist.follow_up(now=now)
    after = waitlist.follow_up(now=opens)

    entry.refresh_from_db()
    assert (before, after, entry.state) == (0, 1, State.OFFERED)


@pytest.mark.parametrize("how", ["by staff", "by the clock", "cancelled"])
def test_when_a_quarter_is_over_its_list_is_closed_and_everybody_on_it_told(
    full, now, how, mailoutbox
):
    full.capacity = 2
    waiting, offered = make_entry(full), make_entry(full, "bea@example.org", rank=0)
    change_quarter(full, fields=["capacity"], bundles=[], now=now)
    mailoutbox.clear()

    if how == "by staff":
        close_enrollment(quarter_id=full.pk)
    elif how == "cancelled":
        Quarter.objects.filter(pk=full.pk).update(state="cancelled")
    waitlist.follow_up(now=full.closes_at if how == "by the clock" else now)
    again = waitlist.follow_up(now=full.closes_at)

    offered.refresh_from_db()
    assert states(full) == [State.CLOSED, State.CLOSED]
    assert offered.seat.state == Enrollment.State.RELEASED
    assert subjects(mailoutbox) == ["The list is closed"] * 2
    assert again == 0
    assert waiting.seat is None
