"""The home page, the plain pages around it, and the menus."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby
from typing import Any, ClassVar

from django.conf import settings
from django.db import models
from django.db.models import QuerySet
from django.http import Http404, HttpRequest
from django.utils.functional import cached_property
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import (
    FieldPanel,
    FieldRowPanel,
    InlinePanel,
    MultiFieldPanel,
    PageChooserPanel,
    Panel,
)
from wagtail.blocks import StreamBlock
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting
from wagtail.fields import RichTextField, StreamField
from wagtail.models import Page, get_page_models
from wagtail.search import index
from wagtail.url_routing import RouteResult

from core.blocks import TEXT_FEATURES, LinesBlock, StoryBlock
from core.models import Pick, SettingsForm, SitePage
from core.querysets import picked, sample_pages
from home.blocks import DoorBlock, MenuLinkBlock
from programs.models import FAQItem, ProgramIndexPage, TherapistPage
from testimonials.models import TestimonialPage

PROGRAM_TYPES = ["programs.WorkshopPage", "programs.BundlePage"]


@dataclass(frozen=True)
class MenuEntry:
    """One entry of a menu."""

    label: str
    page: Page


@dataclass(frozen=True)
class FAQGroup:
    """Questions of one topic; the topic may be empty."""

    topic: str
    items: list[FAQItem]


class DoorsBlock(StreamBlock):
    """The doors of the home page."""

    door = DoorBlock()


class MenuBlock(StreamBlock):
    """The entries of a menu."""

    link = MenuLinkBlock()


class HomePage(SitePage):
    """The first page of the site."""

    eyebrow = models.CharField(max_length=160, blank=True, help_text="A line above the headline.")
    headline = models.CharField(max_length=120, help_text="The largest words on the page.")
    support_line = models.CharField(
        max_length=200, blank=True, help_text="One sentence below the headline."
    )
    primary_label = models.CharField(
        max_length=60,
        blank=True,
        help_text="The words on the button: “See how the workshop works”.",
    )
    featured_program = models.ForeignKey(
        Page,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Where the button leads. While this is a draft the button is hidden.",
    )
    secondary_label = models.CharField(
        max_length=60, blank=True, help_text="A quiet link beside the button, for other readers."
    )
    secondary_program = models.ForeignKey(
        Page,
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="Where the quiet link leads.",
    )
    doors = StreamField(
        DoorsBlock(max_num=3),
        blank=True,
        help_text="Ways in for readers who come for different reasons.",
    )
    benefits_heading = models.CharField(max_length=120, blank=True, help_text="Above the benefits.")
    benefits = StreamField(
        LinesBlock(), blank=True, help_text="What it does for the reader, one line each."
    )
    promises_lead_in = models.CharField(
        max_length=120,
        blank=True,
        help_text="The words before the list: “Work Towards”. They keep it from being a promise.",
    )
    promises = StreamField(LinesBlock(max_num=6), blank=True, help_text="At most six short lines.")
    testimonials_heading = models.CharField(
        max_length=120, blank=True, help_text="Shown only when a testimonial stands below it."
    )
    body = StreamField(StoryBlock(), blank=True, help_text="Anything else, in the order you like.")

    parent_page_types: ClassVar[list[str]] = ["wagtailcore.Page"]
    subpage_types: ClassVar[list[str]] = [
        "home.StandardPage",
        "home.FAQPage",
        "home.ContactPage",
        "programs.ProgramIndexPage",
        "programs.TherapistIndexPage",
        "testimonials.TestimonialIndexPage",
    ]
    max_count = 1

    content_panels: ClassVar[list[Panel]] = [
        FieldPanel("title", help_text="For the browser's tab and for editors."),
        MultiFieldPanel(
            [
                FieldPanel("eyebrow"),
                FieldPanel("headline"),
                FieldPanel("support_line"),
                FieldRowPanel(
                    [
                        FieldPanel("primary_label"),
                        PageChooserPanel("featured_program", PROGRAM_TYPES),
                    ]
                ),
                FieldRowPanel(
                    [
                        FieldPanel("secondary_label"),
                        PageChooserPanel("secondary_program", PROGRAM_TYPES),
                    ]
                ),
            ],
            heading="First screen",
        ),
        FieldPanel("doors"),
        MultiFieldPanel(
            [FieldPanel("benefits_heading"), FieldPanel("benefits")], heading="Benefits"
        ),
        MultiFieldPanel(
            [FieldPanel("promises_lead_in"), FieldPanel("promises")], heading="Work towards"
        ),
        FieldPanel("testimonials_heading"),
        InlinePanel("faq_picks", label="Question", heading="Questions", max_num=5),
        FieldPanel("body"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("headline"),
        index.SearchField("support_line"),
    ]

    class Meta:
        verbose_name = "home page"

    def route(self, request: HttpRequest, path_components: list[str]) -> RouteResult:
        """The page at an address, in one query however deep it lies.

        Raises:
            Http404: there is no published page.
        """
        if not path_components:
            return super().route(request, path_components)
        address = f"{self.url_path}{'/'.join(path_components)}/"
        # Joined with every type of page, so that the page comes in its own type at once.
        kinds = [kind.__name__.lower() for kind in get_page_models() if issubclass(kind, SitePage)]
        pages = Page.objects.descendant_of(self).select_related(*kinds)
        page = pages.filter(url_path=address).first()
        if page is None:
            raise Http404
        result: RouteResult = getattr(page, page.cached_content_type.model).route(request, [])
        return result

    def primary_page(self) -> Page | None:
        """Where the button leads, unless that is hidden from visitors. Two queries."""
        return shown_page(self.featured_program)

    def secondary_page(self) -> Page | None:
        """Where the quiet link leads, unless that is hidden from visitors. Two queries."""
        return shown_page(self.secondary_program)

    def faqs(self) -> list[FAQItem]:
        """The published questions picked for the home page, in the editor's order. One query."""
        return picked(self.faq_picks, "faq_item")

    def therapists(self) -> QuerySet[TherapistPage]:
        """Everybody of the team who is published. One query."""
        pages: QuerySet[TherapistPage] = (
            TherapistPage.objects.shown().select_related("photo").order_by("path")
        )
        return pages

    def testimonials(self) -> QuerySet[TestimonialPage]:
        """The first three published testimonials. One query."""
        pages: QuerySet[TestimonialPage] = TestimonialPage.objects.shown().order_by("path")[:3]
        return pages

    def programs(self) -> list[Page]:
        """Published programs in the editor's order. Three queries."""
        index_page = ProgramIndexPage.objects.shown().first()
        return index_page.programs() if index_page else []


class HomeFAQPick(Pick):
    """One question shown on the home page."""

    picked_field = "faq_item"

    page = ParentalKey(HomePage, on_delete=models.CASCADE, related_name="faq_picks")
    faq_item = models.ForeignKey(FAQItem, on_delete=models.CASCADE, related_name="+")

    panels: ClassVar[list[Panel]] = [FieldPanel("faq_item")]


class StandardPage(SitePage):
    """A plain page: safety, privacy, terms, about."""

    lead = models.TextField(blank=True, help_text="Optional. One or two sentences below the title.")
    effective_on = models.DateField(
        "in force since",
        null=True,
        blank=True,
        help_text="For policies: the day these words began to count.",
    )
    body = StreamField(StoryBlock(), blank=True, help_text="The text of the page.")

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Panel]] = [
        *SitePage.content_panels,
        FieldPanel("lead"),
        FieldPanel("effective_on"),
        FieldPanel("body"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("lead"),
        index.SearchField("body"),
    ]

    class Meta:
        verbose_name = "plain page"


class FAQPage(SitePage):
    """Every published question."""

    intro = RichTextField(
        blank=True, features=TEXT_FEATURES, help_text="Optional. Above the questions."
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    max_count = 1

    content_panels: ClassVar[list[Panel]] = [*SitePage.content_panels, FieldPanel("intro")]

    search_fields: ClassVar[list[Any]] = [*SitePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = "questions page"

    def groups(self) -> list[FAQGroup]:
        """Published questions by topic, in the order of each topic's first question. One query."""
        items = list(FAQItem.objects.shown())
        place = {item.topic: number for number, item in reversed(list(enumerate(items)))}
        by_topic = groupby(
            sorted(items, key=lambda item: place[item.topic]), key=lambda item: item.topic
        )
        return [FAQGroup(topic, list(group)) for topic, group in by_topic]


class ContactPage(SitePage):
    """How to reach the practice; the address and the number come from its settings."""

    intro = RichTextField(
        blank=True,
        features=TEXT_FEATURES,
        help_text="Who answers, how soon, and what to leave out.",
    )
    body = StreamField(StoryBlock(), blank=True, help_text="Anything else, in the order you like.")

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = []
    max_count = 1

    content_panels: ClassVar[list[Panel]] = [
        *SitePage.content_panels,
        FieldPanel("intro"),
        FieldPanel("body"),
    ]

    search_fields: ClassVar[list[Any]] = [*SitePage.search_fields, index.SearchField("intro")]

    class Meta:
        verbose_name = "contact page"


@register_setting(icon="list-ul")
class NavigationSettings(BaseGenericSetting):
    """The menus. An entry whose page is a draft, or a sample outside demo mode, is hidden."""

    main_menu = StreamField(MenuBlock(max_num=7), blank=True, help_text="At the top of every page.")
    footer_menu = StreamField(
        MenuBlock(max_num=12), blank=True, help_text="At the foot of every page."
    )

    panels: ClassVar[list[Panel]] = [FieldPanel("main_menu"), FieldPanel("footer_menu")]
    base_form_class = SettingsForm

    class Meta:
        verbose_name = "menus"

    def __str__(self) -> str:
        return "Menus"

    def main_entries(self) -> list[MenuEntry]:
        """The main menu as visitors see it."""
        return self._entries(self.main_menu)

    def footer_entries(self) -> list[MenuEntry]:
        """The menu at the foot as visitors see it."""
        return self._entries(self.footer_menu)

    @cached_property
    def _pages(self) -> dict[int, Page]:
        """The pages of both menus that visitors may see. One query; outside demo mode two."""
        raw = [*self.main_menu.raw_data, *self.footer_menu.raw_data]
        chosen = [entry["value"]["page"] for entry in raw if entry["value"].get("page")]
        pages: dict[int, Page] = Page.objects.live().in_bulk(chosen)
        hidden = set() if settings.DEMO_MODE else sample_pages(pages)
        return {key: page for key, page in pages.items() if key not in hidden}

    def _entries(self, menu: Any) -> list[MenuEntry]:
        values = [entry["value"] for entry in menu.raw_data]
        return [
            MenuEntry(label=value.get("label") or page.title, page=page)
            for value in values
            if (page := self._pages.get(value.get("page")))
        ]


def shown_page(page: Page | None) -> Page | None:
    """``page`` in its own type, or None when visitors may not see it. One query at most."""
    if page is None or not page.live:
        return None
    own = page.specific
    return own if not isinstance(own, SitePage) or own.is_shown() else None
