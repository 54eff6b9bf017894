"""A member's right to a bundle, with where it came from."""

from __future__ import annotations

from typing import ClassVar

from django.conf import settings
from django.db import models
from django.db.models import Q

from enrollments.models.enrollment import Enrollment
from enrollments.models.order import OrderLine
from enrollments.querysets import BundleAccessQuerySet
from programs.models import BundlePage


class BundleAccess(models.Model):
    """Opens one bundle to one member: bought, included in a quarter, or given by staff."""

    member = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="bundle_access"
    )
    bundle = models.ForeignKey(BundlePage, on_delete=models.PROTECT, related_name="+")
    line = models.ForeignKey(
        OrderLine, null=True, blank=True, on_delete=models.PROTECT, related_name="+"
    )
    enrollment = models.ForeignKey(
        Enrollment, null=True, blank=True, on_delete=models.PROTECT, related_name="bundle_access"
    )
    granted_at = models.DateTimeField()
    revoked_at = models.DateTimeField(null=True, blank=True)

    objects: ClassVar[BundleAccessQuerySet] = BundleAccessQuerySet.as_manager()  # type: ignore[assignment]

    class Meta:
        verbose_name_plural = "bundle access"
        constraints: ClassVar[list[models.BaseConstraint]] = [
            models.UniqueConstraint(
                fields=["member", "bundle"],
                condition=Q(revoked_at=None),
                name="one_live_access_per_bundle",
            ),
            models.CheckConstraint(
                condition=Q(line=None) | Q(enrollment=None),
                name="access_has_one_source",
            ),
        ]

    def __str__(self) -> str:
        return f"Access {self.pk}"

    @property
    def source(self) -> str:
        """``order``, ``enrollment`` or ``gift``."""
        if self.line_id:
            return "order"
        return "enrollment" if self.enrollment_id else "gift"
