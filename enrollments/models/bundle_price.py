"""What a bundle costs on its own. Kept apart from the page: a draft must never change a price."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from enrollments.models.quarter import CURRENCY
from enrollments.querysets import BundlePriceQuerySet
from programs.models import BundlePage


class BundlePrice(models.Model):
    """The price at which a bundle can be bought now."""

    bundle = models.OneToOneField(BundlePage, on_delete=models.PROTECT, related_name="+")
    price_cents = models.PositiveIntegerField(
        "price", help_text="In the currency's smallest unit: 29700 is $297.00."
    )
    currency = models.CharField(max_length=3, default="usd", validators=[CURRENCY])
    on_sale = models.BooleanField(default=False)
    is_sample = models.BooleanField(
        "sample", default=False, help_text="Invented for the demo; shown in demo mode only."
    )

    objects: ClassVar[BundlePriceQuerySet] = BundlePriceQuerySet.as_manager()  # type: ignore[assignment]

    def __str__(self) -> str:
        return f"Price {self.pk}"
