"""Staff who move somebody, and the quarter to which."""

from __future__ import annotations

from datetime import date
from typing import Any

from django.utils import timezone

from accounts.models import User
from enrollments.models import Enrollment, Quarter
from enrollments.operations import moves
from tests.factories.enrollments import make_quarter


def make_spring(**changes: Any) -> Quarter:
    """Another quarter of the same workshop, $650."""
    return make_quarter(
        **{"label": "Spring 2027", "first_date": date(2027, 4, 10), "price_cents": 65_000} | changes
    )


def move(place: Enrollment, target: Quarter, staff: User, **changes: Any) -> Enrollment:
    """Her place in ``target``."""
    return moves.move(
        **{"place_id": place.pk, "target_id": target.pk, "by": staff, "now": timezone.now()}
        | changes
    )
