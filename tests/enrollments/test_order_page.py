"""What an order's page says after paying: to its member all, to every other browser the same."""

from __future__ import annotations

import re
from datetime import timedelta
from urllib.parse import urlsplit
from uuid import uuid4

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from core.discretion import leak_words_in
from enrollments.models import Order, Quarter
from enrollments.operations.fulfilment import fulfil
from tests.factories.enrollments import (
    bundle,
    make_access,
    make_code,
    make_member,
    make_place,
    make_price,
)
from tests.reading import told_by
from tests.stripe_fixtures import at_stripe

pytestmark = pytest.mark.django_db

UUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def begin(client: Client, address: str, **typed: str) -> tuple[Order, str]:
    """Somebody's order at ``address``, and where it is paid."""
    page = client.get(address)
    form = {"chosen_name": "Ann", "email": "ann@example.org"} | typed
    form |= {name: str(page.context["form"][name].value()) for name in ("form_id", "shown")}
    sent = client.post(address, form)
    if "code" in typed and sent.status_code == 200:
        form["seen"] = sent.context["form"]["seen"].value()
        sent = client.post(address, form)
    assert sent.status_code == 303, sent.content.decode()
    return Order.objects.latest("pk"), sent["Location"]


def return_from(standin, payment_page: str) -> str:
    """Pay, if there is something to pay, and where that leads."""
    landed = urlsplit(standin.pay(payment_page) if "/c/pay/" in payment_page else payment_page)
    return f"{landed.path}?{landed.query}"


# --- another browser ------------------------------------------------------------------------


def test_coming_back_in_another_browser_says_what_to_do_and_nothing_else(
    client, standin, quarter, mailoutbox
):
    order, payment_page = begin(client, f"/enroll/{quarter.slug}/")

    page = Client().get(return_from(standin, payment_page))

    text = told_by(page)
    assert page.status_code == 200
    assert "A letter tells you how to go on." in text
    assert "Ann" not in text
    assert "ann@example.org" not in page.content.decode()
    assert str(order.uuid) not in page.content.decode()
    assert leak_words_in(text) == []
    # It is Stripe that was asked, as in her own browser.
    order.refresh_from_db()
    assert order.state == Order.State.PAID
    assert [letter.to for letter in mailoutbox] == [["ann@example.org"]]


def test_in_another_browser_every_state_reads_the_same(client, standin, quarter):
    order, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    address = return_from(standin, payment_page)
    fulfil(order.attempts.get().session_id, now=timezone.now())
    pages = set()

    for state in Order.State.values:
        Order.objects.update(state=state, attention="drift")
        pages.add(Client().get(address).content)
    standin.fault("500", path="/v1/checkout/sessions", count=3)
    Order.objects.update(state=Order.State.PENDING)
    pages.add(Client().get(address).content)

    assert len(pages) == 1


@pytest.mark.parametrize(
    "asked",
    ["", "?back=1", "?session_id=", "?session_id=x", "?session_id=cs_test_x"],
)
def test_without_the_orders_own_session_another_browser_learns_nothing(
    client, standin, quarter, asked
):
    order, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    return_from(standin, payment_page)

    there = Client().get(f"/orders/{order.uuid}/{asked}")
    nowhere = Client().get(f"/orders/{uuid4()}/{asked}")

    assert (there.status_code, nowhere.status_code) == (404, 404)
    assert there.content == nowhere.content
    assert "nothing was charged" in told_by(there)
    order.refresh_from_db()
    assert order.state == Order.State.PENDING


def test_the_session_of_another_order_opens_nothing(client, standin, quarter):
    order, _ = begin(client, f"/enroll/{quarter.slug}/")
    _, payment_page = begin(Client(), f"/enroll/{quarter.slug}/", email="rose@example.org")
    address = return_from(standin, payment_page)
    session = address.partition("?")[2]

    assert Client().get(f"/orders/{order.uuid}/?{session}").status_code == 404


def test_a_fellow_member_who_knows_the_session_reads_no_more_than_a_stranger(
    client, standin, quarter
):
    _, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    address = return_from(standin, payment_page)
    fellow = Client()
    fellow.force_login(make_member("rose@example.org"))

    assert told_by(fellow.get(address)) == told_by(Client().get(address))


def test_the_number_of_the_session_leaves_with_no_link(client, standin, quarter):
    _, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    address = return_from(standin, payment_page)

    for browser in (Client(), client):
        page = browser.get(address)
        assert page["Referrer-Policy"] == "no-referrer"
        assert page["Cache-Control"] == "no-store, private"
        assert page["X-Robots-Tag"] == "noindex"


@pytest.mark.parametrize("action", ["pay", "cancel"])
def test_another_browser_with_the_session_can_change_nothing(client, standin, quarter, action):
    order, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    session = return_from(standin, payment_page).partition("?")[2]

    answer = Client().post(f"/orders/{order.uuid}/{action}/?{session}")

    assert answer.status_code == 404
    order.refresh_from_db()
    assert order.state == Order.State.PENDING


# --- whether the address is known ----------------------------------------------------------------


def enrolled(quarter: Quarter) -> None:
    make_place(quarter, make_member(), seat_number=10)


def closed(_quarter: Quarter) -> None:
    make_member(is_active=False)


def unlocked(_quarter: Quarter) -> None:
    make_access(make_member())


def read_after_paying(standin, address: str, **typed: str) -> list[tuple[int, str]]:
    """What a browser that is not signed in sees after paying: at once, again, and later.

    Without what is different for everybody: numbers and the address that was typed.
    """
    browser = Client()
    order, payment_page = begin(browser, address, **typed)
    back = return_from(standin, payment_page)
    pages = [browser.get(look) for look in (back, back, f"/orders/{order.uuid}/")]
    return [
        (page.status_code, UUID.sub("", page.content.decode()).replace(order.email, ""))
        for page in pages
    ]


@pytest.fixture
def free_code(standin):
    """A code that leaves nothing to pay."""
    return at_stripe(make_code(percent_off=100)).code


@pytest.mark.parametrize("known_as", [enrolled, closed], ids=["has the place", "account closed"])
@pytest.mark.parametrize("pays", [True, False], ids=["paid", "free"])
def test_the_page_after_paying_is_the_same_whether_the_address_is_known_or_not(
    standin, quarter, free_code, known_as, pays, mailoutbox
):
    address, code = f"/enroll/{quarter.slug}/", {} if pays else {"code": free_code}
    to_a_stranger = read_after_paying(standin, address, email="new@example.org", **code)
    known_as(quarter)

    to_somebody_known = read_after_paying(standin, address, **code)

    assert to_somebody_known == to_a_stranger
    # There is a difference, and the letter tells it.
    attention = dict(Order.objects.values_list("email", "attention"))
    assert attention["ann@example.org"] != attention["new@example.org"] == ""
    subjects = {letter.to[0]: letter.subject for letter in mailoutbox}
    assert subjects["ann@example.org"] != subjects["new@example.org"]


@pytest.mark.parametrize("known_as", [unlocked, closed], ids=["has the bundle", "account closed"])
def test_the_page_after_buying_a_bundle_is_the_same_too(standin, quarter, known_as):
    make_price()
    address = f"/buy/{bundle().slug}/"
    to_a_stranger = read_after_paying(standin, address, email="new@example.org")
    known_as(quarter)

    assert read_after_paying(standin, address) == to_a_stranger


def test_the_page_costs_the_same_whatever_became_of_the_order(client, standin, quarter):
    order, _ = begin(client, f"/enroll/{quarter.slug}/")
    outcomes = [
        ("paid", ""),
        ("paid", ""),
        ("review", "paid_twice"),
        ("review", "seat_gone"),
        ("refunded", "paid_twice"),
        ("closed_account", "account_closed"),
        ("cancelled", ""),
    ]
    member, costs = make_member(), []

    for state, attention in outcomes:
        Order.objects.update(
            state=state, attention=attention, member=member, paid_at=timezone.now()
        )
        with CaptureQueriesContext(connection) as queries:
            client.get(f"/orders/{order.uuid}/")
        costs.append(len(queries))

    # What is looked up once for all pages was looked up by the first.
    assert len(set(costs[1:])) == 1


def test_the_signed_in_member_reads_what_became_of_her_order(client, standin, quarter):
    _, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    address = return_from(standin, payment_page)
    client.get(address)
    owner = Client()
    owner.force_login(Order.objects.get().member)

    assert "Your place is yours" in told_by(owner.get(address))
    assert "Your place is yours" not in told_by(client.get(address))


def test_half_an_hour_after_paying_the_page_names_nobody(client, standin, quarter):
    _, payment_page = begin(client, f"/enroll/{quarter.slug}/")
    address = return_from(standin, payment_page)
    named = client.get(address).content.decode()
    Order.objects.update(paid_at=timezone.now() - timedelta(minutes=31))

    page = client.get(address)

    assert "Ann" in named
    assert page.status_code == 200
    assert "Ann" not in told_by(page)
    assert "ann@example.org" not in page.content.decode()
