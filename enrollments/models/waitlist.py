"""Who waits for a seat in a full quarter, in which order, what was offered and what was written."""

from __future__ import annotations

import uuid
from datetime import datetime, timedelta
from typing import ClassVar

from django.db import models
from django.db.models import Q

from core.models import OutgoingEmail
from enrollments.models.enrollment import Enrollment
from enrollments.models.quarter import Quarter
from enrollments.querysets import IN_LINE, WaitlistQuerySet

# How long an offer stands once its email has gone out; never longer than enrollment is open.
OFFER = timedelta(hours=48)


class WaitlistEntry(models.Model):
    """One address that waits for one quarter.

    ``seat`` is the place kept for it while offered: free for her alone, or held while she pays.
    Its links in letters carry ``uuid``, which is known to nobody else.
    """

    class State(models.TextChoices):
        WAITING = "waiting", "Waiting"
        OFFERED = "offered", "Offered a place"
        ACCEPTED = "accepted", "Took the place"
        PASSED = "passed", "Did not answer in time"
        LEFT = "left", "Left the list"
        CLOSED = "closed", "The list was closed"

    FIRST, USUAL = 0, 10

    uuid = models.UUIDField(default=uuid.uuid4, unique=True, editable=False)
    quarter = models.ForeignKey(Quarter, on_delete=models.PROTECT, related_name="waitlist")
    email = models.EmailField(max_length=254)
    chosen_name = models.CharField(max_length=60)
    # Whoever paid for a place that was gone comes before the others.
    rank = models.PositiveSmallIntegerField(default=USUAL)
    state = models.CharField(max_length=20, choices=State.choices, default=State.WAITING)
    joined_at = models.DateTimeField()
    # Empty while the email that offers the place has not gone out: her time has not begun.
    offered_until = models.DateTimeField(null=True, blank=True)
    seat = models.OneToOneField(
        Enrollment, null=True, blank=True, on_delete=models.PROTECT, related_name="waitlist_entry"
    )

    objects: ClassVar[WaitlistQuerySet] = WaitlistQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name = "waitlist entry"
        verbose_name_plural = "waitlist"
        ordering: ClassVar[list[str]] = ["rank", "joined_at", "pk"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["quarter", "email"],
                condition=Q(state__in=IN_LINE),
                name="one_place_in_line_per_email",
            ),
            models.CheckConstraint(
                condition=~Q(state="offered") | Q(seat__isnull=False),
                name="an_offer_keeps_a_seat",
            ),
        ]

    def __str__(self) -> str:
        return f"Place in line {self.pk}"

    @property
    def is_in_line(self) -> bool:
        """Waiting, or offered a place."""
        return self.state in IN_LINE

    @property
    def is_kept_open(self) -> bool:
        """A place is kept for her, and she has not begun to pay for it."""
        return (
            self.state == self.State.OFFERED
            and self.seat is not None
            and self.seat.state == Enrollment.State.OFFERED
        )

    def is_untold(self) -> bool:
        """A place is kept for her, and the email that says so has not gone out."""
        return self.state == self.State.OFFERED and self.offered_until is None

    def is_lapsed(self, now: datetime) -> bool:
        """Her time to take the place is over."""
        return self.offered_until is not None and self.offered_until <= now

    def end_of_offer(self, begun_at: datetime) -> datetime:
        """When an offer ends of which she is told at ``begun_at``. One query for the quarter."""
        return min(begun_at + OFFER, self.quarter.enrollment_ends_at())

    def begin_offer(self, begun_at: datetime) -> None:
        """Her time begins, unless it has begun, or the place is not offered any more."""
        untold = WaitlistEntry.objects.filter(pk=self.pk, state="offered", offered_until=None)
        untold.update(offered_until=self.end_of_offer(begun_at))

    @property
    def number(self) -> int:
        """Her place in line: 1 when nobody who waits comes before her. One query."""
        return WaitlistEntry.objects.before(self).count() + 1


class WaitlistLetter(models.Model):
    """One letter to somebody on the list; once ``sent_at`` is set it is not sent again."""

    class Kind(models.TextChoices):
        """Each is the name of a template."""

        JOINED = "waitlist_joined", "Her place in line"
        OFFER = "waitlist_offer", "A place is kept for her"
        PASSED = "waitlist_passed", "The place went on"
        CLOSED = "waitlist_closed", "The list was closed"
        HAS_PLACE = "waitlist_has_place", "She has a place already"

    entry = models.ForeignKey(WaitlistEntry, on_delete=models.CASCADE, related_name="letters")
    kind = models.CharField(max_length=30, choices=Kind.choices)
    queued_at = models.DateTimeField()
    sent_at = models.DateTimeField(null=True, blank=True)
    outcome = models.CharField(
        max_length=20, choices=OutgoingEmail.State.choices, default=OutgoingEmail.State.QUEUED
    )

    class Meta:
        ordering: ClassVar[list[str]] = ["queued_at", "pk"]

    def __str__(self) -> str:
        return self.get_kind_display()
