"""Bundles: self-paced products of courses, each a list of video lessons.

A course and a lesson have no public page of their own: their address leads to the bundle's page.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import groupby
from typing import Any, ClassVar

from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.functional import cached_property
from django.utils.text import slugify
from wagtail.admin.panels import FieldPanel, FieldRowPanel, MultiFieldPanel, Panel
from wagtail.fields import StreamField
from wagtail.search import index

from core.blocks import LinesBlock, StoryBlock
from core.discretion import leak_words_in, validate_discreet
from core.models import SitePage

EDITORS_ONLY = MultiFieldPanel(
    [FieldPanel("is_sample"), FieldPanel("has_inferred_text"), FieldPanel("editorial_note")],
    heading="For editors only",
)


@dataclass(frozen=True)
class Section:
    """Lessons that stand together under one heading; the heading may be empty."""

    heading: str
    lessons: list[LessonPage]


@dataclass(frozen=True)
class CourseOutline:
    """A course with its published lessons."""

    course: CoursePage
    lessons: list[LessonPage] = field(default_factory=list)

    def sections(self) -> list[Section]:
        """The lessons grouped by section, in order."""
        return [
            Section(heading, list(lessons))
            for heading, lessons in groupby(self.lessons, key=lambda lesson: lesson.section)
        ]


class BundlePage(SitePage):
    """One self-paced product; the pages below it are its courses."""

    discreet_name = models.CharField(
        max_length=60,
        validators=[validate_discreet],
        help_text="Used in letters, receipts and the member area, such as “Video course”. It says "
        "nothing of what the videos are about.",
    )
    discreet_name_is_sample = models.BooleanField(
        "the discreet name is a sample",
        default=False,
        help_text="Remove this tick once the practice has chosen the name.",
    )
    tagline = models.CharField(max_length=160, blank=True, help_text="One line below the name.")
    who_heading = models.CharField(
        "heading of “who it is for”", max_length=120, blank=True, help_text="Above the next text."
    )
    who_for = models.TextField("who it is for", blank=True, help_text="Two or three sentences.")
    included_heading = models.CharField(
        "heading of “what is included”", max_length=120, blank=True, help_text="Above the list."
    )
    included = StreamField(
        LinesBlock(), blank=True, help_text="What the bundle holds, one line each."
    )
    claim = models.CharField(
        max_length=200,
        blank=True,
        help_text="A sentence that claims a number of videos. It is shown only while it is true; "
        "otherwise the page prints the real number.",
    )
    claim_more_than = models.PositiveSmallIntegerField(
        "the claim says more than",
        null=True,
        blank=True,
        help_text="The number in the sentence above: 57 when it says “Over 57 Videos”.",
    )
    when_included = models.CharField(
        "when a workshop includes it",
        max_length=200,
        blank=True,
        help_text="One sentence in the price box of such a workshop: what this is there for, for "
        "a partner. Empty: the price box does not mention it.",
    )
    body = StreamField(StoryBlock(), blank=True, help_text="Anything else, in the order you like.")

    parent_page_types: ClassVar[list[str]] = ["programs.ProgramIndexPage"]
    subpage_types: ClassVar[list[str]] = ["programs.CoursePage"]

    content_panels: ClassVar[list[Panel]] = [
        FieldPanel("title", help_text="The public name. Letters and receipts never show it."),
        FieldPanel("tagline"),
        MultiFieldPanel(
            [FieldPanel("discreet_name"), FieldPanel("discreet_name_is_sample")],
            heading="Discreet name",
        ),
        MultiFieldPanel(
            [FieldPanel("who_heading"), FieldPanel("who_for")], heading="Who it is for"
        ),
        MultiFieldPanel(
            [
                FieldPanel("included_heading"),
                FieldPanel("claim"),
                FieldPanel("claim_more_than"),
                FieldPanel("included"),
                FieldPanel("when_included"),
            ],
            heading="What is included",
        ),
        FieldPanel("body"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("tagline"),
        index.SearchField("who_for"),
        index.SearchField("discreet_name"),
    ]

    class Meta:
        verbose_name = "bundle"

    def courses(self) -> QuerySet[CoursePage]:
        """Published courses in the editor's order. One query."""
        pages: QuerySet[CoursePage] = CoursePage.objects.child_of(self).shown().order_by("path")
        return pages

    def published_lessons(self) -> list[LessonPage]:
        """Published lessons of the published courses, in order. Two queries, asked once."""
        return [lesson for outline in self._outline for lesson in outline.lessons]

    def lesson_count(self) -> int:
        """How many lessons a buyer finds today. Two queries, asked once."""
        return len(self.published_lessons())

    def outline(self) -> list[CourseOutline]:
        """Published courses with their published lessons. Two queries, asked once."""
        return self._outline

    @cached_property
    def _outline(self) -> list[CourseOutline]:
        outlines = [CourseOutline(course) for course in self.courses()]
        lessons = LessonPage.objects.descendant_of(self).shown().order_by("path")
        by_path = {outline.course.path: outline.lessons for outline in outlines}
        for lesson in lessons:
            by_path.get(lesson.path[: -self.steplen], []).append(lesson)
        return outlines

    def claim_is_true(self) -> bool:
        """Whether there are more published lessons than the claim says. Two queries, asked once."""
        return bool(self.claim and self.claim_more_than is not None) and (
            self.lesson_count() > (self.claim_more_than or 0)
        )


class CoursePage(SitePage):
    """One course of a bundle; the pages below it are its lessons."""

    eyebrow = models.CharField(
        max_length=120, blank=True, help_text="Optional. A line above the title."
    )
    display_title = models.CharField(
        max_length=160,
        blank=True,
        help_text="Optional. Shown to visitors instead of the title, until it is cleared.",
    )
    stated_line = models.CharField(
        "the practice's line",
        max_length=200,
        blank=True,
        help_text="How the practice's text names this course. Visitors do not see it.",
    )
    stated_videos = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        help_text="How many videos the practice's text states. Visitors see the real number.",
    )
    stated_value_cents = models.PositiveIntegerField(
        "stated value in cents",
        null=True,
        blank=True,
        help_text="A value such as “$499 Value”, in cents. Shown only once it is confirmed below.",
    )
    value_confirmed = models.BooleanField(
        "the value is honest",
        default=False,
        help_text="Tick this only if the course has really been sold alone at this price.",
    )

    has_own_address = False
    parent_page_types: ClassVar[list[str]] = ["programs.BundlePage"]
    subpage_types: ClassVar[list[str]] = ["programs.LessonPage"]

    content_panels: ClassVar[list[Panel]] = [
        FieldPanel("eyebrow"),
        FieldPanel("title", help_text="In the practice's own words."),
        FieldPanel("display_title"),
        MultiFieldPanel(
            [
                FieldPanel("stated_line"),
                FieldPanel("stated_videos"),
                FieldPanel("stated_value_cents"),
                FieldPanel("value_confirmed"),
            ],
            heading="What the practice's text claims",
        ),
    ]
    promote_panels: ClassVar[list[Panel]] = [EDITORS_ONLY]
    preview_modes: ClassVar[list[tuple[str, str]]] = []

    search_fields: ClassVar[list[Any]] = [*SitePage.search_fields]

    class Meta:
        verbose_name = "course"

    def serve(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        address = self.get_parent().get_url(request) or "/"
        return HttpResponseRedirect(f"{address}#{self.slug}")

    def heading(self) -> str:
        """The title that visitors read."""
        return self.display_title or self.title

    def bundle(self) -> BundlePage:
        """The bundle it belongs to. One query."""
        bundle: BundlePage = BundlePage.objects.parent_of(self).get()
        return bundle

    def published_lessons(self) -> QuerySet[LessonPage]:
        """Published lessons in the editor's order. One query."""
        pages: QuerySet[LessonPage] = LessonPage.objects.child_of(self).shown().order_by("path")
        return pages

    def lesson_count(self) -> int:
        """How many lessons a buyer finds today. One query."""
        return self.published_lessons().count()

    def sections(self) -> list[Section]:
        """Published lessons grouped by section, in order. One query."""
        return CourseOutline(self, list(self.published_lessons())).sections()

    def shown_value_cents(self) -> int | None:
        """The stated value, once somebody has confirmed that it is honest."""
        return self.stated_value_cents if self.value_confirmed else None

    def neutral_address(self) -> str:
        return "course"


class LessonPage(SitePage):
    """One video lesson."""

    number = models.PositiveSmallIntegerField(
        validators=[MinValueValidator(1)], help_text="Its number within the section."
    )
    section = models.CharField(
        max_length=60,
        blank=True,
        help_text="Optional. Lessons of one section stand together, such as “Stage 1”.",
    )
    display_title = models.CharField(
        max_length=160,
        blank=True,
        help_text="Optional. Shown to visitors instead of the title, until it is cleared.",
    )
    summary = models.TextField(blank=True, help_text="Optional. What the lesson is about.")
    content_note = models.CharField(
        max_length=120,
        blank=True,
        help_text="For hard subjects only: a word such as “suicide”. Shown before the video.",
    )
    show_crisis_panel = models.BooleanField(
        "show the crisis lines", default=False, help_text="Shows them above the video."
    )

    has_own_address = False
    parent_page_types: ClassVar[list[str]] = ["programs.CoursePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Panel]] = [
        FieldPanel("title", help_text="In the practice's own words, without its number."),
        FieldPanel("display_title"),
        FieldRowPanel([FieldPanel("section"), FieldPanel("number")], heading="Where it belongs"),
        FieldPanel("summary"),
        MultiFieldPanel(
            [FieldPanel("content_note"), FieldPanel("show_crisis_panel")], heading="Hard subjects"
        ),
    ]
    promote_panels: ClassVar[list[Panel]] = [EDITORS_ONLY]
    preview_modes: ClassVar[list[tuple[str, str]]] = []

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("summary"),
        index.FilterField("section"),
    ]

    class Meta:
        verbose_name = "lesson"

    def serve(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        course = self.get_parent()
        address = course.get_parent().get_url(request) or "/"
        return HttpResponseRedirect(f"{address}#{course.slug}")

    def heading(self) -> str:
        """The title that visitors read."""
        return self.display_title or self.title

    def course(self) -> CoursePage:
        """The course it belongs to. One query."""
        course: CoursePage = CoursePage.objects.parent_of(self).get()
        return course

    def neutral_address(self) -> str:
        section = slugify(self.section)
        number = f"lesson-{self.number}" if self.number else "lesson"
        return f"{section}-{number}" if section and not leak_words_in(section) else number
