"""What members were told about a meeting that was moved, cancelled, or takes place after all."""

from __future__ import annotations

from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.models import OutgoingEmail
from enrollments.models.enrollment import Enrollment
from enrollments.models.quarter import Meeting


class MeetingEmail(models.Model):
    """One email to one member: what she knew of the meeting before; the meeting says the rest.

    A later change replaces what has not been sent, so that she reads one email about both.
    """

    class Kind(models.TextChoices):
        """Each is the name of a template."""

        MOVED = "meeting_moved", "A meeting was moved"
        CANCELLED = "meeting_cancelled", "A meeting was cancelled"
        BACK = "meeting_back", "A meeting takes place after all"

    meeting = models.ForeignKey(Meeting, on_delete=models.CASCADE, related_name="emails")
    enrollment = models.ForeignKey(
        Enrollment, on_delete=models.CASCADE, related_name="meeting_emails"
    )
    kind = models.CharField(max_length=30, choices=Kind.choices)
    knew_starts_at = models.DateTimeField()
    knew_cancelled = models.BooleanField()
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    replaced_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=20, choices=OutgoingEmail.State.choices, default=OutgoingEmail.State.QUEUED
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["queued_at", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["meeting", "enrollment"],
                condition=Q(sent_at=None, replaced_at=None),
                name="one_waiting_email_per_meeting_and_member",
            ),
        ]

    def __str__(self) -> str:
        return self.get_kind_display()
