"""Questions and answers, shared by the pages that show them."""

from __future__ import annotations

from typing import Any, ClassVar

from django.db import models
from django.http import HttpRequest
from wagtail.admin.panels import FieldPanel, MultiFieldPanel, Panel, PublishingPanel
from wagtail.fields import RichTextField
from wagtail.models import DraftStateMixin, LockableMixin, PreviewableMixin, RevisionMixin
from wagtail.search import index

from core.blocks import ANSWER_FEATURES
from programs.panels import InferredNotice


class FAQItemQuerySet(models.QuerySet["FAQItem"]):
    """Questions and answers."""

    def shown(self) -> FAQItemQuerySet:
        """Published, in the editor's order."""
        return self.filter(live=True).order_by("sort_order", "pk")


class FAQItem(
    LockableMixin, DraftStateMixin, RevisionMixin, PreviewableMixin, index.Indexed, models.Model
):
    """One question and its answer."""

    key = models.SlugField(
        max_length=80,
        unique=True,
        null=True,
        blank=True,
        editable=False,
        help_text="Names content that was loaded, so that loading again finds it.",
    )
    question = models.CharField(
        max_length=200, help_text="As a visitor would ask it: “Will this workshop work for me?”"
    )
    question_inferred = models.BooleanField(
        "question is inferred",
        default=False,
        help_text="The practice's text gave only the answer. Check this, then remove the tick.",
    )
    answer = RichTextField(
        features=ANSWER_FEATURES, help_text="The practice's own words. Short paragraphs."
    )
    answer_inferred = models.BooleanField(
        "part of the answer is inferred",
        default=False,
        help_text="Some words of the answer were worked out. The note below says which.",
    )
    topic = models.CharField(
        max_length=60, blank=True, help_text="Optional. Questions of one topic stand together."
    )
    sort_order = models.PositiveSmallIntegerField(
        "place", default=0, help_text="Lower numbers come first."
    )
    admin_note = models.TextField(
        "notes for editors", blank=True, help_text="Only editors see this."
    )

    objects: ClassVar[models.Manager[FAQItem]] = models.Manager.from_queryset(FAQItemQuerySet)()

    panels: ClassVar[list[Panel]] = [
        InferredNotice(),
        FieldPanel("question"),
        FieldPanel("answer"),
        FieldPanel("topic"),
        FieldPanel("sort_order"),
        MultiFieldPanel(
            [
                FieldPanel("question_inferred"),
                FieldPanel("answer_inferred"),
                FieldPanel("admin_note"),
            ],
            heading="For editors only",
        ),
        PublishingPanel(),
    ]

    search_fields: ClassVar[list[Any]] = [
        index.SearchField("question"),
        index.AutocompleteField("question"),
        index.SearchField("answer"),
        index.FilterField("topic"),
    ]

    class Meta:
        ordering = ("sort_order", "pk")
        verbose_name = "question and answer"
        verbose_name_plural = "questions and answers"

    def __str__(self) -> str:
        return self.question

    def get_preview_template(self, request: HttpRequest, mode_name: str) -> str:  # noqa: ARG002 (Wagtail's)
        return "programs/faq_item_preview.html"

    def inferred(self) -> str:
        """What of it was worked out, for the list in the admin."""
        parts = [
            word
            for word, mark in (
                ("question", self.question_inferred),
                ("answer", self.answer_inferred),
            )
            if mark
        ]
        return f"Inferred: {' and '.join(parts)}" if parts else ""
