"""The page that lists the programs."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db.models import QuerySet
from wagtail.admin.panels import FieldPanel, Panel
from wagtail.fields import RichTextField
from wagtail.models import Page
from wagtail.search import index

from core.blocks import TEXT_FEATURES
from core.models import SitePage
from programs.models.bundle import BundlePage
from programs.models.workshop import WorkshopPage


class ProgramIndexPage(SitePage):
    """All programs; their order is the order of the pages below it."""

    intro = RichTextField(
        blank=True,
        features=TEXT_FEATURES,
        help_text="Optional. One or two sentences above the list.",
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = ["programs.WorkshopPage", "programs.BundlePage"]
    max_count = 1

    content_panels: ClassVar[list[Panel]] = [*SitePage.content_panels, FieldPanel("intro")]

    search_fields: ClassVar[list[Any]] = [*SitePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = "programs"

    def workshops(self) -> QuerySet[WorkshopPage]:
        """Published workshops in the editor's order. One query."""
        pages: QuerySet[WorkshopPage] = WorkshopPage.objects.child_of(self).shown().order_by("path")
        return pages

    def bundles(self) -> QuerySet[BundlePage]:
        """Published bundles in the editor's order. One query."""
        pages: QuerySet[BundlePage] = BundlePage.objects.child_of(self).shown().order_by("path")
        return pages

    def programs(self) -> list[Page]:
        """Published programs of both kinds in the editor's order. Two queries."""
        return sorted([*self.workshops(), *self.bundles()], key=lambda page: page.path)
