"""What an editor sees beside her form: the page itself, and what is wrong with it."""

from __future__ import annotations

import re

import pytest
from django.conf import settings
from django.test import Client
from playwright.sync_api import Page, expect
from wagtail.blocks import Block
from wagtail.models import get_page_models

from accounts.models import User
from core.models import SitePage
from programs.models import FAQItem
from tests.factories.pages import make_standard_page, make_testimonial

pytestmark = pytest.mark.browser

WAIT = 60_000
# Courses and lessons have no page of their own to show.
KINDS = [kind for kind in get_page_models() if issubclass(kind, SitePage)]
PREVIEWED = [kind for kind in KINDS if kind.preview_modes]
OURS = ("core.", "home.", "programs.")


@pytest.fixture
def editor(browser, site) -> Page:
    """A page of a browser in which the practice's owner is signed in, with the preview open."""
    client = Client()
    client.force_login(User.objects.create_superuser("staff@example.org"))
    context = browser.new_context(viewport={"width": 1400, "height": 900})
    session = client.cookies[settings.SESSION_COOKIE_NAME].value
    context.add_cookies([{"name": settings.SESSION_COOKIE_NAME, "value": session, "url": site}])
    page = context.new_page()
    page.set_default_timeout(WAIT)
    yield page
    context.close()


def shown_title(page: Page, address: str) -> str:
    """The heading of what the preview shows beside the form at ``address``."""
    page.goto(address, wait_until="domcontentloaded")
    toggle = page.get_by_role("button", name="Toggle preview")
    if toggle.get_attribute("aria-expanded") != "true":
        toggle.click()
    heading = page.frame_locator("#w-preview-iframe").locator("h1")
    heading.wait_for()
    return " ".join(heading.inner_text().split())


def checked(page: Page) -> tuple[int, int]:
    """How many words and how many issues the checks panel has counted."""
    page.get_by_role("button", name="Toggle checks").click()
    words = page.locator("[data-content-word-count]")
    expect(words).to_have_text(re.compile(r"^\d+$"), timeout=WAIT)
    count = page.locator("[data-content-checker-count]").last.inner_text()
    return int(words.inner_text()), int(count)


def test_every_type_of_page_and_the_questions_are_shown_beside_their_form(editor, site):
    make_testimonial()
    forms = {
        kind.__name__: f"/staff/pages/{kind.objects.order_by('path').first().pk}/edit/"
        for kind in PREVIEWED
    }
    question = FAQItem.objects.order_by("pk").first()
    forms["FAQItem"] = f"/staff/snippets/programs/faqitem/edit/{question.pk}/"

    titles = {name: shown_title(editor, site + address) for name, address in forms.items()}

    assert [name for name, title in titles.items() if not title] == []
    assert titles["StandardPage"] == "Safety"
    assert titles["FAQItem"] == "Questions"


def test_a_sound_page_has_words_and_no_issue_and_a_planted_fault_is_found(editor, site):
    sound = make_standard_page(title="Sound", body=[("text", "<h2>First</h2><p>Two words.</p>")])
    faulty = make_standard_page(title="Faulty", body=[("text", "<h4>Too deep</h4><p>Two.</p>")])

    shown_title(editor, f"{site}/staff/pages/{sound.pk}/edit/")
    words, issues = checked(editor)
    shown_title(editor, f"{site}/staff/pages/{faulty.pk}/edit/")
    _, found = checked(editor)

    assert words >= 4
    assert (issues, found) == (0, 1)
    assert "heading" in editor.locator("[data-checks-panel]").inner_text().lower()


def test_every_block_shows_what_it_will_look_like(editor, site):
    editor.goto(f"{site}/staff/")
    shown = {}
    ours = {
        name: block
        for name, block in Block.definition_registry.items()
        if type(block).__module__.startswith(OURS) and block.is_previewable
    }
    for name, block in ours.items():
        editor.set_content(f'<iframe src="{site}/staff/block-preview/?id={name}"></iframe>')
        body = editor.frame_locator("iframe").locator("main")
        body.wait_for(state="attached")
        shown[type(block).__name__, name] = body.inner_html().strip()

    assert len(shown) > 10
    assert [name for name, html in shown.items() if not html] == []
