"""What group members say, each with written permission, and the page that lists them.

Knows nothing of programs: an editor picks testimonials on a program's page. The record of
permission is not kept here, because pages keep their history and a person may take hers back.
"""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.utils.dates import MONTHS
from wagtail.admin.panels import FieldPanel, FieldRowPanel, HelpPanel, MultiFieldPanel, Panel
from wagtail.fields import RichTextField
from wagtail.search import index

from core.models import SitePage
from core.querysets import SitePageQuerySet


class TestimonialIndexPage(SitePage):
    """All published testimonials. Nobody can open it while there is none."""

    heading = models.CharField(
        max_length=120, blank=True, help_text="Above the testimonials. Empty: the title."
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = ["testimonials.TestimonialPage"]
    max_count = 1

    content_panels: ClassVar[list[Panel]] = [
        *SitePage.content_panels,
        FieldPanel("heading"),
    ]

    search_fields: ClassVar[list[Any]] = [*SitePage.search_fields, index.SearchField("heading")]

    class Meta:
        verbose_name = "testimonials"

    def is_shown(self) -> bool:
        """Whether there is something to see. One query."""
        return super().is_shown() and self.testimonials().exists()

    def testimonials(self) -> SitePageQuerySet:
        """Published testimonials in the editor's order. One query."""
        pages: SitePageQuerySet = TestimonialPage.objects.child_of(self).shown().order_by("path")
        return pages


class TestimonialPage(SitePage):
    """One person's words. It has no address of its own: it leads to the list."""

    text = RichTextField(
        features=["bold", "italic"],
        help_text="Her words, as she wrote them. Publish only with her written permission.",
    )
    display_name = models.CharField(
        max_length=60,
        blank=True,
        help_text="The name she chose to be shown, or nothing. Never her full name.",
    )
    year = models.PositiveSmallIntegerField(
        null=True,
        blank=True,
        validators=[MinValueValidator(2000), MaxValueValidator(2100)],
        help_text="When she wrote it. Optional.",
    )
    month = models.PositiveSmallIntegerField(
        null=True, blank=True, choices=list(MONTHS.items()), help_text="Optional."
    )

    has_own_address = False
    parent_page_types: ClassVar[list[str]] = ["testimonials.TestimonialIndexPage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Panel]] = [
        HelpPanel(
            "Publish only with written permission, and only what she agreed to. Leave out anything "
            "by which somebody could know her: names, places, dates, children."
        ),
        FieldPanel(
            "title", help_text="For editors, to find it again. Visitors do not see the title."
        ),
        FieldPanel("text"),
        FieldPanel("display_name"),
        FieldRowPanel([FieldPanel("month"), FieldPanel("year")], heading="When"),
    ]
    promote_panels: ClassVar[list[Panel]] = [
        MultiFieldPanel(
            [FieldPanel("is_sample"), FieldPanel("editorial_note")], heading="For editors only"
        )
    ]

    search_fields: ClassVar[list[Any]] = [*SitePage.search_fields, index.SearchField("text")]

    class Meta:
        verbose_name = "testimonial"

    def serve(self, request: HttpRequest, *_args: Any, **_kwargs: Any) -> HttpResponse:
        return HttpResponseRedirect(self.get_parent().get_url(request) or "/")

    def neutral_address(self) -> str:
        return "words"
