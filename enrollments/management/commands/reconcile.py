"""Compare our books with Stripe's: by hand, or every hour."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from enrollments.operations.reconcile import reconcile, reconcile_if_due


def _day(typed: str) -> datetime:
    """The first moment of a day, on the practice's clocks."""
    return timezone.make_aware(datetime.fromisoformat(typed))


class Command(BaseCommand):
    """A second run changes nothing. What differs is on the staff's list afterwards."""

    help = "Catch up with what Stripe could not tell us, and report what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-due", action="store_true", help="only once an hour")
        parser.add_argument(
            "--since",
            type=_day,
            metavar="YYYY-MM-DD",
            help="look in our books for everything paid since that day, instead of 30 days",
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        if options["if_due"]:
            run = reconcile_if_due(now=timezone.now())
        else:
            run = reconcile(now=timezone.now(), since=options["since"])
        if run is None:
            return
        if run.events or run.orders:
            self.stdout.write(f"events caught up with: {run.events}; orders: {run.orders}")
        for finding in run.findings:
            self.stdout.write(f"does not balance: {finding}")
        if run.error:
            raise CommandError(f"Stripe could not be asked: {run.error}")
