"""Waiting for a place, in a real browser on a phone: joining, being offered it, leaving."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import expect

from core.discretion import leak_words_in
from enrollments.models import Enrollment, Quarter, WaitlistEntry
from enrollments.operations import waitlist
from tests.browser.conftest import Listener, follow
from tests.factories.enrollments import make_entry, make_member, make_place, make_quarter
from tests.stripe_fixtures import *  # noqa: F403

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
WORKSHOP = "/programs/facing-heartbreak/"


@pytest.fixture
def full(standin, django_db_serialized_rollback, transactional_db, live_server, settings):
    """The address of the site, whose only quarter has one seat, which is Rose's."""
    settings.BASE_URL = live_server.url
    Quarter.objects.all().delete()
    now = timezone.now()
    first = now.date() + timedelta(days=(5 - now.weekday()) % 7 + 35)
    quarter = make_quarter(
        slug="next",
        capacity=1,
        first_date=first,
        opens_at=now - timedelta(days=1),
        label="Next quarter",
    )
    make_place(quarter, make_member("rose@example.org", chosen_name="Rose"))
    standin.set_webhook(f"{live_server.url}/stripe/webhook/", "whsec_standin_development")
    return live_server.url


@pytest.fixture
def open_page(browser):
    """Opens a browser window of its own, with options of Playwright's contexts."""
    contexts = []

    def opened(**options):
        context = browser.new_context(**({"viewport": PHONE} | options))
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def rose_leaves() -> None:
    [place] = Enrollment.objects.filter(state="enrolled")
    waitlist.free_seat(place, to=Enrollment.State.LEFT, now=timezone.now())


def link_in(letter, kind: str) -> str:
    return re.search(rf"http\S+/waitlist/{kind}/\S+", letter.body)[0]


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_she_joins_hears_of_a_free_place_pays_and_is_in(full, open_page, mailoutbox, script):
    page = open_page(java_script_enabled=script)
    listener = Listener(page)
    page.goto(full + WORKSHOP)
    page.get_by_role("link", name="Join the waitlist").first.click()
    page.get_by_label("What may we call you?").fill("Ann")
    page.get_by_label("Email").fill("ann@example.org")
    page.get_by_role("button", name="Join the waitlist").click()
    expect(page.get_by_text("You are number 1 on the list.")).to_be_visible()

    rose_leaves()
    later = open_page(java_script_enabled=script)
    later.goto(link_in(mailoutbox[-1], "offer"))
    expect(later.get_by_role("heading", name="A place is kept for you")).to_be_visible()
    expect(later.get_by_text("Opening this page has charged nothing.")).to_be_visible()
    later.get_by_role("button", name="Continue to payment").click()
    later.wait_for_url("**/c/pay/**")
    later.get_by_label("Card number").fill("4242 4242 4242 4242")
    later.get_by_role("button", name=re.compile("^Pay")).click()
    later.wait_for_url("**/orders/**")

    expect(later.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert [letter.subject for letter in mailoutbox] == [
        "You are on the list",
        "A place is free for you",
        "Your receipt",
    ]
    assert WaitlistEntry.objects.get().state == "accepted"
    assert leak_words_in(page.title()) == []
    assert listener.complaints == []


def test_she_comes_back_from_the_payment_page_and_the_place_is_still_hers(
    full, open_page, mailoutbox
):
    make_entry(Quarter.objects.get(), "ann@example.org")
    rose_leaves()
    page = open_page()
    page.goto(link_in(mailoutbox[-1], "offer"))
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    page.get_by_role("link", name=re.compile("Back")).click()
    page.get_by_role("button", name="Give my place back").click()
    expect(page.get_by_text("A place is still kept for you until")).to_be_visible()

    page.get_by_role("link", name="Start again").click()

    expect(page.get_by_role("heading", name="A place is kept for you")).to_be_visible()
    assert WaitlistEntry.objects.get().state == "offered"


def test_one_link_and_one_button_leave_the_list(full, open_page, mailoutbox):
    page = open_page(timezone_id="Europe/London")
    page.goto(f"{full}/waitlist/next/")
    page.get_by_label("What may we call you?").fill("Ann")
    page.get_by_label("Email").fill("ann@example.org")
    page.get_by_role("button", name="Join the waitlist").click()
    expect(page.get_by_role("heading", name="You are on the list")).to_be_visible()
    expect(page.locator(".local-time")).to_contain_text("(London)")

    phone = open_page()
    phone.goto(link_in(mailoutbox[0], "place"))
    phone.get_by_role("button", name="Leave the list").click()

    expect(phone.get_by_role("heading", name="You have left the list")).to_be_visible()
    assert WaitlistEntry.objects.get().state == "left"


def test_what_she_typed_for_the_last_place_is_kept_for_the_list(full, open_page):
    Quarter.objects.update(capacity=2)
    page = open_page()
    page.goto(f"{full}/enroll/next/")
    make_place(Quarter.objects.get(), make_member("last@example.org"), seat_number=2)
    page.get_by_label("What may we call you?").fill("Ann")
    page.get_by_label("Email").fill("ann@example.org")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("The last place was just taken.")).to_be_visible()

    page.get_by_role("button", name="Join the waitlist").click()

    expect(page.get_by_text("You are number 1 on the list.")).to_be_visible()
    assert WaitlistEntry.objects.get().email == "ann@example.org"


def test_a_place_that_came_free_while_she_typed_can_be_taken_at_once(full, open_page):
    page = open_page()
    page.goto(f"{full}/waitlist/next/")
    page.get_by_label("What may we call you?").fill("Ann")
    page.get_by_label("Email").fill("ann@example.org")
    rose_leaves()
    page.get_by_role("button", name="Join the waitlist").click()
    expect(page.get_by_text("A place has just come free.")).to_be_visible()

    page.get_by_role("button", name="Continue to payment").click()

    page.wait_for_url("**/c/pay/**")
    assert Enrollment.objects.get(state="held").line.order.email == "ann@example.org"


@pytest.mark.parametrize("width", [320, 360, 1280])
def test_every_page_of_the_list_passes_axe_and_fits(full, open_page, mailoutbox, width):
    page = open_page(viewport={"width": width, "height": 800})
    quarter = Quarter.objects.get()
    found = {}

    def look(name: str, address: str = "") -> None:
        if address:
            page.goto(full + address)
        found[name] = (
            Axe().run(page).violations_count,
            page.evaluate("document.documentElement.scrollWidth") <= width,
        )

    look("full", "/enroll/next/")
    look("join", "/waitlist/next/")
    follow(page.get_by_role("button", name="Join the waitlist"))
    look("mistakes")
    page.get_by_label("What may we call you?").fill("Ann")
    page.get_by_label("Email").fill("ann@example.org")
    follow(page.get_by_role("button", name="Join the waitlist"))
    look("joined")
    entry = quarter.waitlist.get()
    look("place", f"/waitlist/place/{entry.uuid}/")
    rose_leaves()
    look("place kept", f"/waitlist/place/{entry.uuid}/")
    look("offer", f"/waitlist/offer/{entry.uuid}/")
    for state in ("passed", "left", "closed", "accepted"):
        WaitlistEntry.objects.update(state=state)
        look(state, f"/waitlist/offer/{entry.uuid}/")

    assert found == dict.fromkeys(found, (0, True))
