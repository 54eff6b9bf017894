"""Two people edit one page, or one question: the second is told, and keeps her own words."""

import pytest
from django.urls import reverse

from core.two_editors import THEIRS_STAYS, TOLD
from home.models import StandardPage
from programs.models import FAQItem, WorkshopPage
from tests.factories.pages import make_faq_item, make_standard_page, make_workshop
from tests.sent_forms import opened_editor

pytestmark = pytest.mark.django_db


def editor_of(page) -> str:
    """Where a page is edited."""
    return reverse("wagtailadmin_pages:edit", args=[page.pk])


def make_rules() -> StandardPage:
    """A plain page with a history."""
    page = make_standard_page(title="Rules", lead="Old lead.")
    page.save_revision().publish()
    return page


def told(response) -> list[tuple[str, str, str]]:
    """What the second editor reads."""
    assert "What differs" in response.content.decode()
    return [(d.label, d.saved, d.yours) for d in response.context["differences"]]


def test_the_second_editor_of_a_page_is_told_and_keeps_both(loaded_site, staff_client):
    page = make_rules()
    url = editor_of(page)
    opened = opened_editor(staff_client, url)
    staff_client.post(url, opened | {"lead": "Their lead.", "title": "House rules"})
    theirs = StandardPage.objects.get(pk=page.pk).latest_revision_id

    told_first = staff_client.post(url, opened | {"lead": "My lead.", "action-publish": "1"})
    between = StandardPage.objects.get(pk=page.pk).latest_revision_id
    staff_client.post(url, opened_editor(told_first) | {"action-publish": "1"})

    fresh = StandardPage.objects.get(pk=page.pk)
    assert told(told_first) == [
        ("Title", "House rules", THEIRS_STAYS),
        ("Lead", "Their lead.", "My lead."),
    ]
    assert TOLD in told_first.content.decode()
    assert "css/admin.css" in told_first.content.decode()
    assert between == theirs
    assert (fresh.title, fresh.lead) == ("House rules", "My lead.")


def test_picks_that_somebody_else_changed_stay(loaded_site, staff_client):
    page = make_workshop(audience="For one.")
    page.faq_picks.add(page.faq_picks.model(faq_item=make_faq_item(), sort_order=1))
    page.save()
    page.save_revision().publish()
    url = editor_of(page)
    opened = opened_editor(staff_client, url)
    extra = make_faq_item(question="Is it dark?")
    page.faq_picks.add(page.faq_picks.model(faq_item=extra, sort_order=99))
    page.save_revision().publish()

    told_first = staff_client.post(url, opened | {"audience": "For everybody."})
    staff_client.post(url, opened_editor(told_first) | {"action-publish": "1"})

    fresh = WorkshopPage.objects.get(pk=page.pk)
    assert "Is it dark?" in told(told_first)[0][1]
    assert fresh.audience == "For everybody."
    assert extra in fresh.faqs()


def test_a_mistake_of_the_second_editor_is_said_and_she_is_told_later(loaded_site, staff_client):
    page = make_rules()
    url = editor_of(page)
    opened = opened_editor(staff_client, url)
    staff_client.post(url, opened | {"lead": "Their lead."})

    refused = staff_client.post(url, opened | {"title": "", "lead": "Mine", "action-publish": "1"})
    told_then = staff_client.post(
        url, opened_editor(refused) | {"title": "Rules 2", "action-publish": "1"}
    )

    assert refused.context["form"].errors
    assert told(told_then) == [("Lead", "Their lead.", "Mine")]


def test_an_editor_alone_is_told_nothing(loaded_site, staff_client):
    page = make_rules()
    url = editor_of(page)
    staff_client.post(url, opened_editor(staff_client, url) | {"lead": "First."})

    answer = staff_client.post(url, opened_editor(staff_client, url) | {"lead": "Second."})

    assert answer.status_code == 302


def test_the_second_editor_of_a_question_is_told_and_keeps_both(loaded_site, staff_client):
    item = make_faq_item(question="Is it dark?")
    item.save_revision().publish()
    url = reverse("wagtailsnippets_programs_faqitem:edit", args=[item.pk])
    opened = opened_editor(staff_client, url)
    staff_client.post(url, opened | {"topic": "Rooms", "action-publish": "1"})

    told_first = staff_client.post(
        url, opened | {"question": "Is it bright?", "action-publish": "1"}
    )
    between = FAQItem.objects.get(pk=item.pk).question
    staff_client.post(url, opened_editor(told_first) | {"action-publish": "1"})

    fresh = FAQItem.objects.get(pk=item.pk)
    assert told(told_first) == [("Topic", "Rooms", THEIRS_STAYS)]
    assert between == "Is it dark?"
    assert (fresh.question, fresh.topic) == ("Is it bright?", "Rooms")
