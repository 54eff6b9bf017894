"""Which page may stand where, and how often."""

import pytest
from django.apps import apps
from django.urls import reverse
from wagtail.models import Page, get_page_models

from core.models import SitePage
from home.models import HomePage
from programs.models import ProgramIndexPage
from tests.factories.pages import home_page

TREE = {
    "home.HomePage": (
        {"wagtailcore.Page"},
        {
            "home.StandardPage",
            "home.FAQPage",
            "home.ContactPage",
            "programs.ProgramIndexPage",
            "programs.TherapistIndexPage",
            "testimonials.TestimonialIndexPage",
        },
        1,
    ),
    "home.StandardPage": ({"home.HomePage"}, set(), None),
    "home.FAQPage": ({"home.HomePage"}, set(), 1),
    "home.ContactPage": ({"home.HomePage"}, set(), 1),
    "programs.ProgramIndexPage": (
        {"home.HomePage"},
        {"programs.WorkshopPage", "programs.BundlePage"},
        1,
    ),
    "programs.WorkshopPage": (
        {"programs.ProgramIndexPage"},
        {"programs.SyllabusWeekPage"},
        None,
    ),
    "programs.SyllabusWeekPage": ({"programs.WorkshopPage"}, set(), None),
    "programs.BundlePage": ({"programs.ProgramIndexPage"}, {"programs.CoursePage"}, None),
    "programs.CoursePage": ({"programs.BundlePage"}, {"programs.LessonPage"}, None),
    "programs.LessonPage": ({"programs.CoursePage"}, set(), None),
    "programs.TherapistIndexPage": ({"home.HomePage"}, {"programs.TherapistPage"}, 1),
    "programs.TherapistPage": ({"programs.TherapistIndexPage"}, set(), None),
    "testimonials.TestimonialIndexPage": (
        {"home.HomePage"},
        {"testimonials.TestimonialPage"},
        1,
    ),
    "testimonials.TestimonialPage": ({"testimonials.TestimonialIndexPage"}, set(), None),
}


def labels(models):
    return {model._meta.label for model in models}


def our_page_types():
    return [model for model in get_page_models() if model is not Page]


def test_the_rules_below_name_every_page_type():
    assert labels(our_page_types()) == set(TREE)
    assert all(issubclass(model, SitePage) for model in our_page_types())


@pytest.mark.parametrize("label", TREE)
def test_a_page_type_says_where_it_may_stand(label):
    model = apps.get_model(label)
    parents, children, at_most = TREE[label]

    assert labels(model.clean_parent_page_models()) == parents
    assert labels(model.clean_subpage_models()) == children
    assert model.max_count == at_most


@pytest.mark.parametrize("label", TREE)
def test_every_field_that_an_editor_fills_in_is_explained(label):
    model = apps.get_model(label)
    own = [field for field in model._meta.local_fields if field.editable and not field.remote_field]

    unexplained = [field.name for field in own if not field.help_text]

    assert unexplained == []


@pytest.mark.django_db
def test_the_admin_offers_no_second_home_page_and_no_page_in_the_wrong_place(staff_client):
    programs = ProgramIndexPage.objects.get()
    wrong = reverse("wagtailadmin_pages:add", args=["programs", "lessonpage", programs.pk])
    second = reverse("wagtailadmin_pages:add", args=["home", "faqpage", home_page().pk])

    assert HomePage.can_create_at(Page.get_first_root_node()) is False
    assert staff_client.get(wrong).status_code == 302
    assert staff_client.get(second).status_code == 302


@pytest.mark.django_db
def test_text_fields_offer_no_raw_html_no_embeds_and_no_largest_heading():
    forbidden = {"h1", "embed", "image", "code", "document-link"}

    found = [
        (model._meta.label, name)
        for model in our_page_types()
        for name, features in rich_text_features(model)
        if features is None or forbidden & set(features)
    ]

    assert found == []


def rich_text_features(model):
    """Name and features of every rich text that the page type holds, also inside streams."""
    for field in model._meta.get_fields():
        if hasattr(field, "features"):
            yield field.name, field.features
        for name, block in nested_blocks(getattr(field, "stream_block", None)):
            assert type(block).__name__ != "RawHTMLBlock"
            if hasattr(block, "features"):
                yield f"{field.name}.{name}", block.features


def nested_blocks(block):
    for name, child in getattr(block, "child_blocks", {}).items():
        yield name, child
        yield from nested_blocks(child)
