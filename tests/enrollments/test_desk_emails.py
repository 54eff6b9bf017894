"""The desk of emails on their way: who may see it, send again, and let go."""

from __future__ import annotations

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone

from core import outbox
from core.models import OutgoingEmail
from enrollments import emails
from enrollments.models import LedgerEntry, Order
from tests.enrollments.desk_cast import browser_of, make_order, make_person, make_staff, outcome
from tests.factories.enrollments import make_entry, make_place, make_quarter

pytestmark = pytest.mark.django_db

State = OutgoingEmail.State
LIST = "/staff/core/outgoingemail/"
HOUR = timedelta(hours=1)
WHO = {
    "owner": "page",
    "viewer": "denied",
    "staff": "denied",
    "member": "404",
    "visitor": "sign in",
}


@pytest.fixture
def order(loaded_site, now) -> Order:
    return make_order(make_quarter())


def make_failed(order: Order, template: str = "receipt") -> OutgoingEmail:
    """An email about ``order`` that was given up."""
    entry = LedgerEntry.objects.create(
        order=order, at=timezone.now(), action="letter_failed", detail=template
    )
    return OutgoingEmail.objects.create(
        kind="order",
        template=template,
        ids=[entry.pk],
        state=State.FAILED,
        reason="unreachable",
        tries=20,
        queued_at=timezone.now() - timedelta(days=3),
        trying_since=timezone.now() - timedelta(days=3),
        next_try_at=timezone.now(),
        settled_at=timezone.now(),
    )


def address(action: str, email: OutgoingEmail) -> str:
    return f"{LIST}{action}/{email.pk}/"


def viewer() -> Client:
    return browser_of(make_staff("mail@example.org", "view_outgoingemail"))


def decider() -> Client:
    return browser_of(make_staff("post@example.org", "view_outgoingemail", "change_outgoingemail"))


def fresh(email: OutgoingEmail) -> OutgoingEmail:
    return OutgoingEmail.objects.get(pk=email.pk)


# --- who may ----------------------------------------------------------------------------------


@pytest.mark.parametrize("role", WHO)
def test_emails_are_for_staff_who_may_see_them(order, role):
    email = make_failed(order)
    client = browser_of(make_person(role))

    for page in (LIST, address("inspect", email), address("send-again", email)):
        assert outcome(client.get(page)) == WHO[role]


def test_whoever_may_look_may_not_decide(order):
    email = make_failed(order)
    client = viewer()

    page = client.get(address("inspect", email))
    tried = [client.post(address(action, email)) for action in ("send-again", "dismiss")]

    assert outcome(page) == "page"
    assert "Send again" not in page.content.decode()
    assert [outcome(answer) for answer in tried] == ["denied", "denied"]
    assert fresh(email).state == State.FAILED


def test_an_email_names_its_order_to_those_who_may_see_orders_only(order):
    email = make_failed(order)
    both = browser_of(make_staff("both@example.org", "view_outgoingemail", "view_order"))
    number = str(order.uuid)[:8]

    assert number in both.get(address("inspect", email)).content.decode()
    assert number not in viewer().get(address("inspect", email)).content.decode()


# --- what is seen -----------------------------------------------------------------------------


def test_the_list_says_why_and_puts_what_failed_first(order):
    make_failed(order)
    sent = outbox.queue(emails.ORDER, template="moved", ids=[1], now=timezone.now())
    OutgoingEmail.objects.filter(pk=sent.pk).update(state=State.SENT)

    page = viewer().get(LIST).content.decode()

    assert "The mail provider could not be reached" in page
    assert page.index("Receipt") < page.index("Moved")
    assert "ann@example.org" not in page


@pytest.mark.parametrize("count", [1, 3])
def test_the_list_costs_the_same_however_long_it_is(order, count, django_assert_num_queries):
    for _ in range(count):
        make_failed(order)
    client = viewer()
    client.get(LIST)

    with django_assert_num_queries(12):
        client.get(LIST)


def test_a_sign_in_tells_nothing_of_its_seed(order):
    email = make_failed(order)
    OutgoingEmail.objects.update(kind="code", template="code", ids=[7, "the-seed", 1.5])

    page = viewer().get(address("inspect", email)).content.decode()

    assert "A sign-in" in page
    assert "the-seed" not in page


# --- what is decided --------------------------------------------------------------------------


def test_staff_send_an_email_again(order, mailoutbox):
    email = make_failed(order)
    client = decider()
    page = client.get(address("inspect", email)).content.decode()

    client.post(address("send-again", email))

    assert "Not sent: The mail provider could not be reached" in page
    assert [letter.subject for letter in mailoutbox] == ["Your receipt"]
    assert fresh(email).state == State.SENT
    assert LedgerEntry.objects.get(pk=email.ids[0]).action == "letter_sent"


def test_what_is_not_true_any_more_is_not_sent_again(order, mailoutbox):
    email = make_failed(order)
    Order.objects.update(state=Order.State.REFUNDED)

    decider().post(address("send-again", email))

    assert (mailoutbox, fresh(email).state) == ([], State.OBSOLETE)


def test_staff_let_an_email_go(order, mailoutbox):
    email = make_failed(order)

    decider().post(address("dismiss", email))

    assert (mailoutbox, fresh(email).state) == ([], State.DISMISSED)


def test_what_was_sent_meanwhile_is_not_sent_again(order, mailoutbox):
    email = make_failed(order)
    OutgoingEmail.objects.update(state=State.SENT)

    page = decider().post(address("send-again", email)).content.decode()

    assert "Nothing was changed." in page
    assert mailoutbox == []


# --- the home page ----------------------------------------------------------------------------


def home_of(*codenames: str) -> str:
    return browser_of(make_staff("home@example.org", *codenames)).get("/staff/").content.decode()


def test_the_home_page_tells_of_emails_that_failed_or_are_late(order, settings):
    make_failed(order)
    late = make_failed(order)
    OutgoingEmail.objects.filter(pk=late.pk).update(state=State.QUEUED, settled_at=None)
    settings.DEVELOPMENT = False

    page = home_of("view_outgoingemail")

    assert "1 email could not be sent" in page
    assert "1 email has waited for more than an hour" in page
    assert "No email has gone out since the email settings changed" in page


def test_the_home_page_tells_nobody_else(order, settings):
    make_failed(order)
    settings.DEVELOPMENT = False

    assert "email" not in home_of("view_order").lower().split("needs-a-person")[-1][:400]


def test_staff_see_an_offer_of_which_nobody_has_heard(order, now):
    entry = make_entry(make_quarter(slug="later"), state="waiting")
    seat = make_place(entry.quarter, None, state="offered", hold_expires_at=entry.quarter.closes_at)
    entry.state, entry.seat = "offered", seat
    entry.save()
    letter = entry.letters.create(kind="waitlist_offer", queued_at=now - 2 * HOUR)

    page = home_of("view_waitlistentry")
    told = browser_of(make_person("owner")).get("/staff/enrollments/waitlistentry/")

    assert letter.outcome == "queued"
    assert "1 place is offered to somebody whom no email has reached" in page
    assert "Email not sent yet" in told.content.decode()
