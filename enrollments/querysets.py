"""Questions about quarters, places and access. Each is given the moment it is asked about."""

from __future__ import annotations

from datetime import datetime
from typing import TYPE_CHECKING

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, F, Min, OuterRef, Q

if TYPE_CHECKING:
    from accounts.models import User

    # Named in quotes below.
    from enrollments.models import (  # noqa: F401
        BundleAccess,
        BundlePrice,
        Enrollment,
        Meeting,
        Quarter,
    )

# The states in which an enrollment uses up a seat. A hold counts until Stripe has confirmed that
# its payment page can no longer be paid: the clock alone never frees a seat.
OCCUPYING = ("held", "enrolled", "completed")
# The states in which a member cannot begin a second enrollment in the same quarter.
LIVE = ("applied", "approved", *OCCUPYING)


class QuarterQuerySet(models.QuerySet["Quarter"]):
    """Quarters, by what a visitor may see of them."""

    def shown(self) -> QuarterQuerySet:
        """Those whose dates visitors may read: no drafts, and samples in demo mode only."""
        quarters = self.exclude(state="draft")
        return quarters if settings.DEMO_MODE else quarters.exclude(is_sample=True)

    def with_seats_left(self) -> QuarterQuerySet:
        """Annotate ``seats_left``. For display: only ``hold_seat`` may promise a seat."""
        taken = Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING), distinct=True)
        return self.annotate(seats_left=F("capacity") - taken)


class MeetingQuerySet(models.QuerySet["Meeting"]):
    """Meetings, each with its quarter."""

    def of_coming_quarters(self, now: datetime) -> MeetingQuerySet:
        """Every meeting of the shown quarters that have not begun, soonest first. One query.

        Each has ``seats_taken``, ``bundle_count`` and ``first_bundle`` (a title) of its quarter.
        """
        begun = self.model.objects.filter(quarter=OuterRef("quarter"), starts_at__lte=now)
        meetings = self.exclude(quarter__state="draft")
        if not settings.DEMO_MODE:
            meetings = meetings.exclude(quarter__is_sample=True)
        taken = Q(quarter__enrollments__state__in=OCCUPYING)
        return (
            meetings.exclude(Exists(begun))
            .select_related("quarter")
            .annotate(
                seats_taken=Count("quarter__enrollments", filter=taken, distinct=True),
                bundle_count=Count("quarter__bundles", distinct=True),
                first_bundle=Min("quarter__bundles__title"),
            )
            .order_by("starts_at")
        )


class EnrollmentQuerySet(models.QuerySet["Enrollment"]):
    """Places in quarters."""

    def occupying(self) -> EnrollmentQuerySet:
        """Those that use up a seat."""
        return self.filter(state__in=OCCUPYING)

    def live(self) -> EnrollmentQuerySet:
        """Those that are under way or in force."""
        return self.filter(state__in=LIVE)

    def lapsed_holds(self, now: datetime) -> EnrollmentQuerySet:
        """Holds whose time is over; Stripe must confirm before their seats are free."""
        return self.filter(state="held", hold_expires_at__lte=now)

    def of_member(self, member: User) -> EnrollmentQuerySet:
        """What ``member`` may see as hers: places that are paid for, soonest quarter first."""
        return self.filter(member=member, state__in=("enrolled", "completed")).order_by("pk")


class BundlePriceQuerySet(models.QuerySet["BundlePrice"]):
    """What bundles cost."""

    def shown(self) -> BundlePriceQuerySet:
        """Prices visitors may see and pay: on sale, and samples in demo mode only."""
        prices = self.filter(on_sale=True)
        return prices if settings.DEMO_MODE else prices.exclude(is_sample=True)


class BundleAccessQuerySet(models.QuerySet["BundleAccess"]):
    """Who may open which bundle."""

    def in_force(self) -> BundleAccessQuerySet:
        """Access that has not been taken back."""
        return self.filter(revoked_at=None)
