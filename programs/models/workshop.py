"""Workshops: live programs of numbered weeks."""

from __future__ import annotations

from typing import Any, ClassVar

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator
from django.db import models
from django.db.models import QuerySet
from modelcluster.fields import ParentalKey
from wagtail.admin.panels import (
    FieldPanel,
    FieldRowPanel,
    InlinePanel,
    MultiFieldPanel,
    PageChooserPanel,
    Panel,
)
from wagtail.fields import StreamField
from wagtail.models import Page
from wagtail.search import index

from core.blocks import LinesBlock, StoryBlock, shown
from core.discretion import validate_discreet
from core.models import Pick, SitePage, SitePageForm
from core.querysets import picked
from programs.blocks import FactBlock, PolicyBlock
from programs.models.faq import FAQItem
from programs.models.therapist import TherapistPage
from testimonials.models import TestimonialPage


class WorkshopPage(SitePage):
    """One workshop; the pages below it are its weeks."""

    class ServiceKind(models.TextChoices):
        EDUCATION = "education", "Education and group support"
        THERAPY = "therapy", "Group therapy"
        UNDECIDED = "", "Not said yet"

    eyebrow = models.CharField(
        max_length=160, blank=True, help_text="A line above the name: what it is and for whom."
    )
    discreet_name = models.CharField(
        max_length=60,
        validators=[validate_discreet],
        help_text="Used in letters, receipts, calendars and the member area, such as “Saturday "
        "course”. It says nothing of what the workshop is about.",
    )
    discreet_name_is_sample = models.BooleanField(
        "the discreet name is a sample",
        default=False,
        help_text="Remove this tick once the practice has chosen the name.",
    )
    audience = models.CharField(max_length=200, blank=True, help_text="Who it is for, in one line.")
    how_heading = models.CharField(
        "heading of “how it works”", max_length=120, blank=True, help_text="Above the facts."
    )
    format = models.CharField(
        max_length=200, blank=True, help_text="What kind of group it is, in one line."
    )
    led_by = models.CharField(
        max_length=200, blank=True, help_text="Who leads it, in the practice's words."
    )
    guided_journey = models.CharField(
        max_length=200, blank=True, help_text="What it follows, in one line."
    )
    facts = StreamField(
        [("fact", FactBlock())],
        blank=True,
        help_text="Where, when, how long. Dates, seats and price come from the quarter.",
    )
    weekly_lead_in = models.CharField(
        max_length=120,
        blank=True,
        help_text="The words before the list: “Each week is comprised of:”",
    )
    weekly_components = StreamField(
        LinesBlock(), blank=True, help_text="What every week holds, one line each."
    )
    plan_heading = models.CharField(
        "heading of the weeks", max_length=120, blank=True, help_text="Above the list of weeks."
    )
    after_plan = StreamField(LinesBlock(), blank=True, help_text="What follows the list of weeks.")
    recordings = models.TextField(
        blank=True, help_text="Whether meetings are recorded, who may listen, and what is removed."
    )
    policies = StreamField(
        [("policy", PolicyBlock())],
        blank=True,
        help_text="What a person should know before she pays.",
    )
    workbook_title = models.CharField(
        max_length=160,
        blank=True,
        help_text="The book the weeks refer to. Never copy its pages here.",
    )
    workbook_supplied = models.BooleanField(
        "is the workbook included?",
        null=True,
        blank=True,
        choices=[(None, "Not said yet"), (True, "Yes"), (False, "No, members buy their own")],
        help_text="The page says it either way. A parcel or a receipt can give a reader away.",
    )
    service_kind = models.CharField(
        max_length=20,
        blank=True,
        choices=ServiceKind.choices,
        default=ServiceKind.UNDECIDED,
        help_text="Education or therapy: the practice's licensing board decides what may be said.",
    )
    testimonials_heading = models.CharField(
        max_length=120, blank=True, help_text="Shown only when a testimonial stands below it."
    )
    body = StreamField(StoryBlock(), blank=True, help_text="Anything else, in the order you like.")

    parent_page_types: ClassVar[list[str]] = ["programs.ProgramIndexPage"]
    subpage_types: ClassVar[list[str]] = ["programs.SyllabusWeekPage"]

    content_panels: ClassVar[list[Panel]] = [
        FieldPanel("title", help_text="The public name. Letters and receipts never show it."),
        FieldPanel("eyebrow"),
        FieldPanel("audience"),
        MultiFieldPanel(
            [FieldPanel("discreet_name"), FieldPanel("discreet_name_is_sample")],
            heading="Discreet name",
        ),
        MultiFieldPanel(
            [
                FieldPanel("how_heading"),
                FieldPanel("format"),
                FieldPanel("led_by"),
                FieldPanel("guided_journey"),
                FieldPanel("facts"),
            ],
            heading="How it works",
        ),
        MultiFieldPanel(
            [FieldPanel("weekly_lead_in"), FieldPanel("weekly_components")], heading="Each week"
        ),
        MultiFieldPanel(
            [FieldPanel("plan_heading"), FieldPanel("after_plan")], heading="The weeks"
        ),
        MultiFieldPanel(
            [
                FieldPanel("service_kind"),
                FieldPanel("recordings"),
                FieldPanel("policies"),
                FieldRowPanel([FieldPanel("workbook_title"), FieldPanel("workbook_supplied")]),
            ],
            heading="Before you decide",
        ),
        InlinePanel("therapist_picks", label="Therapist", heading="Who leads it"),
        InlinePanel("faq_picks", label="Question", heading="Questions"),
        MultiFieldPanel(
            [
                FieldPanel("testimonials_heading"),
                InlinePanel("testimonial_picks", label="Testimonial"),
            ],
            heading="Testimonials",
        ),
        FieldPanel("body"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("eyebrow"),
        index.SearchField("audience"),
        index.SearchField("discreet_name"),
    ]

    class Meta:
        verbose_name = "workshop"

    def syllabus(self) -> QuerySet[SyllabusWeekPage]:
        """Published weeks, first week first. One query."""
        pages: QuerySet[SyllabusWeekPage] = (
            SyllabusWeekPage.objects.child_of(self).shown().order_by("number")
        )
        return pages

    def therapists(self) -> list[TherapistPage]:
        """Who leads it, in the editor's order. One query."""
        return picked(self.therapist_picks.select_related("therapist__photo"), "therapist")

    def faqs(self) -> list[FAQItem]:
        """The published questions picked for it, in the editor's order. One query."""
        return picked(self.faq_picks, "faq_item")

    def testimonials(self) -> list[TestimonialPage]:
        """The published testimonials picked for it, in the editor's order. One query."""
        return picked(self.testimonial_picks, "testimonial")

    def shown_facts(self) -> list[Any]:
        """The facts as blocks; samples in demo mode only. No query."""
        return shown(self.facts)

    def shown_policies(self) -> list[Any]:
        """The policies as blocks; samples in demo mode only. No query."""
        return shown(self.policies)

    def policy(self, kind: str) -> Any:
        """The first policy of ``kind`` that visitors may see, as a block's value, or None."""
        return next((b.value for b in self.shown_policies() if b.value["kind"] == kind), None)

    def refund_policy(self) -> Any:
        """What is said about money back, or None."""
        return self.policy("refund")


class SyllabusWeekForm(SitePageForm):
    """The editor's form of a week."""

    def clean(self) -> dict[str, Any]:
        cleaned = super().clean()
        # A new week has no place in the tree yet; of any other the model asks.
        if "action-publish" in self.data and not self.instance.path:
            check_number_is_free(cleaned.get("number"), weeks_of(self.parent_page))
        return cleaned


class SyllabusWeekPage(SitePage):
    """One week of a workshop: its public summary."""

    number = models.PositiveSmallIntegerField(
        "week", validators=[MinValueValidator(1)], help_text="1 for the first week."
    )
    chapter = models.CharField(
        max_length=20,
        blank=True,
        help_text="The chapter of the workbook, such as 3. Weeks may share one.",
    )
    part = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="When a chapter takes several weeks: which part this is."
    )
    of_parts = models.PositiveSmallIntegerField(
        null=True, blank=True, help_text="… and how many parts there are."
    )
    display_title = models.CharField(
        max_length=160,
        blank=True,
        help_text="Optional. Shown to visitors instead of the title, until it is cleared.",
    )
    summary = models.TextField(
        blank=True, help_text="What the week is about. Everybody can read this."
    )

    parent_page_types: ClassVar[list[str]] = ["programs.WorkshopPage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Panel]] = [
        FieldPanel(
            "title", help_text="In the practice's own words, without “Week” and its number."
        ),
        FieldPanel("display_title"),
        FieldRowPanel(
            [
                FieldPanel("number"),
                FieldPanel("chapter"),
                FieldPanel("part"),
                FieldPanel("of_parts"),
            ],
            heading="Where it belongs",
        ),
        FieldPanel("summary"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("summary"),
        index.FilterField("number"),
    ]

    base_form_class = SyllabusWeekForm

    class Meta:
        verbose_name = "week"

    def clean(self) -> None:
        super().clean()
        if (self.part is None) != (self.of_parts is None):
            raise ValidationError(
                {"of_parts": "Give both the part and the number of parts, or neither."}
            )
        if self.part and self.of_parts and self.part > self.of_parts:
            raise ValidationError({"part": "The part cannot be higher than the number of parts."})
        if self.path:
            others = weeks_of(self.get_parent()).exclude(pk=self.pk)
            check_number_is_free(self.number, others)

    def check_public_copy(self, parent: Page) -> None:
        super().check_public_copy(parent)
        check_number_is_free(self.number, weeks_of(parent))

    def heading(self) -> str:
        """The title that visitors read."""
        return self.display_title or self.title

    def workshop(self) -> WorkshopPage:
        """The workshop it belongs to. One query."""
        workshop: WorkshopPage = WorkshopPage.objects.parent_of(self).get()
        return workshop

    def previous_week(self) -> SyllabusWeekPage | None:
        """The published week before this one. One query."""
        return self._sisters().filter(number__lt=self.number).order_by("-number").first()

    def next_week(self) -> SyllabusWeekPage | None:
        """The published week after this one. One query."""
        return self._sisters().filter(number__gt=self.number).order_by("number").first()

    def neutral_address(self) -> str:
        return f"week-{self.number}" if self.number else ""

    def _sisters(self) -> QuerySet[SyllabusWeekPage]:
        pages: QuerySet[SyllabusWeekPage] = SyllabusWeekPage.objects.sibling_of(
            self, inclusive=False
        ).shown()
        return pages


def weeks_of(workshop: Page) -> QuerySet[SyllabusWeekPage]:
    """Every week below ``workshop``, drafts too."""
    weeks: QuerySet[SyllabusWeekPage] = SyllabusWeekPage.objects.child_of(workshop)
    return weeks


def check_number_is_free(number: int | None, weeks: QuerySet[SyllabusWeekPage]) -> None:
    """Nothing, unless one of ``weeks`` has this number.

    Raises:
        ValidationError: one has.
    """
    if weeks.filter(number=number).exists():
        raise ValidationError({"number": f"There is a week {number} already."})


class WorkshopTherapistPick(Pick):
    """One person who leads the workshop."""

    picked_field = "therapist"

    page = ParentalKey(WorkshopPage, on_delete=models.CASCADE, related_name="therapist_picks")
    therapist = models.ForeignKey(
        TherapistPage, on_delete=models.CASCADE, related_name="workshop_picks"
    )

    panels: ClassVar[list[Panel]] = [PageChooserPanel("therapist", "programs.TherapistPage")]


class WorkshopFAQPick(Pick):
    """One question shown on the workshop's page."""

    picked_field = "faq_item"

    page = ParentalKey(WorkshopPage, on_delete=models.CASCADE, related_name="faq_picks")
    faq_item = models.ForeignKey(FAQItem, on_delete=models.CASCADE, related_name="+")

    panels: ClassVar[list[Panel]] = [FieldPanel("faq_item")]


class WorkshopTestimonialPick(Pick):
    """One testimonial shown on the workshop's page."""

    picked_field = "testimonial"

    page = ParentalKey(WorkshopPage, on_delete=models.CASCADE, related_name="testimonial_picks")
    testimonial = models.ForeignKey(TestimonialPage, on_delete=models.CASCADE, related_name="+")

    panels: ClassVar[list[Panel]] = [
        PageChooserPanel("testimonial", "testimonials.TestimonialPage")
    ]
