"""From the program page to a seat and an unlocked bundle, in a real browser."""

from __future__ import annotations

import re
from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.discretion import leak_words_in
from enrollments.models import BundleAccess, Enrollment, Order, Quarter
from tests.browser.conftest import Listener, follow
from tests.factories.enrollments import bundle, make_code, make_price, make_quarter
from tests.stripe_fixtures import *  # noqa: F403

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
WORKSHOP = "/programs/facing-heartbreak/"


@pytest.fixture
def shop(standin, django_db_serialized_rollback, transactional_db, live_server):
    """The site with one open quarter that includes the bundle, and Stripe's webhooks reaching it.

    The clock is the real one: signatures and payment pages are only good for minutes.
    """
    Quarter.objects.all().delete()
    now = timezone.now()
    first = now.date() + timedelta(days=(5 - now.weekday()) % 7 + 35)
    quarter = make_quarter(
        slug="next", first_date=first, opens_at=now - timedelta(days=1), label="Next quarter"
    )
    quarter.bundles.add(bundle())
    make_price()
    standin.set_webhook(f"{live_server.url}/stripe/webhook/", "whsec_standin_development")
    return live_server.url


@pytest.fixture
def open_page(browser):
    """Opens a browser window of its own, with options of Playwright's contexts."""
    contexts = []

    def opened(**options) -> Page:
        context = browser.new_context(**({"viewport": PHONE} | options))
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


def fill_in(page: Page, email: str = "ann@example.org") -> None:
    page.get_by_label("What may we call you?").fill("Ann")
    if page.get_by_label("Email").count():
        page.get_by_label("Email").fill(email)


def to_payment(page: Page, address: str) -> None:
    page.goto(address)
    fill_in(page)
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")


def pay(page: Page, card: str = "4242 4242 4242 4242") -> None:
    page.get_by_label("Card number").fill(card)
    page.get_by_role("button", name=re.compile("^Pay")).click()


def sign_in(page: Page, mailoutbox, email: str = "ann@example.org") -> None:
    page.get_by_label("Email").fill(email)
    page.get_by_role("button", name=re.compile("code", re.IGNORECASE)).first.click()
    page.wait_for_url("**/code/**")
    code = re.search(r"^\s*([A-Z0-9][A-Z0-9 -]{4,}[A-Z0-9])\s*$", mailoutbox[-1].body, re.MULTILINE)
    page.locator("input[autocomplete=one-time-code]").fill(f" {code[1]} ")
    page.locator("main form button[type=submit]").first.click()
    page.wait_for_url("**/member/**")


def enrolled() -> int:
    return Enrollment.objects.filter(state="enrolled").count()


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
def test_she_reads_enrolls_pays_signs_in_and_sees_her_dates_and_lessons(
    shop, open_page, mailoutbox, viewport, script
):
    page = open_page(viewport=viewport, java_script_enabled=script)
    listener = Listener(page)
    page.goto(shop + WORKSHOP)
    page.get_by_role("link", name="Start enrolling").first.click()
    fill_in(page)
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("Saturday course").first).to_be_visible()
    expect(page.get_by_text("$600").first).to_be_visible()
    pay(page)
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, mailoutbox)

    expect(page.get_by_role("heading", name="Hello, Ann")).to_be_visible()
    expect(page.get_by_role("heading", name="Saturday course, Next quarter")).to_be_visible()
    expect(page.get_by_role("heading", name="Video course")).to_be_visible()
    assert [letter.subject for letter in mailoutbox] == ["Your receipt", "Your code"]
    assert (enrolled(), BundleAccess.objects.count()) == (1, 1)
    assert leak_words_in(page.title()) == []
    assert listener.complaints == []


def test_he_buys_the_bundle_alone_and_never_sees_a_group(shop, open_page, mailoutbox):
    page = open_page()
    page.goto(shop + "/programs/am-i/")
    page.locator("main").get_by_role("link", name=re.compile("^Buy|^Get|^Start")).first.click()
    fill_in(page, "sam@example.org")
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("$297").first).to_be_visible()
    pay(page)
    page.wait_for_url("**/orders/**")
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, mailoutbox, "sam@example.org")

    expect(page.get_by_text("56 lessons").first).to_be_visible()
    assert "Saturday" not in page.content()
    page.get_by_role("link", name="Show the lesson titles").click()
    expect(page.get_by_text("Gaslighting")).to_be_visible()
    assert leak_words_in(page.title()) == []
    assert (enrolled(), BundleAccess.objects.count()) == (0, 1)


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
def test_she_types_a_code_sees_its_price_and_pays_that(shop, open_page, mailoutbox, script):
    make_code()
    page = open_page(java_script_enabled=script)
    page.goto(f"{shop}/enroll/next/")
    fill_in(page)
    page.get_by_text("I have a code").click()
    page.get_by_label("Your code").fill("quiet 25")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("you pay $450 instead of $600")).to_be_visible()
    before = Order.objects.count()

    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("$450").first).to_be_visible()
    pay(page)
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert (before, enrolled()) == (0, 1)


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
def test_she_pays_in_another_browser_and_is_told_what_to_do(shop, open_page, mailoutbox, viewport):
    in_the_app = open_page()
    to_payment(in_the_app, f"{shop}/enroll/next/")
    elsewhere = open_page(viewport=viewport)
    listener = Listener(elsewhere)
    elsewhere.goto(in_the_app.url)

    pay(elsewhere)
    elsewhere.wait_for_url("**/orders/**")

    expect(elsewhere.get_by_role("heading", name="Thank you.")).to_be_visible()
    expect(elsewhere.get_by_text("A letter tells you how to go on.")).to_be_visible()
    assert "Ann" not in elsewhere.content()
    assert "ann@example.org" not in elsewhere.content()
    assert Axe().run(elsewhere).response["violations"] == []
    elsewhere.get_by_role("link", name="Sign in").click()
    assert elsewhere.evaluate("document.referrer") == ""
    sign_in(elsewhere, mailoutbox)
    expect(elsewhere.get_by_role("heading", name="Hello, Ann")).to_be_visible()
    assert listener.complaints == []


def test_a_code_worth_everything_asks_for_no_card(shop, open_page, mailoutbox):
    make_code(percent_off=100)
    page = open_page()
    page.goto(f"{shop}/enroll/next/")
    fill_in(page)
    page.get_by_text("I have a code").click()
    page.get_by_label("Your code").fill("QUIET25")
    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("there is nothing to pay, and no card is needed.")).to_be_visible()

    visited = []
    page.on("framenavigated", lambda frame: visited.append(frame.url))
    page.get_by_role("button", name="Continue, nothing to pay").click()
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    expect(page.get_by_text("A letter tells you how to go on.")).to_be_visible()
    assert [url for url in visited if not url.startswith(shop)] == []
    assert (enrolled(), [letter.subject for letter in mailoutbox]) == (1, ["Your receipt"])


def test_after_paying_back_and_continue_leads_to_what_she_has(shop, open_page, mailoutbox):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    pay(page)
    page.wait_for_url("**/orders/**")
    order_page = page.url.partition("?")[0]
    while "/enroll/" not in page.url:
        page.go_back()

    fill_in(page)
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/orders/**")

    assert page.url == order_page
    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert (Order.objects.count(), Enrollment.objects.count()) == (1, 1)


def test_she_goes_back_adds_the_bundle_and_pays_for_both(shop, open_page, mailoutbox):
    Quarter.objects.get().bundles.clear()
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    page.get_by_role("link", name=re.compile("Back")).click()
    page.get_by_role("link", name="Change something first").click()
    page.get_by_label("Video course, for $297").check()

    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("$897").first).to_be_visible()
    pay(page)
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert (Order.objects.count(), enrolled(), BundleAccess.objects.count()) == (1, 1, 1)


def test_she_pays_month_by_month(shop, open_page, mailoutbox):
    Quarter.objects.update(instalment_count=3, instalment_cents=21_000)
    page = open_page()
    page.goto(f"{shop}/enroll/next/")
    fill_in(page)
    page.get_by_label("3 monthly payments of $210 ($630 in all)").check()

    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    expect(page.get_by_text("$210").first).to_be_visible()
    pay(page)
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert enrolled() == 1


@pytest.mark.parametrize("script", [True, False], ids=["with scripts", "without scripts"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
def test_the_amounts_follow_the_way_to_pay_at_once(shop, open_page, viewport, script):
    Quarter.objects.update(instalment_count=3, instalment_cents=21_000)
    page = open_page(viewport=viewport, java_script_enabled=script)
    listener = Listener(page)
    page.goto(f"{shop}/enroll/next/")
    summary = page.get_by_role("complementary", name="What you are paying for")

    def shown() -> tuple[list[str | None], list[str]]:
        ways = [way for way in summary.locator("[data-way]").all() if way.is_visible()]
        return (
            [way.get_attribute("data-way") for way in ways],
            re.findall(r"\$\d+", summary.inner_text()),
        )

    before = shown()
    asked = len(listener.requests)
    page.get_by_label("3 monthly payments of $210 ($630 in all)").check()
    monthly = shown()
    page.get_by_label("Pay $600 now").check()

    assert before == (["at_once"], ["$600"])
    assert monthly == (["monthly"], ["$630", "$210", "$210", "$630"])
    assert shown() == before
    assert (len(listener.requests), listener.complaints) == (asked, [])


def test_her_own_hour_stands_beside_every_moment(shop, open_page, mailoutbox):
    page = open_page(timezone_id="Pacific/Kiritimati")
    to_payment(page, f"{shop}/enroll/next/")
    page.get_by_role("link", name=re.compile("Back")).click()
    hers = page.locator(".local-time")
    expect(hers).to_contain_text("(Kiritimati)")
    notes = page.locator(".dates__note").count()
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")
    pay(page)
    page.wait_for_url("**/orders/**")
    order_page = page.url.partition("?")[0]
    page.get_by_role("link", name="Sign in").click()
    sign_in(page, mailoutbox)

    page.goto(order_page)

    expect(hers).to_contain_text("For you: Sunday, ")
    assert (notes, page.locator(".dates__note").count()) == (0, 0)


def test_over_the_limit_the_page_says_so_kindly(shop, open_page, settings):
    settings.ORDER_LIMITS = "address=1/h"
    to_payment(open_page(), f"{shop}/enroll/next/")
    page = open_page()
    page.goto(f"{shop}/enroll/next/")
    fill_in(page, "rose@example.org")

    page.get_by_role("button", name="Continue to payment").click()

    expect(page.get_by_text("That is more tries than usual from here.")).to_be_visible()
    expect(page.get_by_label("Email")).to_have_value("rose@example.org")
    assert Order.objects.count() == 1


def test_a_declined_card_can_be_tried_again_on_the_same_page(shop, open_page, mailoutbox):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")

    pay(page, "4000 0000 0000 0002")
    expect(page.get_by_text("Your card was declined.").first).to_be_visible()
    declined = enrolled()
    pay(page)
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert (declined, enrolled(), len(mailoutbox)) == (0, 1, 1)


def test_coming_back_keeps_the_seat_and_going_on_leads_to_the_same_page(shop, open_page):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    payment_page = page.url

    page.get_by_role("link", name=re.compile("Back")).click()
    expect(page.get_by_role("heading", name="Your place is held")).to_be_visible()
    page.get_by_role("button", name="Continue to payment").click()
    page.wait_for_url("**/c/pay/**")

    assert page.url == payment_page
    assert Enrollment.objects.filter(state="held").count() == 1


def test_she_can_give_her_place_back(shop, open_page):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    page.get_by_role("link", name=re.compile("Back")).click()

    page.get_by_role("button", name="Give my place back").click()

    expect(page.get_by_role("heading", name="You gave your place back")).to_be_visible()
    assert Enrollment.objects.get().state == "released"


def test_clicking_twice_is_one_order(shop, open_page):
    page = open_page()
    page.goto(f"{shop}/enroll/next/")
    fill_in(page)

    page.get_by_role("button", name="Continue to payment").dblclick()
    page.wait_for_url("**/c/pay/**")

    assert Enrollment.objects.filter(state="held").count() == 1
    assert Order.objects.count() == 1


def test_what_was_typed_survives_a_mistake(shop, open_page):
    page = open_page()
    page.goto(f"{shop}/enroll/next/")
    page.get_by_label("What may we call you?").fill("Ann")
    page.get_by_label("Email").fill("ann at example.org")

    page.get_by_role("button", name="Continue to payment").click()

    expect(page.get_by_role("alert")).to_contain_text("Enter an email address")
    expect(page.get_by_label("What may we call you?")).to_have_value("Ann")
    expect(page.get_by_label("Email")).to_have_value("ann at example.org")
    assert Order.objects.count() == 0


def test_the_webhook_may_come_before_the_return(shop, standin, open_page, mailoutbox):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")

    landing = standin.pay(page.url)
    standin.wait_for_delivery("checkout.session.completed")
    before = enrolled()
    page.goto(landing)

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert (before, enrolled(), len(mailoutbox)) == (1, 1, 1)


def test_the_webhook_may_come_after_the_return_and_twice(shop, standin, open_page, mailoutbox):
    standin.hold_webhooks()
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    pay(page)
    page.wait_for_url("**/orders/**")
    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()

    standin.release_webhooks()
    standin.wait_idle()
    event = standin.events("checkout.session.completed")[0]
    statuses = standin.deliver(event["id"], times=2)

    assert statuses == [200, 200]
    assert (enrolled(), len(mailoutbox)) == (1, 1)


def test_the_webhook_may_never_come(shop, standin, open_page, mailoutbox):
    standin.drop_webhooks()
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")

    pay(page)
    page.wait_for_url("**/orders/**")

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert (enrolled(), len(mailoutbox)) == (1, 1)


def test_closing_the_window_after_paying_still_enrolls(shop, standin, open_page, mailoutbox):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")

    standin.pay(page.url)
    standin.wait_for_delivery("checkout.session.completed")

    assert (enrolled(), [letter.subject for letter in mailoutbox]) == (1, ["Your receipt"])


def test_a_bank_debit_says_that_it_takes_days_and_tells_her_when_it_came(
    shop, standin, open_page, mailoutbox
):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    landing = standin.pay_by_bank(page.url)
    page.goto(landing)
    expect(page.get_by_role("heading", name="Your payment is on its way")).to_be_visible()
    session_id = Order.objects.get().attempts.get().session_id

    standin.settle(session_id)
    standin.wait_for_delivery("checkout.session.async_payment_succeeded")
    page.reload()

    expect(page.get_by_role("heading", name="Thank you, Ann.")).to_be_visible()
    assert [letter.subject for letter in mailoutbox] == ["We have your order", "Your receipt"]


def test_a_payment_page_that_ran_out_frees_the_seat_and_says_so(shop, standin, open_page):
    page = open_page()
    to_payment(page, f"{shop}/enroll/next/")
    page.get_by_role("link", name=re.compile("Back")).click()

    standin.advance(36 * 60)
    standin.wait_for_delivery("checkout.session.expired")
    page.reload()

    expect(page.get_by_role("heading", name="The time for paying ran out")).to_be_visible()
    assert Enrollment.objects.get().state == "released"


def test_when_stripe_is_down_she_is_told_and_trying_again_works(shop, standin, open_page):
    standin.fault("500", path="POST /v1/checkout/sessions$", count=2)
    page = open_page()
    page.goto(f"{shop}/enroll/next/")
    fill_in(page)

    page.get_by_role("button", name="Continue to payment").click()
    expect(page.get_by_text("We could not reach the payment company")).to_be_visible()
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url("**/c/pay/**")

    assert Order.objects.count() == 1


@pytest.mark.parametrize("width", [320, 360, 768, 1280])
def test_every_private_page_passes_axe_and_fits(shop, open_page, mailoutbox, width):
    page = open_page(viewport={"width": width, "height": 800})
    found = {}

    def look(name: str) -> None:
        found[name] = (
            Axe().run(page).violations_count,
            page.evaluate("document.documentElement.scrollWidth") <= width,
        )

    make_code()
    quarter = Quarter.objects.get()
    quarter.bundles.clear()
    Quarter.objects.update(instalment_count=3, instalment_cents=21_000)
    page.goto(f"{shop}/enroll/next/")
    look("enroll")
    page.get_by_text("I have a code").click()
    page.get_by_label("Your code").fill("WRONG")
    follow(page.get_by_role("button", name="Continue to payment"))
    look("enroll with errors")
    fill_in(page)
    page.get_by_label("Video course, for $297").check()
    page.get_by_label("Your code").fill("QUIET25")
    follow(page.get_by_role("button", name="Continue to payment"))
    look("enroll with a code")
    follow(page.get_by_role("button", name="Continue to payment"))
    follow(page.get_by_role("link", name=re.compile("Back")))
    look("waiting with two things and a code")
    follow(page.get_by_role("button", name="Give my place back"))
    quarter.bundles.add(bundle())
    page.goto(f"{shop}/buy/{bundle().slug}/")
    look("buy")
    to_payment(page, f"{shop}/enroll/next/")
    follow(page.get_by_role("link", name=re.compile("Back")))
    look("waiting")
    follow(page.get_by_role("button", name="Continue to payment"))
    pay(page)
    page.wait_for_url("**/orders/**")
    look("paid")
    follow(page.get_by_role("link", name="Sign in"))
    look("sign in")
    sign_in(page, mailoutbox)
    page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
    look("today")
    follow(page.get_by_role("link", name="Show the lesson titles"))
    look("lessons")

    assert found == dict.fromkeys(found, (0, True))
