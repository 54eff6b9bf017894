"""Load the sample quarters, prices and help codes that come with the practice's content."""

from __future__ import annotations

from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import yaml
from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.db import transaction
from django.utils import timezone

from enrollments.models import BundlePrice, HelpCode, Quarter
from enrollments.operations.quarters import create_quarter
from programs.models import BundlePage, WorkshopPage

# What they take off, in percent; Stripe is told of them by the first use or the next tick.
SAMPLE_CODES = {"FREE100": 100, "HELP25": 25}
SAMPLE_USES = 1_000
# Fifty-two weeks, so that a Saturday stays one.
YEAR = timedelta(weeks=52)


def still_to_come(first: date, today: date) -> date:
    """The first date of a sample, put off by whole years until it is after today."""
    while first <= today:
        first += YEAR
    return first


class Command(BaseCommand):
    """Idempotent: what exists is left as it is. Everything it makes is marked Sample.

    Samples whose dates are over by now are made a year later, so that there is always one to buy.
    """

    help = "Load sample quarters, prices and help codes (demo mode only)."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "file", nargs="?", type=Path, default=settings.BASE_DIR / "content/practice.yaml"
        )

    @transaction.atomic
    def handle(self, *_args: Any, **options: Any) -> None:
        if not settings.DEMO_MODE:
            raise CommandError("These are samples; they are loaded in demo mode only.")
        content = yaml.safe_load(options["file"].read_text(encoding="utf-8"))
        for program in content["programs"]:
            if program["type"] == "cohort_workshop":
                self._load_quarters(program)
            else:
                self._load_price(program)
        self._load_codes()

    def _load_quarters(self, program: dict[str, Any]) -> None:
        workshop = WorkshopPage.objects.get(key=program["key"])
        bundles = BundlePage.objects.live()
        for sample in program["sample_quarters"]:
            planned = sample["sessions"][0]
            first = still_to_come(planned, timezone.localdate())
            # The names of the samples carry their year: "Winter 2027", "2027-q1".
            named = {
                field: sample[key].replace(str(planned.year), str(first.year))
                for field, key in (("label", "name"), ("slug", "key"))
            }
            if Quarter.objects.filter(slug=named["slug"]).exists():
                continue
            quarter = create_quarter(
                **named,
                workshop=workshop,
                first_date=first,
                start=time.fromisoformat(sample["start_time"]),
                time_zone=sample["timezone"],
                opens_at=datetime.combine(
                    timezone.localdate(), time(0), tzinfo=ZoneInfo(sample["timezone"])
                ),
                capacity=program["sample_capacity"],
                price_cents=program["sample_price"]["amount"] * 100,
                currency=program["sample_price"]["currency"].lower(),
                is_sample=True,
            )
            quarter.bundles.set(bundles if sample["includes_bundles"] else [])
            quarter.instalment_count = sample["sample_instalments"]["count"]
            quarter.instalment_cents = sample["sample_instalments"]["amount"] * 100
            quarter.state = Quarter.State.OPEN
            quarter.save(update_fields=["state", "instalment_count", "instalment_cents"])
            self.stdout.write(f"quarter {quarter.label}: {quarter.meetings.count()} meetings")

    def _load_price(self, program: dict[str, Any]) -> None:
        bundle = BundlePage.objects.get(key=program["key"])
        _, created = BundlePrice.objects.get_or_create(
            bundle=bundle,
            defaults={
                "price_cents": program["sample_price"]["amount"] * 100,
                "currency": program["sample_price"]["currency"].lower(),
                "on_sale": True,
                "is_sample": True,
            },
        )
        if created:
            self.stdout.write("price of the bundle")

    def _load_codes(self) -> None:
        for code, percent in SAMPLE_CODES.items():
            _, created = HelpCode.objects.get_or_create(
                code=code,
                defaults={
                    "percent_off": percent,
                    "most_uses": SAMPLE_USES,
                    "is_sample": True,
                    "created_at": timezone.now(),
                },
            )
            if created:
                self.stdout.write(f"help code {code}")
