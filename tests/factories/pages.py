"""Pages and questions beside the loaded ones: valid, unsurprising, published unless told not to."""

from __future__ import annotations

from itertools import count
from typing import Any

from home.models import HomePage, StandardPage
from programs.models import (
    BundlePage,
    CoursePage,
    FAQItem,
    LessonPage,
    ProgramIndexPage,
    SyllabusWeekPage,
    TherapistIndexPage,
    TherapistPage,
    WorkshopPage,
)
from testimonials.models import TestimonialIndexPage, TestimonialPage

_numbers = count(1)


def home_page() -> HomePage:
    """The home page, as loaded."""
    return HomePage.objects.get(key="home")


def add_page(parent: Any, page: Any) -> Any:
    """``page`` as the last child of ``parent``."""
    parent.add_child(instance=page)
    return page


def make_standard_page(**fields: Any) -> StandardPage:
    """A plain page below the home page."""
    number = next(_numbers)
    defaults = {"title": f"Page {number}", "slug": f"page-{number}"}
    return add_page(home_page(), StandardPage(**(defaults | fields)))


def make_workshop(**fields: Any) -> WorkshopPage:
    """A workshop without weeks."""
    number = next(_numbers)
    defaults = {
        "title": f"Workshop {number}",
        "slug": f"workshop-{number}",
        "discreet_name": "Evening course",
    }
    return add_page(ProgramIndexPage.objects.get(), WorkshopPage(**(defaults | fields)))


def make_week(workshop: WorkshopPage, number: int, **fields: Any) -> SyllabusWeekPage:
    """A week of ``workshop``."""
    defaults = {"title": f"Title of week {number}", "number": number}
    return add_page(workshop, SyllabusWeekPage(**(defaults | fields)))


def make_bundle(**fields: Any) -> BundlePage:
    """A bundle without courses."""
    number = next(_numbers)
    defaults = {
        "title": f"Bundle {number}",
        "slug": f"bundle-{number}",
        "discreet_name": "Other videos",
    }
    return add_page(ProgramIndexPage.objects.get(), BundlePage(**(defaults | fields)))


def make_course(bundle: BundlePage, **fields: Any) -> CoursePage:
    """A course of ``bundle`` without lessons."""
    return add_page(bundle, CoursePage(**({"title": f"Course {next(_numbers)}"} | fields)))


def make_lesson(course: CoursePage, number: int, **fields: Any) -> LessonPage:
    """A lesson of ``course``."""
    defaults = {"title": f"Lesson {number}", "number": number}
    return add_page(course, LessonPage(**(defaults | fields)))


def make_therapist(**fields: Any) -> TherapistPage:
    """Somebody of the team."""
    number = next(_numbers)
    defaults = {"title": f"Person {number}", "slug": f"person-{number}"}
    return add_page(TherapistIndexPage.objects.get(), TherapistPage(**(defaults | fields)))


def make_testimonial(**fields: Any) -> TestimonialPage:
    """A published testimonial."""
    defaults = {"title": f"Words {next(_numbers)}", "text": "<p>It helped me.</p>"}
    return add_page(TestimonialIndexPage.objects.get(), TestimonialPage(**(defaults | fields)))


def make_faq_item(**fields: Any) -> FAQItem:
    """A published question, after the loaded ones."""
    number = next(_numbers)
    defaults = {
        "question": f"Question {number}?",
        "answer": "<p>Yes.</p>",
        "sort_order": 100 + number,
    }
    return FAQItem.objects.create(**(defaults | fields))
