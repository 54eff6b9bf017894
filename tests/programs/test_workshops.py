"""Workshops and their weeks: what their pages can be asked, and what editors may enter."""

import pytest
from django.core.exceptions import ValidationError
from django.urls import reverse

from programs.models import (
    ProgramIndexPage,
    SyllabusWeekPage,
    WorkshopFAQPick,
    WorkshopPage,
    WorkshopTestimonialPick,
    WorkshopTherapistPick,
)
from tests.factories.pages import (
    make_faq_item,
    make_testimonial,
    make_therapist,
    make_week,
    make_workshop,
)

pytestmark = pytest.mark.django_db

PICKS = {
    "therapists": ("therapist_picks", WorkshopTherapistPick, make_therapist, "therapist"),
    "faqs": ("faq_picks", WorkshopFAQPick, make_faq_item, "faq_item"),
    "testimonials": (
        "testimonial_picks",
        WorkshopTestimonialPick,
        make_testimonial,
        "testimonial",
    ),
}


@pytest.mark.parametrize("size", [1, 3])
def test_the_syllabus_costs_one_query(django_assert_num_queries, size):
    workshop = make_workshop()
    for number in range(1, size + 1):
        make_week(workshop, number)

    with django_assert_num_queries(1):
        weeks = list(workshop.syllabus())

    assert [week.number for week in weeks] == list(range(1, size + 1))


@pytest.mark.parametrize("size", [1, 3])
@pytest.mark.parametrize("question", PICKS)
def test_what_an_editor_picked_costs_one_query_and_keeps_her_order(
    django_assert_num_queries, size, question
):
    relation, pick, make, name = PICKS[question]
    workshop = make_workshop()
    things = [make() for _ in range(size)]
    picks = [pick(**{name: thing, "sort_order": -place}) for place, thing in enumerate(things)]
    setattr(workshop, relation, picks)
    workshop.save()
    fresh = WorkshopPage.objects.get(pk=workshop.pk)

    with django_assert_num_queries(1):
        found = getattr(fresh, question)()

    assert found == list(reversed(things))


def test_picks_that_are_not_saved_yet_are_in_the_preview():
    question = make_faq_item()
    workshop = WorkshopPage.objects.get(key="facing-heartbreak")

    workshop.faq_picks = [WorkshopFAQPick(faq_item=question)]

    assert workshop.faqs() == [question]


def test_drafts_are_left_out_of_every_list():
    workshop = make_workshop()
    make_week(workshop, 1, live=False)
    workshop.therapist_picks = [WorkshopTherapistPick(therapist=make_therapist(live=False))]
    workshop.faq_picks = [WorkshopFAQPick(faq_item=make_faq_item(live=False))]
    workshop.testimonial_picks = [WorkshopTestimonialPick(testimonial=make_testimonial(live=False))]
    workshop.save()

    assert list(workshop.syllabus()) == []
    assert workshop.therapists() == []
    assert workshop.faqs() == []
    assert workshop.testimonials() == []


def test_samples_are_left_out_outside_demo_mode(settings):
    workshop = make_workshop()
    make_week(workshop, 1, is_sample=True)
    workshop.testimonial_picks = [
        WorkshopTestimonialPick(testimonial=make_testimonial(is_sample=True))
    ]
    workshop.save()
    assert len(workshop.syllabus()) == len(workshop.testimonials()) == 1

    settings.DEMO_MODE = False

    assert len(workshop.syllabus()) == len(workshop.testimonials()) == 0


@pytest.mark.parametrize("size", [1, 3])
def test_the_programs_cost_two_queries(django_assert_num_queries, size):
    index_page = ProgramIndexPage.objects.get()
    index_page.get_children().delete()
    index_page = ProgramIndexPage.objects.get()
    workshops = [make_workshop() for _ in range(size)]

    with django_assert_num_queries(2):
        programs = index_page.programs()

    assert programs == workshops


def test_weeks_have_neutral_addresses_and_know_their_neighbors():
    weeks = WorkshopPage.objects.get(key="facing-heartbreak").syllabus()
    first, second, last = weeks[0], weeks[1], weeks[11]

    assert [week.slug for week in (first, second, last)] == ["week-1", "week-2", "week-12"]
    assert (first.previous_week(), first.next_week()) == (None, second)
    assert (last.previous_week(), last.next_week()) == (weeks[10], None)
    assert first.workshop().key == "facing-heartbreak"


def test_a_neighboring_week_that_is_a_draft_is_skipped():
    workshop = make_workshop()
    first = make_week(workshop, 1)
    make_week(workshop, 2, live=False)
    third = make_week(workshop, 3)

    assert first.next_week() == third
    assert third.previous_week() == first


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"part": 1}, "of_parts"),
        ({"of_parts": 2}, "of_parts"),
        ({"part": 3, "of_parts": 2}, "part"),
        ({"number": 1}, "number"),
        ({"number": 0}, "number"),
    ],
)
def test_a_week_that_contradicts_itself_or_another_is_refused(fields, field):
    workshop = make_workshop()
    make_week(workshop, 1)

    with pytest.raises(ValidationError) as refusal:
        make_week(workshop, **({"number": 2} | fields))

    assert field in refusal.value.message_dict


def test_a_display_title_replaces_the_title_until_it_is_cleared():
    week = SyllabusWeekPage.objects.get(number=11)

    week.display_title = "Reclaim your sexuality"
    shown = week.heading()
    week.display_title = ""

    assert (shown, week.heading()) == ("Reclaim your sexuality", "RECLAIM your sexuality")


@pytest.mark.parametrize(
    ("discreet_name", "published"), [("Partner recovery", False), ("Evening course", True)]
)
def test_the_editors_form_refuses_a_discreet_name_that_leaks(
    staff_client, discreet_name, published
):
    parent = ProgramIndexPage.objects.get()
    address = reverse("wagtailadmin_pages:add", args=["programs", "workshoppage", parent.pk])
    sent = {"title": "New workshop", "slug": "new", "discreet_name": discreet_name}
    sent |= {"action-publish": "1", "comments-TOTAL_FORMS": 0, "comments-INITIAL_FORMS": 0}
    for name in ("therapist_picks", "faq_picks", "testimonial_picks"):
        sent |= {f"{name}-TOTAL_FORMS": 0, f"{name}-INITIAL_FORMS": 0}
    for name in WorkshopPage.stream_names():
        sent |= {f"{name}-count": 0}

    response = staff_client.post(address, sent)

    assert WorkshopPage.objects.filter(slug="new", live=True).exists() is published
    if not published:
        assert "Please leave out: partner, recovery." in str(response.context["form"].errors)
        assert response.context["form"]["title"].value() == "New workshop"


def test_a_policy_is_found_by_its_kind():
    workshop = WorkshopPage.objects.get(key="facing-heartbreak")

    assert workshop.refund_policy()["text"].startswith("Sample policy: full refund")
    assert workshop.policy("other") is None
