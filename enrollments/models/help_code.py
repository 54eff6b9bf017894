"""Codes that help with the cost: what staff agreed, and Stripe's promotion code behind it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.core.validators import MaxValueValidator, MinValueValidator, RegexValidator
from django.db import models
from django.db.models import Q

from enrollments.models.quarter import CURRENCY, Quarter
from enrollments.querysets import HelpCodeQuerySet


class HelpCode(models.Model):
    """A code for so much off, so many times, until a day, for one quarter or for everything."""

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    code = models.CharField(
        max_length=40,
        unique=True,
        validators=[RegexValidator(r"^[A-Z0-9-]{4,40}$", "Four or more capitals or digits.")],
        help_text="What she types. Capitals and digits; nothing that says what it is for.",
    )
    percent_off = models.PositiveSmallIntegerField(
        null=True, blank=True, validators=[MinValueValidator(1), MaxValueValidator(100)]
    )
    amount_off_cents = models.PositiveIntegerField(null=True, blank=True)
    currency = models.CharField(max_length=3, default="usd", validators=[CURRENCY])
    quarter = models.ForeignKey(
        Quarter,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="help_codes",
        help_text="Leave empty for any quarter or bundle.",
    )
    most_uses = models.PositiveSmallIntegerField(default=1, validators=[MinValueValidator(1)])
    ends_at = models.DateTimeField(null=True, blank=True)
    is_active = models.BooleanField("active", default=True)
    is_sample = models.BooleanField("sample", default=False)
    promotion_code_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    # Stripe keeps a failure under the key of its request: the next try needs another key.
    failed_tries = models.PositiveSmallIntegerField(default=0, editable=False)
    is_off_at_stripe = models.BooleanField(default=False, editable=False)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    created_at = models.DateTimeField()

    objects: ClassVar[HelpCodeQuerySet] = HelpCodeQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering: ClassVar[list[str]] = ["-created_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(percent_off__isnull=False, amount_off_cents=None)
                | Q(percent_off=None, amount_off_cents__isnull=False),
                name="a_code_takes_off_a_share_or_an_amount",
            ),
        ]

    def __str__(self) -> str:
        return self.code

    @property
    def is_at_stripe(self) -> bool:
        """Stripe knows it, so that it can be sent with a payment page."""
        return self.promotion_code_id is not None

    def fits(self, *, quarter_id: int | None, currency: str) -> bool:
        """Whether it is meant for an order of ``quarter_id`` (none: a bundle alone)."""
        is_for_it = self.quarter_id in (None, quarter_id)
        return is_for_it and (self.amount_off_cents is None or self.currency == currency)

    def takes_off(self, total_cents: int) -> int:
        """How much of ``total_cents`` need not be paid; half a cent counts for the buyer."""
        if self.amount_off_cents is not None:
            return min(self.amount_off_cents, total_cents)
        return (total_cents * (self.percent_off or 0) + 50) // 100
