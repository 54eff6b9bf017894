"""An address is changed by staff, and everything that carries it follows."""

from __future__ import annotations

import re

import pytest
from allauth.account.models import EmailAddress
from django.contrib.auth.models import Group
from django.test import Client
from django.utils import timezone

from accounts.errors import AddressTaken
from accounts.models import User
from core import outbox
from core.models import OutgoingEmail
from core.rate_limits import digest_of
from enrollments import emails
from enrollments.models import Enrollment, Order, WaitlistEntry, WaitlistLetter
from enrollments.operations import waitlist
from enrollments.operations.addresses import change_address
from enrollments.operations.checkout import enroll
from enrollments.operations.fulfilment import fulfil
from tests.enrollments.plan_stage import begin_plan, settle
from tests.factories.enrollments import make_buyer, make_entry, make_member, make_place
from tests.factories.enrollments import make_quarter as quarter_of

pytestmark = pytest.mark.django_db

OLD, NEW = "rose@example.org", "new@example.org"
SIGN_IN, TYPE_CODE = "/account/login/", "/account/login/code/"
State = WaitlistEntry.State


@pytest.fixture
def rose(db) -> User:
    return make_member(OLD, chosen_name="Rose")


def by_staff(staff_client: Client, member: User, email: str = NEW, **typed: str):
    form = {"email": email, "chosen_name": member.chosen_name, "is_active": "on"} | typed
    return staff_client.post(f"/staff/users/edit/{member.pk}/", form)


def move(member: User, email: str = NEW) -> User:
    return change_address(member_id=member.pk, email=email, now=timezone.now())


def code_in(letter) -> str:
    return re.search(r"^\d{4} \d{4}$", letter.body, re.MULTILINE).group()


def ask_for_code(browser: Client, email: str):
    return browser.post(SIGN_IN, {"email": email})


def signed_in(browser: Client) -> bool:
    return browser.get("/member/").status_code == 200


# --- sessions and codes ---------------------------------------------------------------------


def test_every_session_ends_and_nobody_else_is_signed_out(staff_client, rose):
    hers, elsewhere, anns = Client(), Client(), Client()
    for browser, member in ((hers, rose), (elsewhere, rose), (anns, make_member())):
        browser.force_login(member)

    by_staff(staff_client, rose)

    assert [signed_in(browser) for browser in (hers, elsewhere, anns)] == [False, False, True]


def test_changing_anything_else_signs_nobody_out(staff_client, rose):
    hers = Client()
    hers.force_login(rose)

    by_staff(staff_client, rose, OLD, chosen_name="Rosa")

    rose.refresh_from_db()
    assert (rose.chosen_name, signed_in(hers)) == ("Rosa", True)


def test_a_code_that_lies_in_the_old_mailbox_lets_nobody_in(staff_client, rose, mailoutbox):
    browser = Client()
    ask_for_code(browser, OLD)

    by_staff(staff_client, rose)
    page = browser.post(TYPE_CODE, {"code": code_in(mailoutbox[0])})

    assert "That is not the code we sent." in page.content.decode()
    assert not signed_in(browser)


def test_a_code_stays_worthless_when_the_address_is_changed_back(rose, mailoutbox):
    browser = Client()
    ask_for_code(browser, OLD)

    move(rose)
    move(rose, OLD)
    browser.post(TYPE_CODE, {"code": code_in(mailoutbox[0])})

    assert not signed_in(browser)


def test_the_last_code_of_the_day_is_worthless_too(rose, mailoutbox, now):
    for _ in range(12):
        ask_for_code(Client(REMOTE_ADDR="192.0.2.1"), OLD)
    last = re.search(r"^\d{4} \d{4} \d{4}$", mailoutbox[-1].body, re.MULTILINE).group()
    move(rose)
    for email in (OLD, NEW):
        browser = Client()
        ask_for_code(browser, email)
        browser.post(TYPE_CODE, {"code": last})

        assert not signed_in(browser)


def test_the_new_address_gets_a_code_even_after_many_asked_for_it(rose, mailoutbox, now):
    for _ in range(15):
        ask_for_code(Client(), NEW)
    move(rose)

    browser = Client(REMOTE_ADDR="192.0.2.1")
    ask_for_code(browser, NEW)
    browser.post(TYPE_CODE, {"code": code_in(mailoutbox[-1])})

    assert mailoutbox[-1].to == [NEW]
    assert signed_in(browser)


def test_who_stood_between_the_first_and_the_second_step_begins_anew(owner_of_site, client):
    session = client.session
    session["account_of_first_step"] = owner_of_site.get_session_auth_hash()
    session.save()
    move(owner_of_site)
    owner_of_site.refresh_from_db()

    from accounts.sessions import has_kept_account  # noqa: PLC0415

    assert not has_kept_account(client.session, owner_of_site)


def test_allauth_keeps_no_list_of_addresses_of_its_own(rose, mailoutbox):
    browser = Client()
    ask_for_code(browser, OLD)
    browser.post(TYPE_CODE, {"code": code_in(mailoutbox[0])})

    assert signed_in(browser)
    assert EmailAddress.objects.count() == 0


# --- letters --------------------------------------------------------------------------------


def test_letters_about_an_order_go_to_the_present_address_and_the_order_keeps_what_was_typed(
    standin, quarter, staff_client, mailoutbox
):
    order = enroll(quarter_id=quarter.pk, buyer=make_buyer(OLD), now=timezone.now())
    rose = make_member(OLD)
    Order.objects.update(member=rose, state="paid", paid_at=timezone.now())
    mailoutbox.clear()

    by_staff(staff_client, rose)
    emails.queue("refunded", Order.objects.get(pk=order.pk))

    assert [letter.to for letter in mailoutbox] == [[NEW]]
    assert Order.objects.get(pk=order.pk).email == OLD
    page = staff_client.get(f"/staff/enrollments/order/inspect/{order.pk}/").content.decode()
    assert f"{OLD}, as typed then" in page
    assert NEW in page


def test_the_old_mailbox_hears_nothing(staff_client, rose, full, mailoutbox):
    make_entry(full, OLD)

    by_staff(staff_client, rose)

    assert {address for letter in mailoutbox for address in letter.to} == {NEW}


def test_an_order_that_is_paid_later_is_hers_and_opens_no_account_for_the_old_mailbox(
    at_the_page, standin
):
    at_the_page.order.refresh_from_db()
    rose = make_member(at_the_page.order.email)
    move(rose)

    standin.pay(at_the_page.url)
    fulfil(at_the_page.session_id, now=timezone.now())

    at_the_page.order.refresh_from_db()
    assert (at_the_page.order.state, at_the_page.order.member) == (Order.State.PAID, rose)
    assert not User.objects.filter(email=at_the_page.order.email).exists()


def test_the_browser_in_which_she_bought_sees_her_order_no_longer(client, quarter, rose, standin):
    order = enroll(quarter_id=quarter.pk, buyer=make_buyer(OLD), now=timezone.now())
    Order.objects.update(member=rose, state="paid", paid_at=timezone.now())
    session = client.session
    session["orders"] = [str(order.uuid)]
    session.save()
    address = f"/orders/{order.uuid}/"
    assert client.get(address).status_code == 200

    move(rose)

    assert client.get(address).status_code == 404
    rose.refresh_from_db()
    client.force_login(rose)
    assert client.get(address).status_code == 200


def test_stripe_learns_the_present_address_of_whoever_pays_month_by_month(standin, loaded_site):
    quarter = quarter_of(instalment_count=3, instalment_cents=21_000)
    plan = begin_plan(standin, quarter, email=OLD)
    member, address = plan.order.member, f"/v1/customers/{plan.row.customer_id}"
    move(member)
    standin.fault("500", path=address, count=9)
    settle()
    assert plan.row.has_old_address
    standin.forget_faults()

    settle()
    asked = [request for request in standin.requests(address) if request["method"] == "POST"]

    assert not plan.row.has_old_address
    assert NEW in str(asked[-1])


# --- the waitlist ---------------------------------------------------------------------------


@pytest.fixture
def full(loaded_site, now):
    quarter = quarter_of(capacity=1)
    make_place(quarter, make_member("first@example.org"))
    return quarter


def test_entries_follow_with_new_links_and_a_letter_that_holds_them(rose, full, client, mailoutbox):
    entry = make_entry(full, OLD)
    old_link = f"/waitlist/place/{entry.uuid}/"

    move(rose)

    entry.refresh_from_db()
    assert (entry.email, entry.state) == (NEW, State.WAITING)
    assert client.get(old_link).status_code == 404
    assert [letter.to for letter in mailoutbox] == [[NEW]]
    assert f"/waitlist/place/{entry.uuid}/" in mailoutbox[0].body


def test_a_place_that_is_kept_for_her_stays_kept(rose, full, client, mailoutbox, now):
    entry = make_entry(full, OLD)
    waitlist.free_seat(full.enrollments.get(), to=Enrollment.State.LEFT, now=now)
    entry.refresh_from_db()
    old_link = f"/waitlist/offer/{entry.uuid}/"
    mailoutbox.clear()

    move(rose)

    entry.refresh_from_db()
    assert (entry.email, entry.state) == (NEW, State.OFFERED)
    assert client.get(old_link).status_code == 404
    assert f"/waitlist/offer/{entry.uuid}/" in mailoutbox[0].body
    assert client.get(f"/waitlist/offer/{entry.uuid}/").status_code == 200


@pytest.mark.parametrize(("first", "second"), [(OLD, NEW), (NEW, OLD)])
def test_of_two_entries_in_one_line_the_earlier_stays(rose, full, first, second, mailoutbox):
    earlier, between, later = make_entry(full, first), make_entry(full), make_entry(full, second)

    move(rose)

    for entry in (earlier, between, later):
        entry.refresh_from_db()
    assert (earlier.email, earlier.state) == (NEW, State.WAITING)
    assert (later.email, later.state) == (NEW, State.LEFT)
    assert between.state == State.WAITING


def test_of_two_offers_one_goes_to_the_next(rose, loaded_site, now):
    quarter = quarter_of(capacity=2)
    places = [make_place(quarter, make_member(f"m{n}@example.org")) for n in range(2)]
    entries = [make_entry(quarter, address) for address in (OLD, NEW, "next@example.org")]
    for place in places:
        waitlist.free_seat(place, to=Enrollment.State.LEFT, now=now)

    move(rose)

    for entry in entries:
        entry.refresh_from_db()
    assert [entry.state for entry in entries] == [State.OFFERED, State.LEFT, State.OFFERED]


def test_past_entries_follow_without_a_letter(rose, full, mailoutbox):
    entry = make_entry(full, OLD, state=State.LEFT)

    move(rose)

    entry.refresh_from_db()
    assert (entry.email, mailoutbox) == (NEW, [])


def test_a_letter_that_waits_is_sent_to_the_present_address(rose, full, mailoutbox, settings):
    settings.TASKS = {"default": {"BACKEND": "django_tasks.backends.dummy.DummyBackend"}}
    entry = make_entry(full, OLD)
    emails.queue_for_entry(WaitlistLetter.Kind.JOINED, entry)
    move(rose)

    outbox.send_queued_email.call(OutgoingEmail.objects.earliest("pk").pk)

    assert [letter.to for letter in mailoutbox] == [[NEW]]


def test_who_types_the_old_address_later_is_a_stranger(rose, full, client, mailoutbox):
    place = full.enrollments.get()
    place.member = rose
    place.save()
    move(rose)

    client.post(f"/waitlist/{full.slug}/", {"chosen_name": "X", "email": OLD})

    assert [letter.subject for letter in mailoutbox] != []
    assert full.waitlist.get(email=OLD).state == State.WAITING


# --- the operation and the form -------------------------------------------------------------


def test_the_same_address_again_changes_nothing(rose, full, mailoutbox):
    entry = make_entry(full, OLD)
    hers = Client()
    hers.force_login(rose)

    move(rose, " ROSE@example.org ")

    entry.refresh_from_db()
    assert (entry.email, signed_in(hers), mailoutbox) == (OLD, True, [])


def test_an_address_that_somebody_else_has_is_refused_whole(rose, full):
    make_member(NEW)
    entry = make_entry(full, OLD)

    with pytest.raises(AddressTaken):
        move(rose)

    rose.refresh_from_db()
    entry.refresh_from_db()
    assert (rose.email, entry.email) == (OLD, OLD)


def test_an_address_that_was_taken_a_moment_ago_gets_a_sentence(staff_client, rose, monkeypatch):
    def taken(**_what):
        raise AddressTaken

    monkeypatch.setattr("enrollments.desks.people.change_address", taken)

    page = by_staff(staff_client, rose)

    assert page.status_code == 200
    assert "Somebody else has this address." in page.content.decode()


@pytest.mark.parametrize("who", ["visitor", "member", "Editors", "Clinical lead"])
def test_nobody_but_whoever_may_change_people_changes_an_address(rose, who):
    browser = Client()
    if who != "visitor":
        person = make_member("other@example.org")
        person.groups.set(Group.objects.filter(name=who))
        browser.force_login(person)

    by_staff(browser, rose)

    rose.refresh_from_db()
    assert rose.email == OLD


def test_what_limits_know_of_an_address_is_a_digest():
    assert OLD not in digest_of("mailbox", OLD)
