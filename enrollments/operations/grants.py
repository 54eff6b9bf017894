"""Access to bundles: unlocking, taking back, and what else still opens the same bundle."""

from __future__ import annotations

from datetime import datetime

from django.db.models import QuerySet

from accounts.models import User
from enrollments.models import BundleAccess, Enrollment, OrderLine


def unlock_bought(line: OrderLine, member: User, *, now: datetime) -> bool:
    """Whether ``line`` unlocked its bundle; False when ``member`` had it already."""
    _, is_new = BundleAccess.objects.get_or_create(
        member=member,
        bundle_id=line.bundle_id,
        revoked_at=None,
        defaults={"line": line, "granted_at": now},
    )
    return is_new


def unlock_included(enrollment: Enrollment, *, now: datetime) -> None:
    """Unlock what the quarter includes; a member who has it keeps the access she has."""
    for bundle_id in enrollment.quarter.bundles.order_by("pk").values_list("pk", flat=True):
        BundleAccess.objects.get_or_create(
            member_id=enrollment.member_id,
            bundle_id=bundle_id,
            revoked_at=None,
            defaults={"enrollment": enrollment, "granted_at": now},
        )


def revoke_bought(line: OrderLine, *, now: datetime) -> None:
    """Take back what ``line`` unlocked, unless a place of hers includes it too."""
    _revoke(BundleAccess.objects.in_force().filter(line=line), now)


def revoke_included(enrollment: Enrollment, *, now: datetime) -> None:
    """Take back what came with a place, unless another place of hers includes it too."""
    _revoke(BundleAccess.objects.in_force().filter(enrollment=enrollment), now)


def _revoke(access: QuerySet[BundleAccess], now: datetime) -> None:
    for row in list(access):
        row.revoked_at = now
        row.save(update_fields=["revoked_at"])
        others = Enrollment.objects.filter(
            member=row.member_id,
            quarter__bundles=row.bundle_id,
            state__in=("enrolled", "completed"),
        )
        if other := others.exclude(pk=row.enrollment_id or 0).first():
            BundleAccess.objects.create(
                member_id=row.member_id, bundle_id=row.bundle_id, enrollment=other, granted_at=now
            )
