"""Compare our books with Stripe's: by hand, or every hour."""

from __future__ import annotations

from typing import Any

from django.core.management.base import BaseCommand, CommandError, CommandParser
from django.utils import timezone

from enrollments.operations.reconcile import reconcile, reconcile_if_due


class Command(BaseCommand):
    """A second run changes nothing. What differs is on the staff's list afterwards."""

    help = "Catch up with what Stripe could not tell us, and report what differs."

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--if-due", action="store_true", help="only once an hour")

    def handle(self, *_args: Any, **options: Any) -> None:
        compare = reconcile_if_due if options["if_due"] else reconcile
        run = compare(now=timezone.now())
        if run is None:
            return
        if run.events or run.orders:
            self.stdout.write(f"events caught up with: {run.events}; orders: {run.orders}")
        for finding in run.findings:
            self.stdout.write(f"does not balance: {finding}")
        if run.error:
            raise CommandError(f"Stripe could not be asked: {run.error}")
