"""What Stripe has told us, and what came of it. Never the payload: it names people."""

from __future__ import annotations

from typing import ClassVar

from django.db import models

from enrollments.models.order import Order


class StripeEvent(models.Model):
    """One event, however often it was delivered."""

    class Outcome(models.TextChoices):
        DONE = "done", "Done"
        NOT_OURS = "not_ours", "Not about an order of ours"
        ERROR = "error", "Failed; Stripe will deliver it again"

    id = models.CharField(primary_key=True, max_length=255)
    type = models.CharField(max_length=80)
    object_id = models.CharField(max_length=255)
    created = models.DateTimeField()
    livemode = models.BooleanField()
    api_version = models.CharField(max_length=40)
    outcome = models.CharField(max_length=20, choices=Outcome.choices)
    error = models.CharField(max_length=200, blank=True)
    order = models.ForeignKey(
        Order, null=True, blank=True, on_delete=models.SET_NULL, related_name="events"
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["-created"]

    def __str__(self) -> str:
        return self.id
