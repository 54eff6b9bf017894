"""Enrollments of earlier years: ``python -m bench.growing 1000`` makes it so many.

Each is a paid place in a quarter of ten, with its order, line, attempt, payment and person.
"""

from __future__ import annotations

import sys
from datetime import timedelta
from uuid import uuid4

import django
from django.db import connection, transaction
from django.utils import timezone

SEATS = 10
AT_A_TIME = 5_000


def grow(wanted: int) -> None:
    """Add paid enrollments until there are so many. Nothing is left for vacuum to do later."""
    # Models can be imported once Django is set up.
    from enrollments.models import Enrollment  # noqa: PLC0415

    missing = wanted - Enrollment.objects.count()
    while missing > 0:
        enrollments_in(-(-min(missing, AT_A_TIME) // SEATS))
        missing = wanted - Enrollment.objects.count()
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")


@transaction.atomic
def enrollments_in(number: int) -> None:
    """So many quarters that are over, every seat of which was sold."""
    from accounts.models import User  # noqa: PLC0415
    from enrollments.models import (  # noqa: PLC0415
        CheckoutAttempt,
        Enrollment,
        Order,
        OrderLine,
        Payment,
        Quarter,
    )
    from programs.models import WorkshopPage  # noqa: PLC0415

    now = timezone.now()
    workshop = WorkshopPage.objects.filter(numchild__gt=0).first()
    quarters = Quarter.objects.bulk_create(
        Quarter(
            workshop=workshop,
            label="Earlier",
            slug=uuid4().hex,
            opens_at=now - timedelta(days=400),
            closes_at=now - timedelta(days=300),
            capacity=SEATS,
            price_cents=60_000,
            state=Quarter.State.ENDED,
        )
        for _ in range(number)
    )
    members = User.objects.bulk_create(
        User(email=f"{uuid4().hex}@example.org", chosen_name="Ann", password="!")
        for _ in range(number * SEATS)
    )
    orders = Order.objects.bulk_create(
        Order(
            member=member,
            email=member.email,
            chosen_name=member.chosen_name,
            state=Order.State.PAID,
            currency="usd",
            created_at=now,
            paid_at=now,
        )
        for member in members
    )
    lines = OrderLine.objects.bulk_create(
        OrderLine(
            order=order,
            quarter=quarters[place // SEATS],
            discreet_name="Saturday course",
            unit_price_cents=60_000,
            paid_cents=60_000,
        )
        for place, order in enumerate(orders)
    )
    attempts = CheckoutAttempt.objects.bulk_create(
        CheckoutAttempt(
            order=order,
            number=1,
            session_id=f"cs_test_{uuid4().hex}",
            fingerprint=uuid4().hex,
            created_at=now,
            expires_at=now,
            state=CheckoutAttempt.State.COMPLETE,
        )
        for order in orders
    )
    Payment.objects.bulk_create(
        Payment(
            order=order,
            attempt=attempt,
            payment_intent_id=f"pi_{uuid4().hex}",
            amount_cents=60_000,
            currency="usd",
            received_at=now,
        )
        for order, attempt in zip(orders, attempts, strict=True)
    )
    Enrollment.objects.bulk_create(
        Enrollment(
            quarter=quarters[place // SEATS],
            member=member,
            line=line,
            seat_number=place % SEATS + 1,
            state=Enrollment.State.COMPLETED,
            created_at=now,
        )
        for place, (member, line) in enumerate(zip(members, lines, strict=True))
    )


if __name__ == "__main__":
    django.setup()
    grow(int(sys.argv[1]))
