"""Payment plans: an order paid in monthly instalments, and each instalment that came."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from enrollments.models.order import Order, Payment
from enrollments.querysets import PlanQuerySet


class PaymentPlan(models.Model):
    """The subscription behind an order, with an end that two locks guard.

    Stripe's schedule ends it after ``instalment_count`` months; our own count of instalments ends
    it too, should the schedule be missing.
    """

    class State(models.TextChoices):
        UNSCHEDULED = "unscheduled", "Its end is not yet set at Stripe"
        ACTIVE = "active", "Being paid"
        PAST_DUE = "past_due", "An instalment failed"
        SUSPENDED = "suspended", "Suspended after the days of grace"
        FINISHED = "finished", "Paid in full"
        ENDED = "ended", "Ended before it was paid"

    order = models.OneToOneField(Order, on_delete=models.PROTECT, related_name="plan")
    subscription_id = models.CharField(max_length=255, unique=True)
    schedule_id = models.CharField(max_length=255, blank=True)
    customer_id = models.CharField(max_length=255)
    instalment_count = models.PositiveSmallIntegerField()
    instalment_cents = models.PositiveIntegerField()
    state = models.CharField(max_length=20, choices=State.choices, default=State.UNSCHEDULED)
    # The latest invoice that was not paid, since when one is not, and until when access goes on;
    # without that moment access goes on until another one is not paid.
    overdue_invoice_id = models.CharField(max_length=255, blank=True)
    past_due_since = models.DateTimeField(null=True, blank=True)
    grace_ends_at = models.DateTimeField(null=True, blank=True)
    # Stripe keeps a failure under the key of its request: the next try needs another key.
    tries = models.PositiveSmallIntegerField(default=1)
    # Stripe writes to her, too, and still has the address that she had before.
    has_old_address = models.BooleanField(default=False)
    # When Stripe had confirmed that nothing more will be taken.
    subscription_ended_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects: ClassVar[PlanQuerySet] = PlanQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=~Q(state__in=("past_due", "suspended")) | Q(past_due_since__isnull=False),
                name="an_overdue_plan_says_since_when",
            ),
        ]

    def __str__(self) -> str:
        return f"Plan of {self.instalment_count}"

    @property
    def is_under_way(self) -> bool:
        """Money may still come of it."""
        return self.state not in (self.State.FINISHED, self.State.ENDED)

    @property
    def is_overdue(self) -> bool:
        """An instalment is owed, or cannot come any more by itself."""
        return self.state in (self.State.PAST_DUE, self.State.SUSPENDED)


class Instalment(models.Model):
    """One invoice of a plan that was paid. ``payment`` is empty when it was for nothing."""

    plan = models.ForeignKey(PaymentPlan, on_delete=models.PROTECT, related_name="instalments")
    number = models.PositiveSmallIntegerField()
    invoice_id = models.CharField(max_length=255, unique=True)
    payment = models.OneToOneField(
        Payment, null=True, blank=True, on_delete=models.PROTECT, related_name="instalment"
    )
    amount_cents = models.PositiveIntegerField()
    paid_at = models.DateTimeField()

    class Meta:
        ordering: ClassVar[list[str]] = ["number"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["plan", "number"], name="instalments_are_numbered"),
        ]

    def __str__(self) -> str:
        return f"Instalment {self.number}"
