"""Therapists, and questions with their answers."""

import re

import pytest
from django.urls import reverse

from home.models import FAQPage
from programs.models import FAQItem, TherapistIndexPage, TherapistPage, WorkshopPage
from tests.factories.pages import make_faq_item, make_therapist

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("size", [1, 3])
def test_the_team_costs_one_query(django_assert_num_queries, size):
    TherapistPage.objects.get().delete()
    people = [make_therapist() for _ in range(size)]
    team = TherapistIndexPage.objects.get()

    with django_assert_num_queries(1):
        found = list(team.therapists())

    assert found == people


@pytest.mark.parametrize(
    ("name", "initials"),
    [("Charlene Lewis", "CL"), ("Cher", "C"), ("Ana Maria de Souza", "AS")],
)
def test_initials_stand_where_a_photograph_would(name, initials):
    assert TherapistPage(title=name).initials() == initials


def test_a_therapist_knows_her_letters_and_her_workshops():
    therapist = TherapistPage.objects.get()

    assert therapist.letters() == "CSAT"
    assert list(therapist.workshops()) == [WorkshopPage.objects.get(key="facing-heartbreak")]


def test_questions_of_one_topic_stand_together():
    FAQItem.objects.all().delete()
    for place, topic in enumerate(["", "Money", "", "Money"], start=1):
        make_faq_item(question=f"{place}?", topic=topic, sort_order=place)
    make_faq_item(topic="Money", live=False)

    groups = FAQPage.objects.get().groups()

    assert [(group.topic, [item.question for item in group.items]) for group in groups] == [
        ("", ["1?", "3?"]),
        ("Money", ["2?", "4?"]),
    ]


@pytest.mark.parametrize("size", [1, 3])
def test_the_questions_cost_one_query(django_assert_num_queries, size):
    FAQItem.objects.all().delete()
    for place in range(size):
        make_faq_item(topic=f"Topic {place}")
    page = FAQPage.objects.get()

    with django_assert_num_queries(1):
        groups = page.groups()

    assert len(groups) == size


def test_the_list_in_the_admin_shows_what_is_inferred(staff_client):
    listing = staff_client.get(reverse("wagtailsnippets_programs_faqitem:list")).content.decode()

    assert listing.count("Inferred: question") == 7
    assert listing.count("Inferred: question and answer") == 1


def test_the_form_says_what_is_inferred_until_an_editor_has_checked_it(staff_client):
    item = FAQItem.objects.get(key="will-it-work")
    address = reverse("wagtailsnippets_programs_faqitem:edit", args=[item.pk])
    before = staff_client.get(address).content.decode()

    item.question_inferred = item.answer_inferred = False
    item.save_revision().publish()

    assert "Inferred: question and answer." in before
    assert "Inferred: question and answer." not in staff_client.get(address).content.decode()


def test_an_editor_checks_a_question_in_the_form(staff_client):
    item = FAQItem.objects.get(key="time")
    sent = {"question": "How many hours?", "answer": '{"blocks": [], "entityMap": {}}'}
    sent |= {"topic": "", "sort_order": "3", "admin_note": "", "action-publish": "1"}
    address = reverse("wagtailsnippets_programs_faqitem:edit", args=[item.pk])

    refused = staff_client.post(address, sent)
    sent["answer"] = (
        '{"blocks": [{"key": "a", "text": "Two.", "type": "unstyled", "depth": 0, '
        '"inlineStyleRanges": [], "entityRanges": []}], "entityMap": {}}'
    )
    staff_client.post(address, sent)

    item.refresh_from_db()
    assert list(refused.context["form"].errors) == ["answer"]
    assert (item.question, item.question_inferred, item.key) == ("How many hours?", False, "time")


def test_a_question_is_previewed_as_visitors_will_see_it(owner_of_site):
    item = FAQItem.objects.get(key="worth-it")

    preview = item.make_preview_request()

    assert preview.status_code == 200
    shown = preview.render().content.decode()
    assert "Is it worth the cost?" in shown
    headings = re.findall(r"<h([123])", shown.partition("<main")[2].partition("</main>")[0])
    assert headings == ["1", "2", "3"]
    assert '<div class="accordion">' in shown
