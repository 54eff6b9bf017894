"""While her group meets, a member's page says so first, also on the clocks where she is."""

from __future__ import annotations

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings
from django.test import Client

from tests.calendar import THE_DAY
from tests.factories.enrollments import make_member, make_place, make_quarter

pytestmark = pytest.mark.browser


@pytest.fixture
def signed_in(site):
    """The cookies of a member whose first meeting has just begun, beside a later group of hers."""
    ann = make_member()
    make_place(make_quarter(label="Spring 2027"), ann)
    quarter = make_quarter(label="Autumn 2026")
    quarter.meetings.filter(number=1).update(starts_at=THE_DAY)
    make_place(quarter, ann)
    client = Client()
    client.force_login(ann)
    name = settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": site}
    return {"cookies": [cookie], "origins": []}


@pytest.mark.parametrize("width", [360, 1280])
def test_the_meeting_that_runs_comes_first(visit, signed_in, width):
    page = visit(
        "/member/",
        storage_state=signed_in,
        timezone_id="Europe/London",
        viewport={"width": width, "height": 800},
    )

    first = page.locator("main h2").first
    now = page.locator("main section").first.locator("p.lead")
    end = page.locator("main section").first.locator("p", has_text="It ends")

    assert first.inner_text() == "Saturday course, Autumn 2026"
    assert " ".join(now.inner_text().split()) == (
        "Now: week 1, since 10:00 am Eastern For you: 3:00 pm (London)"
    )
    assert " ".join(end.inner_text().split()) == (
        "It ends at 12:00 pm Eastern. For you: 5:00 pm (London)"
    )
    assert now.bounding_box()["y"] < 800
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert Axe().run(page).violations_count == 0


def test_the_list_of_zones_begins_with_those_of_the_united_states(visit):
    page = visit("/programs/facing-heartbreak/", timezone_id="Asia/Calcutta")

    groups = page.locator("#dates-zone optgroup")

    assert groups.first.get_attribute("label") == "United States"
    assert groups.first.locator("option").all_text_contents()[:2] == ["Eastern", "Central"]
    assert page.locator("#dates-zone").input_value() == "Asia/Kolkata"
    assert page.locator("#dates-zone option[value='Asia/Calcutta']").count() == 0
    assert page.locator("#dates-zone option[value='Europe/Kiev']").count() == 0
    assert page.locator("#dates-zone option[value='Europe/Kyiv']").count() == 1
