"""Bundles, their courses and lessons: what is really there is what is shown."""

import pytest

from programs.models import BundlePage, CoursePage, LessonPage
from tests.factories.pages import make_bundle, make_course, make_lesson

pytestmark = pytest.mark.django_db


def the_bundle():
    return BundlePage.objects.get(key="am-i-a-sex-addict")


def test_the_number_of_lessons_is_counted_not_stated():
    bundle = the_bundle()
    stated = sum(course.stated_videos or 0 for course in CoursePage.objects.all())

    assert bundle.lesson_count() == 56
    assert stated == 57


def test_the_claim_is_shown_only_while_it_is_true():
    bundle = the_bundle()
    course = bundle.courses()[0]
    assert (bundle.claim_more_than, bundle.claim_is_true()) == (57, False)

    make_lesson(course, 19)
    at_57 = the_bundle().claim_is_true()
    make_lesson(course, 20)

    after = the_bundle()
    assert (at_57, after.lesson_count(), after.claim_is_true()) == (False, 58, True)


def test_a_bundle_without_a_claim_or_without_its_number_claims_nothing():
    assert make_bundle().claim_is_true() is False
    assert make_bundle(claim="Over 0 videos").claim_is_true() is False


def test_drafts_and_what_stands_below_a_draft_course_are_not_counted():
    bundle = make_bundle()
    course = make_course(bundle)
    make_lesson(course, 1)
    make_lesson(course, 2, live=False)
    make_lesson(make_course(bundle, live=False), 1)

    assert bundle.lesson_count() == 1
    assert [(len(part.lessons)) for part in bundle.outline()] == [1]


@pytest.mark.parametrize("size", [1, 3])
def test_the_outline_costs_two_queries(django_assert_num_queries, size):
    bundle = make_bundle()
    for _ in range(size):
        course = make_course(bundle)
        for number in range(1, size + 1):
            make_lesson(course, number)

    with django_assert_num_queries(2):
        outline = [(part.course, part.sections()) for part in bundle.outline()]

    assert [len(sections[0].lessons) for _, sections in outline] == [size] * size


@pytest.mark.parametrize("size", [1, 3])
def test_the_published_lessons_cost_two_queries(django_assert_num_queries, size):
    bundle = make_bundle()
    course = make_course(bundle)
    lessons = [make_lesson(course, number) for number in range(1, size + 1)]

    with django_assert_num_queries(2):
        found = list(bundle.published_lessons())

    assert found == lessons


def test_lessons_stand_by_section_in_the_editors_order():
    course = CoursePage.objects.get(key="three-stages")

    sections = course.sections()

    assert [(section.heading, len(section.lessons)) for section in sections] == [
        ("Stage 1", 9),
        ("Stage 2", 14),
        ("Stage 3", 14),
    ]
    assert sections[2].lessons[9].title == "Suicidal Thoughts"
    assert sections[2].lessons[9].slug == "stage-3-lesson-10"


def test_a_stated_value_is_shown_only_once_it_is_confirmed():
    course = CoursePage.objects.get(key="complete-guide")
    before = course.shown_value_cents()

    course.value_confirmed = True

    assert (before, course.shown_value_cents()) == (None, 49_900)


def test_the_addresses_of_courses_and_lessons_lead_to_the_bundle(client):
    bundle = the_bundle()
    course = CoursePage.objects.get(key="three-stages")
    lesson = LessonPage.objects.child_of(course).first()

    to_course = client.get(course.url)
    to_lesson = client.get(lesson.url)

    assert to_course.headers["Location"] == f"{bundle.url}#course-2"
    assert to_lesson.headers["Location"] == f"{bundle.url}#course-2"
    assert course.get_sitemap_urls() == lesson.get_sitemap_urls() == []
    assert len(bundle.get_sitemap_urls()) == 1


def test_titles_of_lessons_never_reach_their_addresses():
    course = make_course(make_bundle())

    lesson = make_lesson(course, 4, title="How do sex addicts heal?", section="Sex")
    draft = make_lesson(course, 5, title="How do sex addicts heal?", live=False)

    assert (course.slug, lesson.slug, draft.slug) == ("course", "lesson-4", "lesson-5")
