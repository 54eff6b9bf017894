"""What the comparison of our books with Stripe's found, run by run."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models


class Reconciliation(models.Model):
    """One run. ``findings`` holds codes and ids, a line each; never a person."""

    started_at = models.DateTimeField()
    finished_at = models.DateTimeField(null=True, blank=True)
    events = models.PositiveIntegerField("events caught up with", default=0)
    orders = models.PositiveIntegerField("orders put right", default=0)
    findings = models.JSONField(default=list, blank=True)
    error = models.CharField(max_length=200, blank=True)
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-started_at"]

    def __str__(self) -> str:
        return f"Reconciliation {self.pk}"
