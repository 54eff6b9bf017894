"""Disputes: a bank asks for a payment back. Stripe's own word for the status is kept as it is."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from enrollments.models.order import Order, Payment
from enrollments.models.quarter import CURRENCY


class Dispute(models.Model):
    """One dispute of one payment, as Stripe had it when it was last asked."""

    stripe_id = models.CharField(max_length=255, unique=True)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="disputes")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="disputes")
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    reason = models.CharField(max_length=60)
    # Not a list of choices: Stripe adds statuses, and none of them may break us.
    status = models.CharField(max_length=60)
    evidence_due_by = models.DateTimeField(null=True, blank=True)
    opened_at = models.DateTimeField()
    changed_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["-opened_at"]

    def __str__(self) -> str:
        return f"Dispute {self.stripe_id}"
