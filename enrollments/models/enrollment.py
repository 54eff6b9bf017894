"""A place in a quarter, from hold to end. The database itself refuses two people in one seat."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from enrollments.models.order import OrderLine
from enrollments.models.quarter import Quarter
from enrollments.querysets import LIVE, OCCUPYING, EnrollmentQuerySet


class Enrollment(models.Model):
    """A member's place in a quarter. While a visitor is still paying, ``member`` is empty."""

    class State(models.TextChoices):
        APPLIED = "applied", "Applied"
        APPROVED = "approved", "Approved"
        OFFERED = "offered", "Offered"
        HELD = "held", "Held"
        ENROLLED = "enrolled", "Enrolled"
        DECLINED = "declined", "Declined"
        RELEASED = "released", "Released"
        LEFT = "left", "Left"
        MOVED = "moved", "Moved"
        REFUNDED = "refunded", "Refunded"
        ENDED = "ended", "Ended"
        COMPLETED = "completed", "Completed"

    class JoinsBy(models.TextChoices):
        VIDEO = "video", "Video"
        PHONE = "phone", "Phone"
        UNDECIDED = "undecided", "Not sure yet"

    quarter = models.ForeignKey(Quarter, on_delete=models.PROTECT, related_name="enrollments")
    member = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="enrollments",
    )
    line = models.OneToOneField(
        OrderLine, null=True, blank=True, on_delete=models.PROTECT, related_name="enrollment"
    )
    seat_number = models.PositiveSmallIntegerField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices)
    hold_expires_at = models.DateTimeField(null=True, blank=True)
    small_group = models.CharField(max_length=40, blank=True)
    joins_by = models.CharField(max_length=20, choices=JoinsBy.choices, default=JoinsBy.UNDECIDED)
    # Where she went, and when: her new place carries the order's line, this one keeps the trace.
    moved_to = models.OneToOneField(
        "self", null=True, blank=True, on_delete=models.PROTECT, related_name="moved_from"
    )
    moved_at = models.DateTimeField(null=True, blank=True)
    created_at = models.DateTimeField()

    objects: ClassVar[EnrollmentQuerySet] = EnrollmentQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        permissions = [
            ("move_enrollment", "Can move people to another quarter and take them out"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["quarter", "seat_number"],
                condition=Q(state__in=OCCUPYING),
                name="one_person_per_seat",
            ),
            models.UniqueConstraint(
                fields=["quarter", "member"],
                condition=Q(state__in=LIVE),
                name="one_live_enrollment_per_member",
            ),
            models.CheckConstraint(
                # A check that compares with NULL lets it pass.
                condition=~Q(state__in=OCCUPYING)
                | Q(seat_number__isnull=False, seat_number__gte=1),
                name="occupying_needs_a_seat_number",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("held", "offered")) | Q(hold_expires_at__isnull=False),
                name="a_hold_ends",
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("enrolled", "completed")) | Q(member__isnull=False),
                name="an_enrolled_seat_has_a_member",
            ),
        ]
        indexes: ClassVar[list[models.Index]] = [
            models.Index(fields=["state", "hold_expires_at"], name="lapsed_holds"),
        ]

    def __str__(self) -> str:
        return f"Seat {self.seat_number}" if self.seat_number else "No seat"
