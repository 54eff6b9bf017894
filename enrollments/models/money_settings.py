"""How the practice handles money that goes wrong. Few rules, each with a careful default."""

from __future__ import annotations

from typing import ClassVar

from django.core.validators import MaxValueValidator
from django.db import models
from wagtail.admin.panels import FieldPanel
from wagtail.contrib.settings.models import BaseGenericSetting, register_setting

from enrollments.panels import MoneySettingsForm


@register_setting(icon="clipboard-list")
class MoneySettings(BaseGenericSetting):
    """Edited by staff under Settings."""

    pauses_access_on_dispute = models.BooleanField(
        "pause access while a payment is disputed",
        default=False,
        help_text="Off: she keeps her place until the bank has decided.",
    )
    days_of_grace = models.PositiveSmallIntegerField(
        "days of grace after a failed instalment",
        default=7,
        validators=[MaxValueValidator(60)],
        help_text="Then access is paused, and staff decide.",
    )
    second_person_above_cents = models.PositiveIntegerField(
        "refunds that need a second person",
        null=True,
        blank=True,
        help_text="Refunds above this many cents are proposed by one person and approved by "
        "another. Empty: one person is enough.",
    )

    panels: ClassVar[list[FieldPanel]] = [
        FieldPanel("second_person_above"),
        FieldPanel("pauses_access_on_dispute"),
        FieldPanel("days_of_grace"),
    ]
    base_form_class = MoneySettingsForm

    class Meta:
        verbose_name = "money"
