"""A payment that does not go through, and how she puts it right, in a real browser."""

from __future__ import annotations

from datetime import timedelta

import pytest
from axe_playwright_python.sync_playwright import Axe
from django.conf import settings as site_settings
from django.test import Client
from django.utils import timezone
from playwright.sync_api import Page, expect

from core.discretion import leak_words_in
from enrollments.models import Quarter
from enrollments.operations import plans
from tests.browser.conftest import Listener
from tests.enrollments.plan_stage import MONTH, Plan, begin_plan
from tests.factories.enrollments import bundle, make_quarter
from tests.stripe_fixtures import *  # noqa: F403

pytestmark = pytest.mark.browser

PHONE = {"width": 360, "height": 740}
DESK = {"width": 1280, "height": 800}
AFTER_GRACE = timedelta(days=8)


@pytest.fixture
def site(standin, django_db_serialized_rollback, transactional_db, live_server) -> str:
    """The site, reached by Stripe's webhooks."""
    Quarter.objects.all().delete()
    standin.set_webhook(f"{live_server.url}/stripe/webhook/", "whsec_standin_development")
    return live_server.url


@pytest.fixture
def suspended(site, standin) -> Plan:
    """Ann's second of three payments of $210 did not come, and the days of grace are over."""
    first = timezone.now().date() + timedelta(days=40)
    quarter = make_quarter(
        label="Next quarter", first_date=first, instalment_count=3, instalment_cents=21_000
    )
    quarter.bundles.add(bundle())
    plan = begin_plan(standin, quarter)
    standin.break_card(plan.row.customer_id)
    standin.advance(days=MONTH)
    standin.wait_idle()
    plans.settle_plans(now=timezone.now() + AFTER_GRACE)
    return plan


@pytest.fixture
def ann_page(browser, site, suspended):
    """Windows of a browser in which Ann is signed in: ``ann_page(viewport=...)``."""
    client = Client()
    client.force_login(suspended.order.member)
    name = site_settings.SESSION_COOKIE_NAME
    cookie = {"name": name, "value": client.cookies[name].value, "url": site}
    contexts = []

    def opened(**options) -> Page:
        context = browser.new_context(**options)
        context.add_cookies([cookie])
        contexts.append(context)
        return context.new_page()

    yield opened
    for context in contexts:
        context.close()


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_she_gives_a_new_card_and_everything_opens_by_itself(
    site, standin, suspended, ann_page, scripts
):
    page = ann_page(viewport=PHONE, java_script_enabled=scripts)
    listener = Listener(page)
    page.goto(f"{site}/member/")
    expect(page.get_by_text("so it rests for now")).to_be_visible()
    expect(page.get_by_text("Next quarter")).to_have_count(0)

    page.get_by_role("button", name="Update how I pay").click()
    page.wait_for_url("**/p/session/**")
    page.get_by_label("Card number").fill("5555 5555 5555 4444")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_text("Your card was saved.")).to_be_visible()
    standin.wait_idle()
    page.get_by_role("link", name="Return").click()
    page.wait_for_url("**/orders/plan/**")

    expect(page.get_by_text("2 of 3 payments have arrived.")).to_be_visible()
    page.get_by_role("link", name="Today").click()
    expect(page.get_by_role("heading", name="Saturday course, Next quarter")).to_be_visible()
    expect(page.get_by_role("heading", name="Video course")).to_be_visible()
    assert suspended.row.state == "active"
    assert listener.complaints == []


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["360", "1280"])
def test_her_pages_read_well_to_everybody(site, suspended, ann_page, viewport):
    page = ann_page(viewport=viewport)

    for address in ("/member/", f"/orders/plan/{suspended.order.uuid}/"):
        page.goto(site + address)

        assert Axe().run(page).response["violations"] == []
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert leak_words_in(page.title()) == []
