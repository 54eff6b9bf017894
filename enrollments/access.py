"""May this member enter? The one place that answers, for pages, files and lists alike."""

from __future__ import annotations

from accounts.models import User
from enrollments.models import BundleAccess, Enrollment
from programs.models import BundlePage


def places_of(member: User) -> list[Enrollment]:
    """The quarters that are ``member``'s, with meetings: two queries."""
    return list(
        Enrollment.objects.of_member(member)
        .select_related("quarter__workshop")
        .prefetch_related("quarter__meetings")
    )


def bundles_of(member: User) -> list[BundlePage]:
    """The bundles that are open to ``member``, in the order in which she got them."""
    access = BundleAccess.objects.in_force().filter(member=member)
    return [row.bundle for row in access.select_related("bundle").order_by("granted_at", "pk")]


def may_open_bundle(member: User, bundle: BundlePage) -> bool:
    """Whether ``bundle`` is unlocked for ``member`` now."""
    return BundleAccess.objects.in_force().filter(member=member, bundle=bundle).exists()
