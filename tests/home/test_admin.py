"""The admin: every form opens, and each group may do what is its own."""

import pytest
from django.contrib.auth.models import Group
from django.test import Client
from django.urls import reverse
from wagtail.models import Page, PageViewRestriction, get_page_models

from accounts.models import User
from core.models import PracticeSettings
from home.models import StandardPage
from programs.models import FAQItem

pytestmark = pytest.mark.django_db


def client_in(group: str) -> Client:
    """A browser in which somebody of ``group`` is signed in."""
    user = User.objects.create_user("colleague@example.org", is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    client = Client()
    client.force_login(user)
    return client


def page_fields(page):
    """What a browser would send for a plain page without blocks."""
    return {
        "title": page.title,
        "slug": page.slug,
        "lead": "Typed by an editor.",
        "body-count": 0,
        "comments-TOTAL_FORMS": 0,
        "comments-INITIAL_FORMS": 0,
    }


@pytest.mark.parametrize("model", [m for m in get_page_models() if m is not Page])
def test_the_form_of_every_page_type_opens(staff_client, model):
    page = model.objects.first()

    response = staff_client.get(reverse("wagtailadmin_pages:edit", args=[page.pk]))

    assert response.status_code == 200


@pytest.mark.parametrize(
    ("app", "name"), [("core", "practicesettings"), ("home", "navigationsettings")]
)
def test_the_forms_of_the_settings_open(staff_client, app, name):
    address = reverse("wagtailsettings:edit", args=[app, name])

    assert staff_client.get(address, follow=True).status_code == 200


def test_an_editor_saves_a_draft_and_cannot_publish_it():
    page = StandardPage.objects.get(key="safety")
    editor = client_in("Editors")
    sent = page_fields(page) | {"action-publish": "1"}

    editor.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), sent)

    published = StandardPage.objects.get(key="safety")
    assert published.lead != "Typed by an editor."
    assert published.get_latest_revision_as_object().lead == "Typed by an editor."


def test_the_clinical_lead_publishes():
    page = StandardPage.objects.get(key="safety")
    lead = client_in("Clinical lead")
    sent = page_fields(page) | {"action-publish": "1"}

    lead.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), sent)

    assert StandardPage.objects.get(key="safety").lead == "Typed by an editor."


@pytest.mark.parametrize(("group", "allowed"), [("Editors", False), ("Clinical lead", True)])
def test_only_the_clinical_lead_keeps_the_crisis_lines(group, allowed):
    practice = PracticeSettings.load()
    address = reverse("wagtailsettings:edit", args=["core", "practicesettings", practice.pk])

    response = client_in(group).get(address)

    assert (response.status_code == 200) is allowed


@pytest.mark.parametrize("group", ["Editors", "Clinical lead"])
def test_both_groups_write_questions(group):
    item = FAQItem.objects.first()

    response = client_in(group).get(
        reverse("wagtailsnippets_programs_faqitem:edit", args=[item.pk])
    )

    assert response.status_code == 200


def test_nobody_makes_a_public_page_private(staff_client):
    page = StandardPage.objects.get(key="safety")

    address = reverse("wagtailadmin_pages:set_privacy", args=[page.pk])

    staff_client.post(address, {"restriction_type": "login"})

    assert PageViewRestriction.objects.count() == 0


def test_a_visitor_is_asked_to_sign_in_and_a_member_finds_no_admin(client):
    page = StandardPage.objects.get(key="safety")
    address = reverse("wagtailadmin_pages:edit", args=[page.pk])
    member = Client()
    member.force_login(User.objects.create_user("member@example.org"))

    answers = [visitor.get(address).status_code for visitor in (client, member)]

    assert answers == [302, 404]
