"""What editors copy and rearrange: every type of page, every list of choices."""

from __future__ import annotations

from html import unescape

import pytest
from django.urls import reverse
from modelcluster.models import get_all_child_relations
from wagtail.models import Orderable, Page, get_page_models

from core.models import Pick, SitePage
from programs.models import SyllabusWeekPage, WorkshopPage
from tests.core.test_site_page import edit_form
from tests.factories.pages import (
    make_faq_item,
    make_standard_page,
    make_testimonial,
    make_therapist,
    make_workshop,
)

pytestmark = pytest.mark.django_db

KINDS = [kind for kind in get_page_models() if issubclass(kind, SitePage)]
LISTS = [
    pytest.param(kind, relation.get_accessor_name(), id=relation.related_model.__name__)
    for kind in KINDS
    for relation in get_all_child_relations(kind)
    if issubclass(relation.related_model, Orderable)
]
MAKERS = {
    "faq_item": make_faq_item,
    "testimonial": make_testimonial,
    "therapist": make_therapist,
}
WAYS = {
    "draft": {},
    "published with all below": {"copy_subpages": "on", "publish_copies": "on"},
    "alias with all below": {"alias": "on", "copy_subpages": "on"},
}


def a_page(kind):
    """A published page of a kind, with a key as loaded content has."""
    page = kind.objects.live().order_by("path").first() or make_testimonial()
    page.key = page.key or f"key-of-{page.pk}"
    page.save()
    return page


def copy(client, page, **answers):
    """What the copy form answers."""
    form = {
        "new_title": "A copy",
        "new_slug": "a-copy",
        "new_parent_page": str(page.get_parent().pk),
    }
    return client.post(reverse("wagtailadmin_pages:copy", args=[page.pk]), form | answers)


def said(response):
    """What is said against a copy; nothing when it was made."""
    if response.status_code == 302:
        return ""
    errors = " ".join(response.context["form"].errors.as_text().split())
    page = " ".join(unescape(response.content.decode()).split())
    told = [sentence for found in response.context["form"].errors.values() for sentence in found]
    assert [sentence for sentence in told if sentence not in page] == []
    return errors


# --- copies and aliases --------------------------------------------------------------------------


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_type_of_page_is_copied_or_the_copy_is_refused_with_a_sentence(
    staff_client, kind, way
):
    page = a_page(kind)
    before = Page.objects.count()

    response = copy(staff_client, page, **WAYS[way])

    made = Page.objects.count() - before
    if kind.max_count:
        assert "You do not have permission to copy to page" in said(response)
    elif kind is SyllabusWeekPage and way != "draft":
        assert "There is a week 1 already." in said(response)
    else:
        assert said(response) == ""
    expected = 1 + page.get_descendants().count() if "below" in way else 1
    assert made == (0 if said(response) else expected)


@pytest.mark.parametrize(
    "kind", [kind for kind in KINDS if not kind.max_count], ids=lambda kind: kind.__name__
)
def test_an_alias_has_no_key_and_follows_its_source(staff_client, kind):
    page = a_page(kind)
    other = make_workshop() if kind is SyllabusWeekPage else page.get_parent()

    copy(staff_client, page, alias="on", new_parent_page=str(other.pk))
    alias = kind.objects.get(alias_of=page)
    page.title = "Another title"
    page.save_revision().publish()

    alias.refresh_from_db()
    page.refresh_from_db()
    assert (alias.key, alias.title, alias.live) == (None, "Another title", True)
    assert page.key is not None


def test_a_published_workshop_takes_its_choices_to_its_alias(staff_client):
    page = WorkshopPage.objects.get()

    copy(staff_client, page, alias="on", copy_subpages="on")
    page.save_revision().publish()
    alias = WorkshopPage.objects.get(alias_of=page)

    assert alias.faqs() == page.faqs()
    assert [week.number for week in alias.syllabus()] == list(range(1, 13))


def test_the_address_of_a_copy_holds_no_clinical_word(staff_client):
    page = make_standard_page()

    response = copy(staff_client, page, new_slug="for-partners")

    assert "new_slug * The address of a page stays in the history" in said(response)


def test_a_sample_is_copied_as_a_draft_only_outside_demo_mode(staff_client, settings):
    page = make_standard_page(is_sample=True)
    settings.DEMO_MODE = False

    public = copy(staff_client, page, publish_copies="on")
    alias = copy(staff_client, page, alias="on")
    draft = copy(staff_client, page)

    assert "marked Sample" in said(public)
    assert "marked Sample" in said(alias)
    assert said(draft) == ""


def test_a_new_week_whose_number_is_taken_is_not_published(staff_client):
    workshop = WorkshopPage.objects.get()
    address = reverse("wagtailadmin_pages:add", args=["programs", "syllabusweekpage", workshop.pk])
    sent = {"title": "Again", "slug": "again", "number": "1", "action-publish": "1"}
    comments = {"comments-TOTAL_FORMS": 0, "comments-INITIAL_FORMS": 0}

    response = staff_client.post(address, sent | comments)

    assert said(response) == "* number * There is a week 1 already."


# --- choices -------------------------------------------------------------------------------------


def choose(kind, relation, how_many=2):
    """A published page of a kind on which so many things are chosen."""
    page = kind.objects.get() if kind.max_count else make_workshop()
    pick = getattr(kind, relation).rel.related_model
    made = [pick(**{pick.picked_field: MAKERS[pick.picked_field]()}) for _ in range(how_many)]
    setattr(page, relation, made)
    page.save_revision().publish()
    return page, pick


def rows(client, page, relation):
    """The rows of a list in the editor's form, and what stands in each."""
    response = client.get(reverse("wagtailadmin_pages:edit", args=[page.pk]))
    formset = response.context["form"].formsets[relation]
    return {
        f"{form.prefix}-{name}": value
        for place, form in enumerate(formset.initial_forms)
        for name, value in {**form.initial, "ORDER": place + 1, "id": form.instance.pk}.items()
    }


def publish(client, page, sent):
    address = reverse("wagtailadmin_pages:edit", args=[page.pk])
    return client.post(address, sent | {"action-publish": "1"})


@pytest.mark.parametrize(("kind", "relation"), LISTS)
def test_two_choices_are_exchanged_and_published(staff_client, kind, relation):
    page, pick = choose(kind, relation)
    first, second = (f"{relation}-{place}-{pick.picked_field}" for place in (0, 1))
    chosen = rows(staff_client, page, relation)
    exchanged = {first: chosen[second], second: chosen[first]}
    sent = edit_form(staff_client, page) | chosen | exchanged

    draft = staff_client.post(reverse("wagtailadmin_pages:edit", args=[page.pk]), sent)
    published = publish(staff_client, page, sent)

    assert (draft.status_code, published.status_code) == (302, 302)
    kept = pick.objects.filter(page=page).order_by("sort_order")
    assert list(kept.values_list(pick.picked_field, flat=True)) == list(exchanged.values())


@pytest.mark.parametrize(("kind", "relation"), LISTS)
def test_nothing_is_chosen_twice(staff_client, kind, relation):
    page, pick = choose(kind, relation)
    first, second = (f"{relation}-{place}-{pick.picked_field}" for place in (0, 1))
    chosen = rows(staff_client, page, relation)
    twice = {second: chosen[first]}

    response = publish(staff_client, page, edit_form(staff_client, page) | chosen | twice)

    errors = response.context["form"].formsets[relation].non_form_errors()
    assert errors == [f"Please correct the duplicate data for {pick.picked_field}."]


def test_two_pages_may_choose_the_same_thing(staff_client):
    page, pick = choose(WorkshopPage, "faq_picks", how_many=1)
    other = make_workshop()
    other.faq_picks = [pick(faq_item=page.faqs()[0])]
    other.save_revision().publish()
    sent = edit_form(staff_client, page) | rows(staff_client, page, "faq_picks")

    response = publish(staff_client, page, sent)

    assert response.status_code == 302


@pytest.mark.parametrize(("kind", "relation"), LISTS)
def test_rows_that_wagtail_stores_one_by_one_have_no_unique_columns(kind, relation):
    model = getattr(kind, relation).rel.related_model

    assert issubclass(model, Pick)
    assert model._meta.total_unique_constraints == []
    assert [field.name for field in model._meta.fields if field.unique] == ["id"]
