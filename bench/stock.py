"""Quarters to sell seats of: ``python -m bench.stock 10 50`` makes two and prints their slugs."""

from __future__ import annotations

import sys
from datetime import timedelta
from uuid import uuid4

import django
from django.utils import timezone

from bench.databases import run_in
from bench.servers import Environment


def quarters(env: Environment, *capacities: int) -> list[str]:
    """The slugs of new open quarters with so many seats, each with the practice's bundles."""
    return run_in(env, "-m", "bench.stock", *map(str, capacities)).split()


def make_quarter(capacity: int) -> str:
    """The slug of one new quarter, in a process in which Django is set up."""
    # Only there can models be imported.
    from enrollments.models import Quarter  # noqa: PLC0415
    from enrollments.operations.quarters import create_quarter  # noqa: PLC0415
    from programs.models import BundlePage, WorkshopPage  # noqa: PLC0415

    now = timezone.now()
    workshop = WorkshopPage.objects.filter(numchild__gt=0).first()
    if workshop is None:
        raise LookupError("no workshop has been loaded")
    quarter = create_quarter(
        workshop=workshop,
        label="For measuring",
        slug=f"measured-{uuid4().hex[:12]}",
        first_date=(now + timedelta(days=60)).date(),
        opens_at=now - timedelta(days=1),
        capacity=capacity,
        price_cents=60_000,
    )
    quarter.bundles.set(BundlePage.objects.live())
    quarter.state = Quarter.State.OPEN
    quarter.save(update_fields=["state"])
    return quarter.slug


if __name__ == "__main__":
    django.setup()
    for capacity in sys.argv[1:]:
        print(make_quarter(int(capacity)))
