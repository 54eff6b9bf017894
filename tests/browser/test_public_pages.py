"""The public pages as a visitor's browser shows them: on three widths, with and without scripts."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe

from tests.browser.conftest import Listener
from tests.reading import ADDRESSES

pytestmark = pytest.mark.browser

WORKSHOP = "/programs/facing-heartbreak/"
DATES = "#dates time[data-local]"
LOCAL_TIMES = "#dates .local-time"
FIRST_SCREEN = {"width": 320, "height": 568}


@pytest.mark.parametrize("width", [360, 768, 1280])
def test_every_page_passes_axe(browser, site, width):
    page = browser.new_page(viewport={"width": width, "height": 800})
    violations = {}

    for address in ADDRESSES:
        page.goto(site + address)
        found = Axe().run(page)
        if found.violations_count:
            violations[address] = found.generate_report()
    page.close()

    assert violations == {}


def test_no_page_scrolls_sideways_at_320_pixels(browser, site):
    page = browser.new_page(viewport=FIRST_SCREEN)
    too_wide = {}

    for address in ADDRESSES:
        page.goto(site + address)
        page.evaluate("document.querySelectorAll('details').forEach(item => { item.open = true })")
        width = page.evaluate("document.documentElement.scrollWidth")
        if width > FIRST_SCREEN["width"]:
            too_wide[address] = width
    page.close()

    assert too_wide == {}


def test_no_page_calls_a_third_party_sets_a_cookie_or_complains(browser, site):
    context = browser.new_context()
    page = context.new_page()
    listener = Listener(page)

    for address in ADDRESSES:
        page.goto(site + address, wait_until="networkidle")
    elsewhere = [url for url in listener.requests if not url.startswith((site, "data:"))]
    cookies = context.cookies()
    context.close()

    assert (elsewhere, cookies, listener.complaints) == ([], [], [])


def test_the_workshop_page_weighs_less_than_200_kilobytes(browser, site):
    context = browser.new_context(viewport={"width": 360, "height": 800})
    page = context.new_page()
    sizes = []
    page.on("requestfinished", lambda request: sizes.append(len(request.response().body())))

    page.goto(site + WORKSHOP, wait_until="networkidle")
    context.close()

    assert sum(sizes) < 200_000


def test_the_leave_button_is_in_sight_at_once_on_the_smallest_phone(browser, site):
    page = browser.new_page(viewport=FIRST_SCREEN)
    hidden = {}

    for address in ADDRESSES:
        page.goto(site + address)
        button = page.locator("header .leave-button")
        before = button.bounding_box()
        page.evaluate("window.scrollTo(0, document.body.scrollHeight)")
        after = button.bounding_box()
        boxes = [before, after]
        if not all(box and box["y"] >= 0 and box["y"] + box["height"] <= 568 for box in boxes):
            hidden[address] = boxes
    page.close()

    assert hidden == {}


def test_price_and_next_date_are_one_tap_away_without_scripts(visit):
    page = visit(WORKSHOP, viewport=FIRST_SCREEN, java_script_enabled=False)

    facts = page.locator(".facts-bar")
    text = " ".join(facts.inner_text().split())
    page.get_by_role("link", name="$600").click()

    assert "Saturday, January 9, 2027, 10:00 am Eastern" in text
    assert page.url.endswith("#price")
    assert page.locator("#price").get_by_text("$600").is_visible()


def test_all_weeks_can_be_read_without_scripts(visit):
    page = visit(WORKSHOP, java_script_enabled=False)

    weeks = page.locator("#weeks-list > li")
    page.locator("#week-12 summary").click()

    assert weeks.count() == 12
    assert page.locator("#week-1 details").get_attribute("open") is not None
    assert page.locator("#week-12 .accordion__body").is_visible()


def test_open_all_opens_every_week_and_closes_them_again(visit):
    page = visit(WORKSHOP)
    button = page.locator("#weeks [data-open-all]")

    button.click()
    opened = page.locator("#weeks-list details[open]").count()
    button.click()

    assert opened == 12
    assert page.locator("#weeks-list details[open]").count() == 0


def test_a_link_to_one_question_opens_it(visit):
    page = visit("/faq/#worth-it")

    assert page.locator("#worth-it .accordion__body").is_visible()
    assert page.locator(".accordion details[open], details.accordion__item[open]").count() == 1


def test_a_link_to_all_questions_opens_none(visit):
    page = visit(f"{WORKSHOP}#questions")

    assert page.locator("#questions details[open]").count() == 0


def test_every_week_is_open_on_paper(visit):
    page = visit(WORKSHOP, java_script_enabled=False)

    page.emulate_media(media="print")
    shown = page.locator("#weeks-list .accordion__body").evaluate_all(
        "bodies => bodies.map(body => body.checkVisibility({contentVisibilityAuto: true}))"
    )

    assert shown == [True] * 12


def test_eastern_time_is_printed_by_the_server(visit):
    page = visit(WORKSHOP, java_script_enabled=False, timezone_id="Australia/Sydney")

    times = page.locator(DATES).all_inner_texts()

    assert len(times) == 12
    assert times[0].replace("\xa0", " ") == "Saturday, January 9, 2027, 10:00 am"
    assert times[11].replace("\xa0", " ") == "Saturday, March 27, 10:00 am"
    assert page.locator(LOCAL_TIMES).count() == 0


def test_london_sees_three_until_new_york_changes_its_clocks_then_two(visit):
    page = visit(WORKSHOP, timezone_id="Europe/London")

    local = page.locator(LOCAL_TIMES).all_inner_texts()
    note = page.locator("#dates li").nth(10).locator(".dates__note").inner_text()

    assert local == ["For you: 3:00 pm (London)"] * 10 + ["For you: 2:00 pm (London)"] * 2
    assert note == (
        "From here it is 1 hour earlier for you: clocks have changed in New York, not in London."
    )
    assert page.locator("#dates .dates__note").count() == 1


def test_phoenix_sees_eight_then_seven(visit):
    page = visit(WORKSHOP, timezone_id="America/Phoenix")

    local = page.locator(LOCAL_TIMES).all_inner_texts()

    assert local == ["For you: 8:00 am (Phoenix)"] * 10 + ["For you: 7:00 am (Phoenix)"] * 2


def test_sydney_is_told_that_it_is_a_sunday(visit):
    page = visit(WORKSHOP, timezone_id="Australia/Sydney")

    local = page.locator(LOCAL_TIMES).all_inner_texts()
    first_note = page.locator("#dates li").first.locator(".dates__note").inner_text()

    assert local[0] == "For you: Sunday, January 10, 2:00 am (Sydney)"
    assert local[11] == "For you: Sunday, March 28, 1:00 am (Sydney)"
    assert first_note == "That is a Sunday for you."


def test_new_york_is_told_that_its_clock_shows_the_same(visit):
    page = visit(WORKSHOP, timezone_id="America/New_York")

    assert page.locator(LOCAL_TIMES).count() == 0
    assert page.locator("#dates [data-zone-status]").inner_text() == (
        "Your clock in New York shows the same times."
    )


def test_a_zone_she_picks_is_kept_for_the_tab(visit):
    page = visit(WORKSHOP, timezone_id="Europe/London")

    page.locator("#dates-zone").select_option("America/Los_Angeles")
    at_once = page.locator(LOCAL_TIMES).first.inner_text()
    page.goto(page.url.replace(WORKSHOP, "/"))

    assert at_once == "For you: 7:00 am (Los Angeles)"
    assert page.locator(".local-time").first.inner_text() == "For you: 7:00 am (Los Angeles)"


def test_the_line_about_leaving_stays_closed_in_the_tab(visit):
    page = visit("/faq/")

    page.get_by_role("button", name="Close this line").click()
    page.goto(page.url.replace("/faq/", "/team/"))

    assert page.locator("#leave-note").is_hidden()


def test_leaving_replaces_the_page_so_that_back_does_not_return_to_it(visit):
    page = visit("/faq/")
    page.route("**/leave/", lambda route: route.fulfill(body="Rain later", status=200))
    workshop = page.url.replace("/faq/", WORKSHOP)
    page.goto(workshop)

    page.locator("header .leave-button").click()
    page.wait_for_url("**/leave/")
    page.go_back()

    assert page.url.endswith("/faq/")


def test_three_presses_of_shift_leave(visit):
    page = visit(WORKSHOP)
    page.route("**/leave/", lambda route: route.fulfill(body="Rain later", status=200))

    for _ in range(3):
        page.keyboard.press("Shift")
    page.wait_for_url("**/leave/")

    assert page.locator("body").inner_text() == "Rain later"


def test_capital_letters_do_not_leave(visit):
    page = visit(WORKSHOP)

    for letter in "ABC":
        page.keyboard.press(f"Shift+{letter}")

    assert page.url.endswith(WORKSHOP)
    assert page.locator("html.is-leaving").count() == 0


def test_the_second_stop_of_the_tab_key_leaves(visit):
    page = visit(WORKSHOP)

    page.keyboard.press("Tab")
    first = page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Tab")
    second = page.evaluate("document.activeElement.getAttribute('href')")

    assert (first, second) == ("Skip to the main content", "/leave/")


def test_the_second_door_leads_to_the_videos_in_one_tap(visit):
    page = visit("/", viewport=FIRST_SCREEN)

    page.get_by_role("link", name="worried about myself or someone I love").click()
    page.wait_for_url("**/programs/am-i/")
    text = page.locator("main").inner_text().lower()

    assert "heartbreak" not in text
    assert "your partner" not in text
    assert page.locator("main .crisis").is_visible()
