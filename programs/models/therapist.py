"""The people who lead programs. Nothing about a person is made up, not even as a sample."""

from __future__ import annotations

from typing import Any, ClassVar

from django.apps import apps
from django.db import models
from wagtail.admin.panels import FieldPanel, HelpPanel, Panel
from wagtail.fields import RichTextField, StreamField
from wagtail.search import index

from core.blocks import TEXT_FEATURES
from core.models import SitePage
from core.querysets import SitePageQuerySet
from programs.blocks import CredentialBlock, LicenceBlock


class TherapistIndexPage(SitePage):
    """The people of the practice; their order is the order of the pages below it."""

    heading = models.CharField(
        max_length=160,
        blank=True,
        help_text="Says what the people below are. Claim no credential that nobody here holds.",
    )
    body = RichTextField(
        blank=True, features=TEXT_FEATURES, help_text="One or two sentences above the list."
    )

    parent_page_types: ClassVar[list[str]] = ["home.HomePage"]
    subpage_types: ClassVar[list[str]] = ["programs.TherapistPage"]
    max_count = 1

    content_panels: ClassVar[list[Panel]] = [
        *SitePage.content_panels,
        FieldPanel("heading"),
        FieldPanel("body"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("heading"),
        index.SearchField("body"),
    ]

    class Meta:
        verbose_name = "team"

    def therapists(self) -> SitePageQuerySet:
        """Published people in the editor's order. One query."""
        pages: SitePageQuerySet = (
            TherapistPage.objects.child_of(self).shown().select_related("photo").order_by("path")
        )
        return pages


class TherapistPage(SitePage):
    """One therapist. The title is the name."""

    role = models.CharField(
        max_length=120, blank=True, help_text="What she does here, in the practice's words."
    )
    credentials = StreamField(
        [("credential", CredentialBlock())],
        blank=True,
        help_text="Each credential she holds today. Check it with the body that issued it.",
    )
    licences = StreamField(
        [("licence", LicenceBlock())],
        blank=True,
        help_text="Each licence to practice, with its state and number.",
    )
    bio = RichTextField(
        "biography",
        blank=True,
        features=TEXT_FEATURES,
        help_text="Written or approved by her. While it is empty the page does not mention it.",
    )
    photo = models.ForeignKey(
        "wagtailimages.Image",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="A photograph she has approved. Without one the page shows her initials.",
    )

    parent_page_types: ClassVar[list[str]] = ["programs.TherapistIndexPage"]
    subpage_types: ClassVar[list[str]] = []

    content_panels: ClassVar[list[Panel]] = [
        HelpPanel("This is a real person. Write only what she has approved; invent nothing."),
        FieldPanel("title", help_text="Her name as she wants it shown."),
        FieldPanel("role"),
        FieldPanel("credentials"),
        FieldPanel("licences"),
        FieldPanel("bio"),
        FieldPanel("photo"),
    ]

    search_fields: ClassVar[list[Any]] = [
        *SitePage.search_fields,
        index.SearchField("role"),
        index.SearchField("bio"),
    ]

    class Meta:
        verbose_name = "therapist"

    def letters(self) -> str:
        """The letters after the name: "CSAT, LMFT"."""
        return ", ".join(child.value["letters"] for child in self.credentials)

    def initials(self) -> str:
        """Two letters for the disc that stands where a photograph would."""
        words = self.title.split()
        return "".join(word[0] for word in (words if len(words) < 3 else [words[0], words[-1]]))  # noqa: PLR2004

    def workshops(self) -> models.QuerySet[Any]:
        """Published workshops that she leads. One query."""
        workshops = apps.get_model("programs", "WorkshopPage").objects
        pages: models.QuerySet[Any] = (
            workshops.shown().filter(therapist_picks__therapist=self).order_by("path")
        )
        return pages
