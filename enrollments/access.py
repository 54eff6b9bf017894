"""May this member enter? The one place that answers, for pages, files and lists alike."""

from __future__ import annotations

from accounts.models import User
from enrollments.models import BundleAccess, Enrollment, Order, PaymentPlan
from programs.models import BundlePage


def places_of(member: User) -> list[Enrollment]:
    """The quarters that are ``member``'s, with meetings: two queries."""
    return list(
        Enrollment.objects.of_member(member)
        .select_related("quarter__workshop")
        .prefetch_related("quarter__meetings")
    )


def place_to_leave(member: User, slug: str) -> Enrollment | None:
    """``member``'s own place in the quarter with that address, also while it rests. One query."""
    places = Enrollment.objects.filter(member=member, state=Enrollment.State.ENROLLED)
    return places.select_related("quarter__workshop").filter(quarter__slug=slug).first()


def bundles_of(member: User) -> list[BundlePage]:
    """The bundles that are open to ``member``, in the order in which she got them."""
    access = BundleAccess.objects.usable().filter(member=member)
    return [row.bundle for row in access.select_related("bundle").order_by("granted_at", "pk")]


def plans_of(member: User) -> list[PaymentPlan]:
    """What ``member`` pays month by month, as long as something is still to come. Two queries."""
    plans = PaymentPlan.objects.under_way().filter(order__member=member)
    return list(plans.select_related("order").prefetch_related("order__lines").order_by("pk"))


def has_paid(member: User) -> bool:
    """Whether anything was ever hers, open or not. One query."""
    return Order.objects.filter(member=member, paid_at__isnull=False).exists()


def may_open_bundle(member: User, bundle: BundlePage) -> bool:
    """Whether ``bundle`` is unlocked for ``member`` now."""
    return BundleAccess.objects.usable().filter(member=member, bundle=bundle).exists()
