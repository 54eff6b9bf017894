"""Money given back: what staff or the site asked for, and what Stripe made of it."""

from __future__ import annotations

import uuid
from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from enrollments.models.order import Order, OrderLine, Payment
from enrollments.models.quarter import CURRENCY
from enrollments.querysets import RefundQuerySet


class Refund(models.Model):
    """One refund of one payment. The row is committed before Stripe is asked.

    ``line`` is what the money was for; a refund made in Stripe's dashboard may not say.
    """

    class State(models.TextChoices):
        PROPOSED = "proposed", "Waits for a second person"
        REQUESTED = "requested", "Not yet at Stripe"
        PENDING = "pending", "On its way"
        SUCCEEDED = "succeeded", "Given back"
        FAILED = "failed", "Failed; the money came back"
        CANCELED = "canceled", "Canceled"
        REFUSED = "refused", "Stripe refused"

    class Reason(models.TextChoices):
        ASKED = "asked", "She asked for it"
        CANNOT_ATTEND = "cannot_attend", "Cannot take part"
        GOODWILL = "goodwill", "Goodwill"
        PAID_TWICE = "paid_twice", "Paid twice"
        MISTAKE = "mistake", "Our mistake"
        QUARTER_CANCELLED = "quarter_cancelled", "The quarter was cancelled"
        SEAT_GONE = "seat_gone", "Paid when no seat was free any more"
        TOO_MANY_INSTALMENTS = "too_many_instalments", "More instalments than agreed"
        IN_DASHBOARD = "in_dashboard", "Made in Stripe's dashboard"

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    order = models.ForeignKey(Order, on_delete=models.PROTECT, related_name="refunds")
    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="refunds")
    line = models.ForeignKey(
        OrderLine, null=True, blank=True, on_delete=models.PROTECT, related_name="refunds"
    )
    stripe_id = models.CharField(max_length=255, unique=True, null=True, blank=True)
    amount_cents = models.PositiveIntegerField()
    currency = models.CharField(max_length=3, validators=[CURRENCY])
    state = models.CharField(max_length=20, choices=State.choices, default=State.REQUESTED)
    reason = models.CharField(max_length=30, choices=Reason.choices)
    note = models.CharField(max_length=500, blank=True, help_text="Staff only; never a member.")
    tries = models.PositiveSmallIntegerField(default=1)
    access_ends_at = models.DateTimeField(null=True, blank=True)
    requested_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    approved_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )
    requested_at = models.DateTimeField()
    settled_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[RefundQuerySet] = RefundQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering: ClassVar[list[str]] = ["-requested_at"]
        permissions = [
            ("approve_refund", "Can approve a refund that somebody else proposed"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(condition=Q(amount_cents__gte=1), name="a_refund_is_money"),
            models.CheckConstraint(
                condition=Q(approved_by=None) | ~Q(approved_by=models.F("requested_by")),
                name="nobody_approves_her_own_refund",
            ),
        ]

    def __str__(self) -> str:
        return f"Refund {str(self.uuid)[:8]}"
