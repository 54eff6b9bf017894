"""What was done about an order that no other row tells: letters, decisions, what staff did."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models

from enrollments.models.order import Order


class LedgerEntry(models.Model):
    """One line of an order's story. ``detail`` holds ids, codes and labels, never a person."""

    class Action(models.TextChoices):
        LETTER_QUEUED = "letter_queued", "Letter queued"
        LETTER_SENT = "letter_sent", "Letter sent"
        LETTER_FAILED = "letter_failed", "Letter not sent"
        LETTER_OBSOLETE = "letter_obsolete", "Letter not needed any more"
        ENROLLED = "enrolled", "Enrolled"
        UNLOCKED = "unlocked", "Unlocked"
        NEEDS_A_PERSON = "needs_a_person", "Needs a person"
        RESOLVED = "resolved", "Marked as dealt with"
        ACCOUNT_OPENED = "account_opened", "Account opened again"
        LET_GO = "let_go", "Not gone on with"
        REFUND_PROPOSED = "refund_proposed", "Refund proposed"
        REFUND_APPROVED = "refund_approved", "Refund approved"
        REFUND_REQUESTED = "refund_requested", "Refund requested"
        REFUND_WITHDRAWN = "refund_withdrawn", "Refund withdrawn"
        ACCESS_PAUSED = "access_paused", "Access paused"
        ACCESS_RESTORED = "access_restored", "Access restored"
        ACCESS_ENDED = "access_ended", "Access ended"
        SEAT_FREED = "seat_freed", "Seat freed"
        MOVED = "moved", "Moved to another quarter"
        MOVE_UNDONE = "move_undone", "Move undone"
        LEFT = "left", "Left the group"
        COMPLETED = "completed", "The group has ended"
        QUARTER_CANCELLED = "quarter_cancelled", "The quarter was cancelled"
        PLAN = "plan", "Payment plan"
        DISPUTE = "dispute", "Dispute"
        EVIDENCE = "evidence", "Evidence"

    order = models.ForeignKey(Order, on_delete=models.CASCADE, related_name="ledger")
    at = models.DateTimeField()
    action = models.CharField(max_length=30, choices=Action.choices)
    detail = models.CharField(max_length=200, blank=True)
    # Empty when the site did it by itself.
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
    )

    class Meta:
        verbose_name_plural = "ledger"
        ordering: ClassVar[list[str]] = ["at", "pk"]

    def __str__(self) -> str:
        return self.get_action_display()
