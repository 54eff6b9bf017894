"""Questions about quarters, places and access. Each is given the moment it is asked about."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from django.conf import settings
from django.db import models
from django.db.models import Count, Exists, F, Max, Min, OuterRef, Q, Subquery, Sum
from django.db.models.functions import Coalesce

if TYPE_CHECKING:
    from accounts.models import User

    # Named in quotes below.
    from enrollments.models import (  # noqa: F401
        BundleAccess,
        BundlePrice,
        Enrollment,
        HelpCode,
        Meeting,
        Order,
        PaymentPlan,
        Quarter,
        Refund,
        WaitlistEntry,
    )

# The states in which an enrollment uses up a seat. A hold counts until Stripe has confirmed that
# its payment page can no longer be paid: the clock alone never frees a seat. An offered seat waits
# for whoever is first on the waitlist.
OCCUPYING = ("offered", "held", "enrolled", "completed")
# The states in which a member cannot begin a second enrollment in the same quarter.
LIVE = ("applied", "approved", *OCCUPYING)

# The states of a quarter whose group has begun: written down by ``tick``, and never taken back.
BEGUN = ("running", "ended")
# No meeting is longer: the form refuses it.
LONGEST_MEETING = timedelta(days=1)

# The states of the waitlist in which somebody still hopes for a seat.
IN_LINE = ("waiting", "offered")

# The states in which a refund's money is gone, or on its way: access follows these.
GIVEN_BACK = ("pending", "succeeded")
# The states in which a refund's money cannot be promised a second time.
CLAIMED = ("proposed", "requested", *GIVEN_BACK)


def bundles_are_for_sale() -> bool:
    """Whether any bundle may be sold: as a sample, until the member area plays its videos."""
    return bool(settings.DEMO_MODE)


class QuarterQuerySet(models.QuerySet["Quarter"]):
    """Quarters, by what a visitor may see of them."""

    def shown(self) -> QuarterQuerySet:
        """Those whose dates visitors may read: no drafts, and samples in demo mode only."""
        quarters = self.exclude(state="draft")
        return quarters if settings.DEMO_MODE else quarters.exclude(is_sample=True)

    def named(self) -> QuarterQuerySet:
        """Load ``discreet_name`` with each, without the rest of the workshop's page."""
        return self.annotate(discreet_name=F("workshop__discreet_name"))  # type: ignore[no-redef]

    def begun(self, now: datetime) -> QuarterQuerySet:
        """Those whose ``phase`` is not ahead any more: the same rule, for lists."""
        has_met = Q(meetings__is_cancelled=False, meetings__starts_at__lte=now)
        begun = self.model.objects.filter(has_met | Q(state__in=BEGUN))
        return self.filter(pk__in=begun.values("pk"))

    def with_begin(self) -> QuarterQuerySet:
        """Annotate ``begins_at``: when the first meeting that takes place starts."""
        held = Q(meetings__is_cancelled=False)
        return self.annotate(begins_at=Min("meetings__starts_at", filter=held))

    def with_seats_left(self) -> QuarterQuerySet:
        """Annotate ``seats_left``. For display: only ``hold_seat`` may promise a seat."""
        taken = Count("enrollments", filter=Q(enrollments__state__in=OCCUPYING), distinct=True)
        return self.annotate(seats_left=F("capacity") - taken)


class MeetingQuerySet(models.QuerySet["Meeting"]):
    """Meetings, each with its quarter."""

    def not_over(self, now: datetime) -> MeetingQuerySet:
        """Those that have not ended by ``now``. Two queries: databases differ in adding minutes."""
        begun = self.filter(starts_at__lte=now, starts_at__gt=now - LONGEST_MEETING)
        running = [meeting.pk for meeting in begun if meeting.ends_at > now]
        return self.filter(Q(starts_at__gt=now) | Q(pk__in=running))

    def of_coming_quarters(self, now: datetime) -> MeetingQuerySet:
        """Every meeting of the shown quarters that are still ahead, soonest first. One query.

        Each has ``seats_taken`` of its quarter, and of the bundles that it includes and says
        so: ``included_count``, and the sentence ``included`` of one.
        """
        held = self.model.objects.filter(quarter=OuterRef("quarter"), is_cancelled=False)
        meetings = self.exclude(quarter__state__in=("draft", "cancelled", *BEGUN))
        if not settings.DEMO_MODE:
            meetings = meetings.exclude(quarter__is_sample=True)
        taken = Q(quarter__enrollments__state__in=OCCUPYING)
        return (
            meetings.filter(Exists(held))
            .exclude(Exists(held.filter(starts_at__lte=now)))
            .select_related("quarter")
            .annotate(
                seats_taken=Count("quarter__enrollments", filter=taken, distinct=True),
                included_count=Count(
                    "quarter__bundles",
                    filter=~Q(quarter__bundles__when_included=""),
                    distinct=True,
                ),
                included=Max("quarter__bundles__when_included"),
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
        """Holds whose time is over; Stripe must confirm before their seats are free.

        What a closed account has paid for is held until staff decide.
        """
        held = self.filter(state="held", hold_expires_at__lte=now)
        return held.exclude(line__order__state="closed_account")

    def of_member(self, member: User) -> EnrollmentQuerySet:
        """What ``member`` may see as hers: places that are paid for, soonest quarter first."""
        return (
            self.filter(member=member, state__in=("enrolled", "completed"))
            .filter(Q(line=None) | Q(line__order__paused_for=""))
            .order_by("pk")
        )


class BundlePriceQuerySet(models.QuerySet["BundlePrice"]):
    """What bundles cost."""

    def shown(self) -> BundlePriceQuerySet:
        """Prices visitors may see: on sale, and samples in demo mode only."""
        prices = self.filter(on_sale=True)
        return prices if settings.DEMO_MODE else prices.exclude(is_sample=True)

    def payable(self) -> BundlePriceQuerySet:
        """Prices visitors may pay: those shown, while bundles are for sale at all."""
        return self.shown() if bundles_are_for_sale() else self.none()


class BundleAccessQuerySet(models.QuerySet["BundleAccess"]):
    """Who may open which bundle."""

    def in_force(self) -> BundleAccessQuerySet:
        """Access that has not been taken back."""
        return self.filter(revoked_at=None)

    def usable(self) -> BundleAccessQuerySet:
        """Access that opens something now: in force, and nothing it rests on is paused."""
        return (
            self.in_force()
            .filter(Q(line=None) | Q(line__order__paused_for=""))
            .filter(
                Q(enrollment=None)
                | Q(enrollment__line=None)
                | Q(enrollment__line__order__paused_for="")
            )
        )


class RefundQuerySet(models.QuerySet["Refund"]):
    """Money given back."""

    def given_back(self) -> RefundQuerySet:
        """Those whose money is gone, or on its way."""
        return self.filter(state__in=GIVEN_BACK)

    def claimed(self) -> RefundQuerySet:
        """Those whose money is gone, or asked for."""
        return self.filter(state__in=CLAIMED)

    def total_cents(self) -> int:
        """What they come to. One query."""
        return self.aggregate(total=Sum("amount_cents"))["total"] or 0


class PlanQuerySet(models.QuerySet["PaymentPlan"]):
    """Payment plans."""

    def under_way(self) -> PlanQuerySet:
        """Those of which money may still come."""
        return self.exclude(state__in=("finished", "ended"))

    def overdue(self) -> PlanQuerySet:
        """Those of which an instalment is owed, or cannot come any more by itself."""
        return self.filter(state__in=("past_due", "suspended"))

    def without_end(self) -> PlanQuerySet:
        """Those that Stripe would go on asking for without end."""
        return self.under_way().filter(schedule_id="", subscription_ended_at=None)

    def with_old_address(self) -> PlanQuerySet:
        """Those whose buyer Stripe knows under an address that was changed."""
        return self.under_way().filter(has_old_address=True)

    def to_stop(self) -> PlanQuerySet:
        """Those that are over here, and of which Stripe has not yet confirmed it."""
        return self.filter(state__in=("finished", "ended"), subscription_ended_at=None)

    def out_of_grace(self, now: datetime) -> PlanQuerySet:
        """Those whose access has gone on long enough without an instalment."""
        return self.filter(state="past_due", grace_ends_at__lte=now)


class WaitlistQuerySet(models.QuerySet["WaitlistEntry"]):
    """Places in line; in the order in which seats are offered."""

    def in_line(self) -> WaitlistQuerySet:
        """Those that wait, or that have been offered a seat and not answered yet."""
        return self.filter(state__in=IN_LINE)

    def waiting(self) -> WaitlistQuerySet:
        """Those to whom no seat is offered yet."""
        return self.filter(state="waiting").order_by("rank", "joined_at", "pk")

    def before(self, entry: WaitlistEntry) -> WaitlistQuerySet:
        """Those that wait for the same quarter, and to whom seats are offered before ``entry``."""
        comes_before = _comes_before(entry.rank, entry.joined_at, entry.pk)
        return self.waiting().filter(comes_before, quarter=entry.quarter_id)

    def with_number(self) -> WaitlistQuerySet:
        """Annotate ``place_in_line``: what ``number`` says of each that waits."""
        comes_before = _comes_before(OuterRef("rank"), OuterRef("joined_at"), OuterRef("pk"))
        before = self.model.objects.waiting().filter(comes_before, quarter=OuterRef("quarter"))
        count = before.order_by().values("quarter").annotate(count=Count("pk")).values("count")
        return self.annotate(place_in_line=Coalesce(Subquery(count), 0) + 1)

    def untold_offers(self) -> WaitlistQuerySet:
        """Offers whose email has not gone out: their time has not begun."""
        return self.filter(state="offered", offered_until=None)

    def lapsed_offers(self, now: datetime) -> WaitlistQuerySet:
        """Offers that were not taken in time; whoever is paying may finish, or was never told."""
        return self.filter(state="offered", seat__state="offered", offered_until__lte=now)


def _comes_before(rank: Any, joined_at: Any, pk: Any) -> Q:
    """The order of the list."""
    earlier = Q(joined_at__lt=joined_at) | Q(joined_at=joined_at, pk__lt=pk)
    return Q(rank__lt=rank) | (Q(rank=rank) & earlier)


class HelpCodeQuerySet(models.QuerySet["HelpCode"]):
    """Codes that help with the cost."""

    def usable(self, now: datetime) -> HelpCodeQuerySet:
        """Those that may be typed in now; samples in demo mode only. Uses are counted elsewhere."""
        codes = self.filter(is_active=True).filter(Q(ends_at=None) | Q(ends_at__gt=now))
        return codes if settings.DEMO_MODE else codes.exclude(is_sample=True)

    def with_uses(self, now: datetime, *, besides: Order | None = None) -> HelpCodeQuerySet:
        """Annotate ``uses``: orders that were paid, or can still be paid, with the code."""
        paid = Q(orders__paid_at__isnull=False) | Q(orders__state__in=("processing", "review"))
        counted = _can_be_paid(now) | paid
        if besides:
            counted &= ~Q(orders=besides)
        return self.annotate(uses=Count("orders", filter=counted, distinct=True))

    def not_yet_at_stripe(self, now: datetime) -> HelpCodeQuerySet:
        """Those that Stripe has still to be told of."""
        return self.usable(now).filter(promotion_code_id=None)

    def to_switch_off_at_stripe(self, now: datetime) -> HelpCodeQuerySet:
        """Those that were switched off here, and that nobody can pay with any more."""
        codes = self.filter(
            is_active=False, is_off_at_stripe=False, promotion_code_id__isnull=False
        )
        return codes.exclude(pk__in=self.model.objects.filter(_can_be_paid(now)).values("pk"))


def _can_be_paid(now: datetime) -> Q:
    """Codes of orders that wait for payment: their seat is held, or their page is open."""
    page = Q(orders__attempts__expires_at__gt=now, orders__attempts__state__in=("created", "open"))
    return Q(orders__state="pending") & (Q(orders__lines__enrollment__state="held") | page)
