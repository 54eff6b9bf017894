"""Signing in by code, as somebody with a telephone or a desk does it."""

from __future__ import annotations

import re

import pytest
from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Page, expect

from accounts.models import User
from tests.browser.conftest import Listener

pytestmark = pytest.mark.browser

TRIES_LEFT = re.compile("You have 4 tries left")
SIZES = [
    pytest.param({"width": 360, "height": 740}, id="360"),
    pytest.param({"width": 1280, "height": 800}, id="1280"),
]


@pytest.fixture
def ann(site) -> User:
    return User.objects.create_user("ann@example.org", chosen_name="Ann")


@pytest.fixture
def code(mailoutbox):
    """The code in the last letter: ``code()``."""
    return lambda: re.search(r"^\d{4} \d{4}$", mailoutbox[-1].body, re.MULTILINE).group()


def ask(page: Page) -> None:
    page.get_by_label("Email address").fill("ann@example.org")
    page.get_by_role("button", name="Send me a code").click()


def paste(page: Page, text: str) -> None:
    """Puts ``text`` into the field as a paste does, in one piece."""
    page.get_by_label("Your code").focus()
    page.keyboard.insert_text(text)


def faults(page: Page) -> str:
    found = Axe().run(page)
    return found.generate_report() if found.violations_count else ""


@pytest.mark.parametrize("viewport", SIZES)
def test_she_signs_in_by_pasting_the_code(visit, ann, code, viewport):
    page = visit("/account/login/", viewport=viewport)
    ask(page)
    paste(page, f" {code()} ")
    page.get_by_role("button", name="Sign in").click()

    expect(page).to_have_url(re.compile(r"/member/$"))


@pytest.mark.parametrize("viewport", SIZES)
def test_a_wrong_code_leads_to_the_field_and_a_new_code_works(visit, ann, code, viewport):
    page = visit("/account/login/", viewport=viewport)
    ask(page)
    old = code()
    paste(page, "0000-0000" if old != "0000 0000" else "1111-1111")
    page.get_by_role("button", name="Sign in").click()

    expect(page.get_by_label("Your code")).to_be_focused()
    expect(page.get_by_label("Your code")).to_have_accessible_description(TRIES_LEFT)
    expect(page.get_by_label("Your code")).to_have_value("")
    expect(page.get_by_text("ann@example.org")).to_be_visible()

    page.get_by_role("button", name="Send a new code").click()
    paste(page, old)
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_label("Your code")).to_have_accessible_description(TRIES_LEFT)

    paste(page, code())
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/member/$"))


def test_on_a_shared_device_nothing_outlives_the_browser(visit, ann, code):
    page = visit("/account/login/")
    page.get_by_label("This is a shared or watched device").check()
    ask(page)
    paste(page, code())
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/member/$"))

    session = next(c for c in page.context.cookies() if c["name"] == "sessionid")
    assert (session["expires"], session["httpOnly"]) == (-1, True)


def test_she_can_correct_her_address(visit, ann):
    page = visit("/account/login/")
    ask(page)
    page.get_by_role("link", name="Use another email address").click()

    expect(page.get_by_label("Email address")).to_have_value("ann@example.org")


def test_it_works_without_scripts_and_by_keyboard_alone(visit, ann, code):
    page = visit("/account/login/", java_script_enabled=False)
    page.get_by_label("Email address").focus()
    page.keyboard.type("ann@example.org")
    page.keyboard.press("Enter")
    page.get_by_label("Your code").focus()
    page.keyboard.type(code())
    page.keyboard.press("Enter")

    expect(page).to_have_url(re.compile(r"/member/$"))


def test_after_signing_out_the_back_button_shows_nothing_of_hers(visit, ann, code):
    page = visit("/account/login/")
    ask(page)
    paste(page, code())
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(re.compile(r"/member/$"))

    page.goto(page.url.replace("/member/", "/account/logout/"))
    page.get_by_role("button", name="Sign out").click()
    expect(page.get_by_role("heading", name="You are signed out")).to_be_visible()
    page.go_back()
    page.go_back()

    expect(page).to_have_url(re.compile(r"/account/login/"))


@pytest.mark.parametrize("viewport", SIZES)
def test_every_page_of_signing_in_passes_axe_and_fits(visit, ann, code, viewport):
    page = visit("/account/login/", viewport=viewport)
    listener = Listener(page)
    found = {}

    def look(name: str) -> None:
        found[name] = faults(page)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= viewport["width"], name

    look("ask")
    page.get_by_role("button", name="Send me a code").click()
    look("ask, empty")
    ask(page)
    look("type")
    for number in range(5):
        page.get_by_label("Your code").fill("00000000" if code() != "0000 0000" else "11111111")
        page.get_by_role("button", name="Sign in").click()
        look(f"wrong {number}")
    page.goto(page.url.replace("login/code/", "logout/"))
    look("sign out")
    page.get_by_role("button", name="Sign out").click()
    look("signed out")

    assert {name: fault for name, fault in found.items() if fault} == {}
    assert listener.complaints == []
