"""Quarters of a workshop and their meetings: when a closed group gathers, and at what price."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from enum import Enum
from typing import ClassVar
from zoneinfo import ZoneInfo, available_timezones

from django.core.exceptions import ValidationError
from django.core.validators import MinValueValidator, RegexValidator
from django.db import models
from django.db.models import F, Q
from django.utils.functional import cached_property

from core.fields import EncryptedTextField, fingerprint_column
from enrollments.querysets import BEGUN, MeetingQuerySet, QuarterQuerySet
from programs.models import BundlePage, SyllabusWeekPage, WorkshopPage

CURRENCY = RegexValidator(r"^[a-z]{3}$", "Three lowercase letters, for example usd.")


def validate_time_zone(name: str) -> None:
    """Refuse what is not the name of a zone, for example ``America/New_York``."""
    if name not in available_timezones():
        raise ValidationError("Not the name of a time zone, for example America/New_York.")


class Phase(Enum):
    """Where a quarter or a meeting stands: it is under way from its start, and over at its end."""

    AHEAD = "ahead"
    UNDER_WAY = "under_way"
    OVER = "over"


class Quarter(models.Model):
    """One run of a workshop: its seats, price, dates and closed group."""

    class State(models.TextChoices):
        DRAFT = "draft", "Draft"
        OPEN = "open", "Open"
        CLOSED = "closed", "Closed"
        RUNNING = "running", "Running"
        ENDED = "ended", "Ended"
        CANCELLED = "cancelled", "Cancelled"

    class Review(models.TextChoices):
        NONE = "none", "No review"
        AFTER_PAYMENT = "after_payment", "After payment"
        BEFORE_PAYMENT = "before_payment", "Before payment"

    workshop = models.ForeignKey(WorkshopPage, on_delete=models.PROTECT, related_name="quarters")
    label = models.CharField(max_length=60, help_text="For example “Winter 2027”.")
    slug = models.SlugField(
        max_length=60, unique=True, help_text="Part of the address of the enroll page."
    )
    is_sample = models.BooleanField(
        "sample", default=False, help_text="Invented for the demo; shown in demo mode only."
    )
    time_zone = models.CharField(
        max_length=60, default="America/New_York", validators=[validate_time_zone]
    )
    opens_at = models.DateTimeField("enrollment opens")
    closes_at = models.DateTimeField("enrollment closes")
    capacity = models.PositiveSmallIntegerField("seats", validators=[MinValueValidator(1)])
    price_cents = models.PositiveIntegerField(
        "price", help_text="In the currency's smallest unit: 60000 is $600.00."
    )
    currency = models.CharField(max_length=3, default="usd", validators=[CURRENCY])
    instalment_count = models.PositiveSmallIntegerField(null=True, blank=True)
    instalment_cents = models.PositiveIntegerField(null=True, blank=True)
    review = models.CharField(max_length=20, choices=Review.choices, default=Review.NONE)
    bundles = models.ManyToManyField(
        BundlePage,
        blank=True,
        related_name="+",
        verbose_name="included bundles",
        help_text="Unlocked for everyone who pays for this quarter.",
    )
    forum_closes_at = models.DateTimeField(null=True, blank=True)
    state = models.CharField(max_length=20, choices=State.choices, default=State.DRAFT)

    objects: ClassVar[QuarterQuerySet] = QuarterQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering: ClassVar[list[str]] = ["-opens_at"]
        permissions = [
            ("cancel_quarter", "Can cancel a quarter and give everybody's money back"),
        ]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.CheckConstraint(
                condition=Q(closes_at__gt=F("opens_at")),
                name="quarter_closes_after_it_opens",
                violation_error_message="Enrollment must close after it opens.",
            ),
            models.CheckConstraint(condition=Q(capacity__gte=1), name="quarter_has_a_seat"),
            models.CheckConstraint(
                condition=Q(instalment_count=None, instalment_cents=None)
                | Q(
                    # A check that compares with NULL lets it pass.
                    instalment_count__isnull=False,
                    instalment_cents__isnull=False,
                    instalment_count__gte=2,
                    instalment_cents__gte=1,
                ),
                name="quarter_instalments_are_whole",
            ),
        ]

    def __str__(self) -> str:
        return self.label

    @property
    def zone(self) -> ZoneInfo:
        """The zone in which meetings are entered and shown."""
        return ZoneInfo(self.time_zone)

    @cached_property
    def discreet_name(self) -> str:
        """What it is called where nobody should read what it is about."""
        return self.workshop.discreet_name

    def taking_place(self) -> list[Meeting]:
        """Its meetings that are not cancelled, the first in front. No query when prefetched."""
        return [meeting for meeting in self.meetings.all() if not meeting.is_cancelled]

    def first_meeting(self) -> Meeting | None:
        """The first meeting that takes place. No query when prefetched."""
        return next(iter(self.taking_place()), None)

    def phase(self, now: datetime, meetings: Iterable[Meeting] | None = None) -> Phase:
        """Whether the group is ahead, under way or over at ``now``: every rule asks here.

        A cancelled meeting neither begins nor ends anything. What ``tick`` has written down
        stands, whatever becomes of the meetings later. ``meetings`` are its own, of a caller who
        has them already; else one query, or none when prefetched.
        """
        known = self.meetings.all() if meetings is None else meetings
        held = [meeting for meeting in known if not meeting.is_cancelled]
        if self.state == self.State.ENDED or (held and max(m.ends_at for m in held) <= now):
            return Phase.OVER
        if self.state in BEGUN or (held and min(m.starts_at for m in held) <= now):
            return Phase.UNDER_WAY
        return Phase.AHEAD

    def enrollment_ends_at(self) -> datetime:
        """From when nobody can enroll any more: at ``closes_at``, or when the group begins."""
        first = self.first_meeting()
        return min(self.closes_at, first.starts_at) if first else self.closes_at

    def enrolling_state(
        self, now: datetime, seats_left: int, meetings: Iterable[Meeting] | None = None
    ) -> str:
        """``not_yet``, ``open``, ``full`` or ``closed``: what a visitor can do at ``now``.

        Nobody joins a group that has begun. ``meetings`` as for ``phase``.
        """
        if self.state != self.State.OPEN or now >= self.closes_at:
            return "closed"
        if self.phase(now, meetings) != Phase.AHEAD:
            return "closed"
        if now < self.opens_at:
            return "not_yet"
        return "open" if seats_left > 0 else "full"


class MeetingRoom(models.Model):
    """How the members of a quarter come in. A table of its own: no list or page reads it along.

    What cannot be read is an ``UnreadableText``.
    """

    quarter = models.OneToOneField(
        Quarter, primary_key=True, on_delete=models.CASCADE, related_name="room"
    )
    join_link = EncryptedTextField(blank=True)
    join_link_key = fingerprint_column("join_link")
    dial_in = EncryptedTextField(blank=True)
    dial_in_key = fingerprint_column("dial_in")

    def __str__(self) -> str:
        return f"Room of quarter {self.pk}"


class Meeting(models.Model):
    """One live gathering of a quarter. ``starts_at`` is exact; people read it in a zone."""

    quarter = models.ForeignKey(Quarter, on_delete=models.CASCADE, related_name="meetings")
    number = models.PositiveSmallIntegerField("week", validators=[MinValueValidator(1)])
    week = models.ForeignKey(
        SyllabusWeekPage, null=True, blank=True, on_delete=models.SET_NULL, related_name="+"
    )
    # What the week was called when the meeting was made; it outlives the week's page.
    title = models.CharField(max_length=255, blank=True, editable=False)
    starts_at = models.DateTimeField()
    minutes = models.PositiveSmallIntegerField(default=120, validators=[MinValueValidator(1)])
    is_cancelled = models.BooleanField("cancelled", default=False)
    note = models.CharField(
        max_length=140, blank=True, help_text="Why it moved or is cancelled; members read this."
    )

    objects: ClassVar[MeetingQuerySet] = MeetingQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        ordering: ClassVar[list[str]] = ["starts_at"]
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(fields=["quarter", "number"], name="one_meeting_per_week"),
            models.UniqueConstraint(
                fields=["quarter", "starts_at"],
                condition=Q(is_cancelled=False),
                name="one_meeting_at_a_time",
            ),
        ]

    def __str__(self) -> str:
        return f"Week {self.number}"

    @property
    def ends_at(self) -> datetime:
        """When it is over."""
        return self.starts_at + timedelta(minutes=self.minutes)

    def phase(self, now: datetime) -> Phase:
        """Whether it is ahead, under way or over at ``now``, if it takes place."""
        if now < self.starts_at:
            return Phase.AHEAD
        return Phase.UNDER_WAY if now < self.ends_at else Phase.OVER

    def heading(self) -> str:
        """What it is about: the week's words today, or those that it had."""
        return self.week.heading() if self.week else self.title

    def local_start(self, zone: ZoneInfo) -> datetime:
        """When it starts on the clocks of ``zone``."""
        return self.starts_at.astimezone(zone)
